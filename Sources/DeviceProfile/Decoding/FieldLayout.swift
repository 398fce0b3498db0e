package import Measurement

/// A frame layout that a profile spells out: bits, a time stamp, values with units, and outcomes.
///
/// The language is described with examples in docs/profiles.md.
package struct FieldLayout: Sendable {
    /// Holds when every named bit is set, or clear where it is negated.
    package struct Condition: Sendable, Equatable {
        package var terms: [(name: String, negated: Bool)]
        package init(_ terms: [(name: String, negated: Bool)] = []) { self.terms = terms }
        package static func == (a: Condition, b: Condition) -> Bool {
            a.terms.map(\.name) == b.terms.map(\.name)
                && a.terms.map(\.negated) == b.terms.map(\.negated)
        }
    }
    package struct BitField: Sendable, Equatable {
        package var byte: Int
        package var bit: Int
    }
    package enum NumberType: String, Sendable, CaseIterable {
        case uint8 = "u8"
        case uint16LE = "u16le"
        case uint16BE = "u16be"
        case uint24LE = "u24le"
        case uint24BE = "u24be"
        case uint32LE = "u32le"
        case uint32BE = "u32be"
        case int8 = "s8"
        case int16LE = "s16le"
        case int16BE = "s16be"

        package var width: Int {
            switch self {
            case .uint8, .int8: 1
            case .uint16LE, .uint16BE, .int16LE, .int16BE: 2
            case .uint24LE, .uint24BE: 3
            case .uint32LE, .uint32BE: 4
            }
        }
    }
    package struct UnitRule: Sendable, Equatable {
        package var when: Condition
        package var unit: MeasurementUnit
        package var scale: ExactDecimal
    }
    package struct ValueField: Sendable, Equatable {
        package var name: QuantityName
        package var at: Int
        package var type: NumberType
        /// Tried in order; the first whose condition holds gives unit and scale.
        package var units: [UnitRule]
        /// The device has no value unless this holds.
        package var when: Condition
        /// Raw numbers that mean "no value".
        package var absent: [ClosedRange<Int64>]
    }
    package struct OutcomeRule: Sendable, Equatable {
        /// Names bits, and values, which hold where the frame has a number for them.
        package var when: Condition
        package var outcome: ReadingOutcome
    }
    /// Bytes that stand in every frame of the layout.
    package struct Constant: Sendable, Equatable {
        package var at: Int
        package var bytes: [UInt8]
    }
    package struct FlagRule: Sendable, Equatable {
        package var when: Condition
        package var flag: String
    }

    package var kind: MeasurementKind
    package var length: ClosedRange<Int>
    package var constants: [Constant] = []
    package var bits: [String: BitField] = [:]
    package var timeAt: Int?
    package var values: [ValueField] = []
    package var outcomes: [OutcomeRule] = []
    package var flags: [FlagRule] = []
    /// The values whose raw bytes make the record's key; all bytes where it is empty.
    package var keyValues: [QuantityName] = []

    package init(kind: MeasurementKind, length: ClosedRange<Int>) {
        self.kind = kind
        self.length = length
    }
}

extension FieldLayout {
    func decode(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        guard length.contains(bytes.count) else {
            throw DecodeError(
                "\(bytes.count) bytes where \(Self.describe(length)) are due", offset: bytes.count)
        }
        for constant in constants
        where !bytes.dropFirst(constant.at).starts(with: constant.bytes) {
            throw DecodeError(
                "other bytes than every frame of this layout has", offset: constant.at)
        }
        var reading = Reading(.measurement, kind: kind)
        if let timeAt {
            var reader = ByteReader(bytes)
            _ = try reader.take(timeAt, "the time stamp")
            try reading.takeTime(&reader)
        }
        for field in values {
            reading.quantities.append(try quantity(field, bytes))
            if keyValues.contains(field.name) {
                reading.keyBytes += bytes[field.at..<field.at + field.type.width]
            }
        }
        for rule in flags where holds(rule.when, bytes) { reading.flags.append(rule.flag) }
        let present = Set(reading.quantities.filter { $0.number != nil }.map(\.name.rawValue))
        if let rule = outcomes.first(where: { holds($0.when, bytes, present: present) }) {
            reading.outcome = rule.outcome
        } else if present.isEmpty {
            reading.outcome = .failedMeasurement
        }
        return reading
    }

    private func holds(
        _ condition: Condition, _ bytes: [UInt8], present: Set<String> = []
    ) -> Bool {
        condition.terms.allSatisfy { term in
            if QuantityName(rawValue: term.name) != nil {
                return present.contains(term.name) != term.negated
            }
            guard let field = bits[term.name], field.byte < bytes.count else { return false }
            return (bytes[field.byte] >> UInt8(field.bit) & 1 == 1) != term.negated
        }
    }

    private func quantity(_ field: ValueField, _ bytes: [UInt8]) throws(DecodeError) -> Quantity {
        guard field.at + field.type.width <= bytes.count else {
            throw DecodeError("the frame ends inside \(field.name.rawValue)", offset: bytes.count)
        }
        guard let rule = field.units.first(where: { holds($0.when, bytes) }) else {
            throw DecodeError("no unit is defined for \(field.name.rawValue)", offset: field.at)
        }
        let raw = field.type.read(bytes, at: field.at)
        guard holds(field.when, bytes), !field.absent.contains(where: { $0.contains(raw) }) else {
            return Quantity(field.name, nil, rule.unit)
        }
        guard let number = ExactDecimal(raw).multiplied(by: rule.scale) else {
            throw DecodeError("\(field.name.rawValue) does not fit", offset: field.at)
        }
        return Quantity(field.name, number, rule.unit)
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

extension FieldLayout.NumberType {
    /// The raw number; the caller has checked that the bytes are there.
    func read(_ bytes: [UInt8], at offset: Int) -> Int64 {
        let slice = bytes[offset..<offset + width]
        switch self {
        case .uint8, .uint16BE, .uint24BE, .uint32BE: return Self.unsigned(slice)
        case .uint16LE, .uint24LE, .uint32LE: return Self.unsigned(slice.reversed())
        case .int8: return Int64(Int8(truncatingIfNeeded: Self.unsigned(slice)))
        case .int16BE: return Int64(Int16(truncatingIfNeeded: Self.unsigned(slice)))
        case .int16LE: return Int64(Int16(truncatingIfNeeded: Self.unsigned(slice.reversed())))
        }
    }

    /// Most significant byte first.
    private static func unsigned(_ bytes: some Sequence<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }
}
