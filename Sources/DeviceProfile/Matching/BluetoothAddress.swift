/// A Bluetooth device address, most significant byte first.
package struct BluetoothAddress: Sendable, Hashable, CustomStringConvertible {
    package var value: UInt64

    /// The lower 48 bits of a number.
    package init(value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

    /// Reads `A4:C1:38:00:00:01`, with colons, hyphens or underscores, in either case.
    package init?(_ text: some StringProtocol) {
        let digits = String(text.filter { $0 != ":" && $0 != "-" && $0 != "_" })
        guard digits.utf8.count == 12, digits.allSatisfy(\.isHexDigit),
            let value = UInt64(digits, radix: 16)
        else { return nil }
        self.value = value
    }

    /// The six bytes, most significant first.
    package var bytes: [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: value >> UInt64(40 - 8 * $0)) }
    }

    package var description: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return byte < 16 ? "0" + digits : digits
        }.joined(separator: ":")
    }
}
