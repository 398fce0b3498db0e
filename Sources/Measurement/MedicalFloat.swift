/// An IEEE 11073 SFLOAT or FLOAT: a decimal number, or one of the special values.
///
/// Mantissa and exponent are both two's complement (ISO/IEEE 11073-20601 annex F); the number is
/// kept as it was sent, never as a Double.
package enum MedicalFloat: Sendable, Equatable {
    case number(ExactDecimal)
    case notANumber
    case notAtThisResolution
    case positiveInfinity
    case negativeInfinity
    case reserved

    /// SFLOAT-16: bits 15–12 exponent, bits 11–0 mantissa.
    package init(sfloat raw: UInt16) {
        switch raw {
        case 0x07FF: self = .notANumber
        case 0x0800: self = .notAtThisResolution
        case 0x07FE: self = .positiveInfinity
        case 0x0802: self = .negativeInfinity
        case 0x0801: self = .reserved
        default:
            let mantissa = Int64(Int16(bitPattern: raw << 4) >> 4)
            let exponent = Int(Int16(bitPattern: raw) >> 12)
            self = .number(ExactDecimal(mantissa, exponent: exponent))
        }
    }

    /// FLOAT-32: bits 31–24 exponent, bits 23–0 mantissa.
    package init(float raw: UInt32) {
        switch raw {
        case 0x007F_FFFF: self = .notANumber
        case 0x0080_0000: self = .notAtThisResolution
        case 0x007F_FFFE: self = .positiveInfinity
        case 0x0080_0002: self = .negativeInfinity
        case 0x0080_0001: self = .reserved
        default:
            let mantissa = Int64(Int32(bitPattern: raw << 8) >> 8)
            let exponent = Int(Int32(bitPattern: raw) >> 24)
            self = .number(ExactDecimal(mantissa, exponent: exponent))
        }
    }

    /// The number; nil for every special value.
    package var number: ExactDecimal? {
        if case .number(let value) = self { value } else { nil }
    }
}
