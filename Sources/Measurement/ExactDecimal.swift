/// A decimal number as mantissa × 10^exponent, with exactly the digits its source sent.
///
/// 36.0 and 36 compare equal but print differently: the number of decimals is the device's precision.
package struct ExactDecimal: Sendable {
    package var mantissa: Int64
    package var exponent: Int

    package init(_ mantissa: Int64, exponent: Int = 0) {
        self.mantissa = mantissa
        self.exponent = exponent
    }

    /// Reads `-12`, `36.0`, `0.005` and `1e3`; nil for anything else, or when it does not fit.
    package init?(_ text: some StringProtocol) {
        var mantissa: Int64 = 0
        var exponent = 0
        var digits = 0
        var sawPoint = false
        var negative = false
        var rest = text.utf8[...]
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            negative = first == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        while let byte = rest.first, byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
                continue
            }
            guard (48...57).contains(byte) else { return nil }
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            // Negative all the way: the smallest number has no positive counterpart.
            let digit = Int64(byte - 48)
            let (sum, overflow2) = product.addingReportingOverflow(negative ? -digit : digit)
            guard !overflow, !overflow2 else { return nil }
            mantissa = sum
            digits += 1
            if sawPoint { exponent -= 1 }
        }
        guard digits > 0 else { return nil }
        if !rest.isEmpty {
            guard let power = Int(String(decoding: Array(rest.dropFirst()), as: UTF8.self)),
                (-128...128).contains(power)
            else { return nil }
            exponent += power
        }
        self.init(mantissa, exponent: exponent)
    }

    package var isZero: Bool { mantissa == 0 }

    /// The product, exact; nil when the mantissa does not fit.
    package func multiplied(by other: ExactDecimal) -> ExactDecimal? {
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: other.mantissa)
        return overflow ? nil : ExactDecimal(product, exponent: exponent + other.exponent)
    }

    /// The sum, exact, at the finer of both precisions; nil when it does not fit.
    package func adding(_ other: ExactDecimal) -> ExactDecimal? {
        let finest = Swift.min(exponent, other.exponent)
        guard let a = mantissa(atExponent: finest), let b = other.mantissa(atExponent: finest)
        else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : ExactDecimal(sum, exponent: finest)
    }

    /// The same number with `decimals` digits after the point, rounded half up (away from zero).
    package func rounded(toDecimals decimals: Int) -> ExactDecimal? {
        if exponent == -decimals { return self }
        if exponent >= -decimals {
            return mantissa(atExponent: -decimals).map { ExactDecimal($0, exponent: -decimals) }
        }
        let drop = -decimals - exponent
        let step: Int64 = mantissa < 0 ? -1 : 1
        guard let divisor = Self.powerOfTen(drop) else {
            // 10^19 is more than any mantissa, but half of it is not.
            let roundsUp = drop == 19 && mantissa.magnitude >= 5_000_000_000_000_000_000
            return ExactDecimal(roundsUp ? step : 0, exponent: -decimals)
        }
        let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: divisor)
        let roundsUp = remainder.magnitude >= divisor.magnitude - remainder.magnitude
        return ExactDecimal(roundsUp ? quotient + step : quotient, exponent: -decimals)
    }

    /// The quotient rounded half up to `decimals` digits; nil for division by zero or overflow.
    package func divided(by other: ExactDecimal, decimals: Int) -> ExactDecimal? {
        guard other.mantissa != 0 else { return nil }
        // One digit more than asked, so that the rounding sees it.
        let shift = exponent - other.exponent + decimals + 1
        guard (-18...18).contains(shift) else { return nil }
        let scaled: Int64?
        if shift >= 0 {
            scaled = Self.powerOfTen(shift).flatMap { power in
                let (value, overflow) = mantissa.multipliedReportingOverflow(by: power)
                return overflow ? nil : value
            }
        } else {
            scaled = Self.powerOfTen(-shift).map { mantissa / $0 }
        }
        return scaled.flatMap {
            let (quotient, overflow) = $0.dividedReportingOverflow(by: other.mantissa)
            return overflow
                ? nil
                : ExactDecimal(quotient, exponent: -decimals - 1).rounded(toDecimals: decimals)
        }
    }

    /// The number as an integer; nil when it has a fraction or does not fit.
    package var integer: Int64? {
        guard exponent < 0 else { return mantissa(atExponent: 0) }
        guard let divisor = Self.powerOfTen(-exponent) else { return mantissa == 0 ? 0 : nil }
        return mantissa % divisor == 0 ? mantissa / divisor : nil
    }

    /// Plain decimal digits, never scientific: `125`, `36.0`, `-0.005`, `20` for 2 × 10^1.
    package var text: String {
        if exponent >= 0 {
            return mantissa == 0 ? "0" : String(mantissa) + String(repeating: "0", count: exponent)
        }
        let decimals = -exponent
        var digits = String(mantissa.magnitude)
        if digits.utf8.count <= decimals {
            digits = String(repeating: "0", count: decimals + 1 - digits.utf8.count) + digits
        }
        let split = digits.index(digits.endIndex, offsetBy: -decimals)
        return (mantissa < 0 ? "-" : "") + digits[..<split] + "." + digits[split...]
    }

    private func mantissa(atExponent target: Int) -> Int64? {
        if mantissa == 0 { return 0 }
        guard exponent >= target, let power = Self.powerOfTen(exponent - target) else { return nil }
        let (value, overflow) = mantissa.multipliedReportingOverflow(by: power)
        return overflow ? nil : value
    }

    private static func powerOfTen(_ n: Int) -> Int64? {
        guard (0...18).contains(n) else { return nil }
        return (0..<n).reduce(Int64(1)) { power, _ in power * 10 }
    }
}

extension ExactDecimal: Equatable, Comparable {
    package static func == (a: ExactDecimal, b: ExactDecimal) -> Bool {
        !(a < b) && !(b < a)
    }
    package static func < (a: ExactDecimal, b: ExactDecimal) -> Bool {
        let finest = Swift.min(a.exponent, b.exponent)
        if let x = a.mantissa(atExponent: finest), let y = b.mantissa(atExponent: finest) {
            return x < y
        }
        // Too far apart for 64 bits: the one with the larger exponent decides by its sign.
        if a.exponent > b.exponent { return a.mantissa < 0 || (a.mantissa == 0 && b.mantissa > 0) }
        return b.mantissa > 0 || (b.mantissa == 0 && a.mantissa < 0)
    }
}

extension ExactDecimal: CustomStringConvertible {
    package var description: String { text }
}
