/// How the last character of a participant code is made from the others.
package enum CheckDigit: String, Sendable, CaseIterable {
    case none
    /// Luhn's rule over the digits; letters and hyphens do not count.
    case modulus10 = "modulus-10"
    /// Luhn's rule over digits and letters (A is 10, Z is 35); hyphens do not count.
    case modulus36 = "modulus-36"

    /// Whether a code in its normal form ends in the right character.
    package func fits(_ code: ParticipantCode) -> Bool {
        switch self {
        case .none: true
        case .modulus10: fits(code.text.utf8.compactMap { Self.value($0, below: 10) }, base: 10)
        case .modulus36: fits(code.text.utf8.compactMap { Self.value($0, below: 36) }, base: 36)
        }
    }

    private func fits(_ values: [Int], base: Int) -> Bool {
        guard values.count >= 2 else { return false }
        var sum = 0
        for (place, value) in values.reversed().enumerated() {
            let weighed = place % 2 == 1 ? value * 2 : value
            sum += weighed / base + weighed % base
        }
        return sum % base == 0
    }

    private static func value(_ byte: UInt8, below base: Int) -> Int? {
        let value =
            switch byte {
            case 0x30...0x39: Int(byte) - 0x30
            case 0x41...0x5A: Int(byte) - 0x41 + 10
            default: base
            }
        return value < base ? value : nil
    }
}
