package import Measurement

/// A message of text: the places of a template, or keys with values, and what they mean.
package struct TextLayout: Sendable, Equatable {
    package enum Shape: Sendable, Equatable {
        case template(TextTemplate)
        /// `{key,value,key,"value",…` as Tanita scales write.
        case pairs(open: [UInt8], separator: UInt8)
    }
    package enum UnitRule: Sendable, Equatable {
        case fixed(MeasurementUnit)
        /// The message names the unit, in these words.
        case named(field: String, words: [String: MeasurementUnit])
    }
    package struct Value: Sendable, Equatable {
        package var name: QuantityName
        package var field: String
        package var unit: UnitRule
        /// A number outside it is no value of this device: the message is refused.
        package var range: ClosedRange<Int>?
        /// Words in place of the number.
        package var tooHigh: [String] = []
        package var tooLow: [String] = []
        /// Words, and numbers, that mean "no value".
        package var absent: [String] = []
        package var isRequired = true
    }
    /// Holds where the field has one of the words; `isNot` turns it around.
    package struct Test: Sendable, Equatable {
        package var field: String
        package var words: [String]
        package var isNot = false

        func holds(_ match: TextMatch) -> Bool {
            guard let text = match[field] else { return false }
            return words.contains(text) != isNot
        }
    }
    package struct OutcomeRule: Sendable, Equatable {
        package var test: Test
        package var outcome: ReadingOutcome
        package var reason: String?
    }
    package struct FlagRule: Sendable, Equatable {
        package var test: Test
        package var flag: String
    }
    package struct Detail: Sendable, Equatable {
        package var name: String
        package var field: String
        /// A text of the layout's own: what such a message is.
        package var constant: String?
        package var words: [String: String] = [:]
        /// Texts that mean "nothing".
        package var absent: [String] = []
    }
    package struct Checksum: Sendable, Equatable {
        package var method: FieldChecksum.Method
        package var field: String
        /// Bytes at the beginning that do not count, and bytes between the last that counts and the
        /// checksum's digits.
        package var from = 0
        package var gap = 0
    }

    package var shape: Shape
    package var kind: MeasurementKind?
    package var outcome = ReadingOutcome.measurement
    /// Fields that are read further, by the first template that fits.
    package var parts: [String: [TextTemplate]] = [:]
    package var checksum: Checksum?
    package var values: [Value] = []
    package var outcomes: [OutcomeRule] = []
    package var flags: [FlagRule] = []
    package var details: [Detail] = []
    package var userSlot: String?
    package var sequenceNumber: String?
    /// What makes the record's key beside its number and time; empty: the whole message.
    package var key: [String] = []
    /// Dates that a clock shows which was never set, as `yyyy-mm-dd`.
    package var unsetDates: [String] = []

    package init(_ shape: Shape) { self.shape = shape }

    /// All names that a message of this layout may have.
    package var names: Set<String>? {
        guard case .template(let template) = shape else { return nil }
        return parts.values.flatMap { $0 }.reduce(into: template.names) {
            $0.formUnion($1.names)
        }
    }
}
