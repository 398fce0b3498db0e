package import Measurement

/// A frame layout that a profile spells out: numbers, a time stamp, values with units, and outcomes.
///
/// The language is described with examples in docs/profile-layouts.md.
package struct FieldLayout: Sendable {
    package struct UnitRule: Sendable, Equatable {
        package var when: FieldCondition
        package var unit: MeasurementUnit
        package var scale: ExactDecimal
        /// Added to the number of the frame before it is scaled.
        package var offset = ExactDecimal(0)
        /// Digits after the point that the device shows; the rest is rounded away.
        package var decimals: Int?
        /// Holds only where the owner said that the device's display shows this unit.
        package var display: MeasurementUnit?
    }
    package struct ValueField: Sendable, Equatable {
        package var name: QuantityName
        package var number: FieldNumber
        /// Tried in order; the first whose condition holds gives unit and scale.
        package var units: [UnitRule]
        /// The device has no value unless this holds.
        package var when = FieldCondition()
        /// The frame is not about this value unless this holds.
        package var onlyWhen = FieldCondition()
        /// Raw numbers that mean "no value".
        package var absent: [ClosedRange<Int64>] = []
        /// Raw numbers that mean "more, or less, than the device can tell".
        package var tooHigh: [ClosedRange<Int64>] = []
        package var tooLow: [ClosedRange<Int64>] = []
    }
    package struct OutcomeRule: Sendable, Equatable {
        /// Names numbers, and values, which hold where the frame has a number for them.
        package var when: FieldCondition
        package var outcome: ReadingOutcome
        package var reason: String?
    }
    /// Bytes that stand in every frame of the layout.
    package struct Constant: Sendable, Equatable {
        /// A negative offset counts from the end of the frame.
        package var at: Int
        /// Any of these; all of one length.
        package var alternatives: [[UInt8]]
        /// The bits that are compared; all of them where empty.
        package var mask: [UInt8] = []

        func holds(_ bytes: [UInt8]) -> Bool {
            let start = at < 0 ? bytes.count + at : at
            guard start >= 0, start <= bytes.count else { return false }
            return alternatives.contains { wanted in
                guard start + wanted.count <= bytes.count else { return false }
                return wanted.indices.allSatisfy { index in
                    let bits = index < mask.count ? mask[index] : 0xFF
                    return (bytes[start + index] ^ wanted[index]) & bits == 0
                }
            }
        }
    }
    package struct FlagRule: Sendable, Equatable {
        package var when: FieldCondition
        package var flag: String
        package init(when: FieldCondition, flag: String) {
            self.when = when
            self.flag = flag
        }
    }
    /// Fields that follow one another; one whose condition does not hold takes no bytes.
    package struct SequenceItem: Sendable, Equatable {
        package enum Content: Sendable, Equatable {
            case value(ValueField)
            case time(FieldTime)
            case userSlot(FieldNumber)
            case sequenceNumber(FieldNumber)
            case skip(Int)
        }
        package var when: FieldCondition
        package var content: Content
    }
    /// Records of one size that follow one another in a frame.
    package struct Records: Sendable, Equatable {
        package var from: Int
        package var size: Int
        /// Bytes after the last record, such as a checksum.
        package var trailing = 0
    }
    /// Frames that have something in common and are one measurement.
    package struct Join: Sendable, Equatable {
        package enum Common: Sendable, Equatable {
            case time
            case sequenceNumber
            case userSlot
            case number(String)
        }
        /// Both frames have the same of all of these; one that lacks any stands for itself.
        package var common: [Common]
        package var within: Interval
        package var isHalf = false
    }
    /// Bytes that the device hides by XOR with a fixed key.
    package struct Mask: Sendable, Equatable {
        package var from: Int
        package var to: Int
        package var key: [UInt8]
    }

    /// The source whose records these are too; the loader has put their fields in.
    package var like: FrameSource?
    package var kind: MeasurementKind?
    package var length: ClosedRange<Int>
    package var constants: [Constant] = []
    package var checksums: [FieldChecksum] = []
    package var mask: Mask?
    package var encryption: FieldEncryption?
    package var records: Records?
    /// A record all of whose bytes are this one is empty.
    package var emptyBytes: [UInt8] = []
    /// A record is empty where one of these holds.
    package var emptyWhen: [FieldCondition] = []
    package var numbers: [String: FieldNumber] = [:]
    /// Numbers that later frames of the session may use.
    package var remember: [String] = []
    /// Numbers that an earlier frame of the session gave.
    package var recall: [String] = []
    package var join: Join?
    package var time: FieldTime?
    package var userSlot: FieldNumber?
    package var sequenceNumber: FieldNumber?
    package var values: [ValueField] = []
    package var sequence: [SequenceItem] = []
    package var sequenceFrom = 0
    /// The frame shows the device's clock of the moment when it is sent.
    package var isClock = false
    /// Bytes may follow the last field of the sequence.
    package var allowsTrailingBytes = false
    /// What the frame is where no rule says otherwise.
    package var outcome = ReadingOutcome.measurement
    package var outcomes: [OutcomeRule] = []
    package var flags: [FlagRule] = []
    /// Numbers that are shown beside the values, under the names the profile gives them.
    package var details: [String] = []
    /// The values whose raw bytes make the record's key; all bytes where it is empty.
    package var keyValues: [QuantityName] = []

    package init(kind: MeasurementKind?, length: ClosedRange<Int>) {
        self.kind = kind
        self.length = length
    }
}

extension FieldLayout {
    /// This frame with the records of another layout in it.
    package func taking(recordsOf other: FieldLayout) -> FieldLayout {
        var layout = other
        layout.like = like
        layout.length = length
        layout.constants = constants
        layout.checksums = checksums
        layout.mask = mask
        layout.encryption = encryption
        layout.records = records
        return layout
    }

    /// Whether the frame is one of this layout's by its length and its constant bytes.
    package func fits(_ bytes: [UInt8]) -> Bool {
        length.contains(bytes.count) && constants.allSatisfy { $0.holds(bytes) }
    }

    func checkShape(_ bytes: [UInt8]) throws(DecodeError) {
        guard length.contains(bytes.count) else {
            throw DecodeError(
                "\(bytes.count) bytes where \(Self.describe(length)) are due", offset: bytes.count)
        }
        for constant in constants where !constant.holds(bytes) {
            throw DecodeError(
                "other bytes than every frame of this layout has",
                offset: constant.at < 0 ? bytes.count + constant.at : constant.at)
        }
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

extension [FieldLayout] {
    /// The first variant that the frame is one of.
    ///
    /// - Throws: why the nearest variant is not it: the one that lacks only the length, else all.
    func variant(of bytes: [UInt8]) throws(DecodeError) -> FieldLayout {
        if let fitting = first(where: { $0.fits(bytes) }) { return fitting }
        let near = first { !$0.constants.isEmpty && $0.constants.allSatisfy { $0.holds(bytes) } }
        try near?.checkShape(bytes)
        throw DecodeError("the frame fits none of this layout's \(count) variants", offset: 0)
    }
}
