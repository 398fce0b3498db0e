import Measurement

/// A number inside a frame: where it stands, how wide it is, and in which order its bytes come.
package struct FieldNumber: Sendable, Equatable {
    package enum Place: Sendable, Equatable {
        /// A byte offset; negative ones count from the end of the frame (-1 is the last byte).
        case byte(Int)
        /// After the field before it (only in a sequence).
        case following
        /// `width` bits from bit `from`, counted over the whole frame from its first byte.
        case packed(from: Int, width: Int, BitOrder)
    }
    package enum BitOrder: String, Sendable, CaseIterable {
        /// Bit 0 is the most significant bit of the first byte; the first bit weighs most.
        case mostSignificantFirst = "msb-first"
        /// Bit 0 is the least significant bit of the first byte; the first bit weighs least.
        case leastSignificantFirst = "lsb-first"
    }
    package var place: Place
    package var type: NumberType = .uint8
    /// The part of the number that counts, least significant bit 0; all of it where nil.
    package var bits: ClosedRange<Int>?
    /// The bits that count are two's complement.
    package var isSigned = false
    /// Added to what is read, as for a year that counts from 2000.
    package var base: Int64 = 0
    /// Larger numbers are read as this one (a second 60 to 63 that means 59).
    package var maximum: Int64?

    package init(_ place: Place, type: NumberType = .uint8, bits: ClosedRange<Int>? = nil) {
        self.place = place
        self.type = type
        self.bits = bits
    }

    /// What stands in the bytes.
    enum Raw: Equatable {
        case integer(Int64)
        /// SFLOAT and FLOAT bring their exponent and their special values with them.
        case medical(MedicalFloat)

        var number: ExactDecimal? {
            switch self {
            case .integer(let value): ExactDecimal(value)
            case .medical(let value): value.number
            }
        }
        var integer: Int64? {
            switch self {
            case .integer(let value): value
            case .medical(let value): value.number?.integer
            }
        }
    }

    /// Reads the number; `cursor` moves behind a field that follows the one before it.
    func read(
        _ bytes: [UInt8], cursor: inout Int, name: String
    ) throws(DecodeError) -> Raw {
        switch place {
        case .packed(let from, let width, let order):
            guard from >= 0, (1...32).contains(width), from + width <= bytes.count * 8 else {
                throw DecodeError("the frame ends inside \(name)", offset: bytes.count)
            }
            return finish(Self.packed(bytes, from: from, width: width, order), width: width)
        case .byte(let offset):
            let start = offset < 0 ? bytes.count + offset : offset
            return try read(bytes, at: start, name: name)
        case .following:
            defer { cursor += type.width }
            return try read(bytes, at: cursor, name: name)
        }
    }

    private func read(
        _ bytes: [UInt8], at start: Int, name: String
    ) throws(DecodeError) -> Raw {
        guard start >= 0, start + type.width <= bytes.count else {
            throw DecodeError("the frame ends inside \(name)", offset: bytes.count)
        }
        switch type {
        case .sfloat: return .medical(MedicalFloat(sfloat: UInt16(type.word(bytes, at: start))))
        case .float: return .medical(MedicalFloat(float: UInt32(type.word(bytes, at: start))))
        case .bcd8, .bcd16BE, .bcd16LE:
            guard let value = Self.decimalDigits(type.word(bytes, at: start), type.width) else {
                throw DecodeError("\(name) is not in decimal digits", offset: start)
            }
            return finish(value, width: nil)
        default:
            guard bits != nil else { return finish(type.read(bytes, at: start), width: nil) }
            return finish(type.word(bytes, at: start), width: type.width * 8)
        }
    }

    /// Takes the bits that count out of `word`, then sign, base and maximum.
    private func finish(_ word: Int64, width: Int?) -> Raw {
        var value = word
        var width = width
        if let bits {
            value = value >> Int64(bits.lowerBound) & (1 << Int64(bits.count) - 1)
            width = bits.count
        }
        if isSigned, let width, value >> Int64(width - 1) & 1 == 1 { value -= 1 << Int64(width) }
        value += base
        return .integer(min(value, maximum ?? value))
    }

    private static func packed(
        _ bytes: [UInt8], from: Int, width: Int, _ order: BitOrder
    ) -> Int64 {
        var value: Int64 = 0
        for step in 0..<width {
            let bit = from + step
            switch order {
            case .mostSignificantFirst:
                value = value << 1 | Int64(bytes[bit / 8] >> UInt8(7 - bit % 8) & 1)
            case .leastSignificantFirst:
                value |= Int64(bytes[bit / 8] >> UInt8(bit % 8) & 1) << Int64(step)
            }
        }
        return value
    }

    private static func decimalDigits(_ word: Int64, _ width: Int) -> Int64? {
        var value: Int64 = 0
        for nibble in (0..<width * 2).reversed() {
            let digit = word >> Int64(nibble * 4) & 15
            guard digit < 10 else { return nil }
            value = value * 10 + digit
        }
        return value
    }
}

extension FieldNumber {
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
        case int24LE = "s24le"
        case int24BE = "s24be"
        case int32LE = "s32le"
        case int32BE = "s32be"
        /// IEEE 11073 SFLOAT of 16 bits, little-endian.
        case sfloat
        /// IEEE 11073 FLOAT of 32 bits, little-endian.
        case float
        /// Two decimal digits in one byte.
        case bcd8
        case bcd16BE = "bcd16be"
        case bcd16LE = "bcd16le"

        package var width: Int {
            switch self {
            case .uint8, .int8, .bcd8: 1
            case .uint16LE, .uint16BE, .int16LE, .int16BE, .sfloat, .bcd16BE, .bcd16LE: 2
            case .uint24LE, .uint24BE, .int24LE, .int24BE: 3
            case .uint32LE, .uint32BE, .int32LE, .int32BE, .float: 4
            }
        }

        /// SFLOAT and FLOAT cannot be cut into bits.
        package var isMedicalFloat: Bool { self == .sfloat || self == .float }

        private var isBigEndian: Bool {
            switch self {
            case .uint16BE, .uint24BE, .uint32BE, .int16BE, .int24BE, .int32BE, .bcd16BE: true
            default: false
            }
        }
        private var isSigned: Bool {
            switch self {
            case .int8, .int16LE, .int16BE, .int24LE, .int24BE, .int32LE, .int32BE: true
            default: false
            }
        }

        /// The bytes as an unsigned number; the caller has checked that they are there.
        func word(_ bytes: [UInt8], at offset: Int) -> Int64 {
            let slice = bytes[offset..<offset + width]
            let ordered = isBigEndian ? Array(slice) : slice.reversed()
            return ordered.reduce(0) { $0 << 8 | Int64($1) }
        }

        func read(_ bytes: [UInt8], at offset: Int) -> Int64 {
            let value = word(bytes, at: offset)
            let width = Int64(width * 8)
            return isSigned && value >> (width - 1) == 1 ? value - 1 << width : value
        }
    }
}
