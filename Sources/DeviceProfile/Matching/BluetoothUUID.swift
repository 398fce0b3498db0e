/// A Bluetooth UUID of 16, 32 or 128 bits; short ones stand on the Bluetooth base UUID.
package struct BluetoothUUID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    private static let baseLow: UInt64 = 0x8000_0080_5F9B_34FB

    /// An assigned number, such as 0x2A35.
    package init(_ short: UInt32) {
        high = UInt64(short) << 32 | 0x1000
        low = Self.baseLow
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Takes 2, 4 or 16 bytes, least significant first as on the air.
    init(onAir bytes: Span<UInt8>, from start: Int, width: Int) {
        var (high, low) = (UInt64(0), UInt64(0))
        for index in 0..<min(8, width) { low |= UInt64(bytes[start + index]) << UInt64(8 * index) }
        guard width == 16 else {
            self.init(UInt32(truncatingIfNeeded: low))
            return
        }
        for index in 0..<8 { high |= UInt64(bytes[start + 8 + index]) << UInt64(8 * index) }
        self.init(high: high, low: low)
    }

    /// Reads `2a35`, `0x2A35`, 8 or 32 hexadecimal digits with or without hyphens.
    package init?(_ text: some StringProtocol) {
        var digits = text.lowercased().filter { $0 != "-" }
        if digits.hasPrefix("0x") { digits.removeFirst(2) }
        // A number may begin with a sign, a UUID may not.
        guard digits.allSatisfy(\.isHexDigit) else { return nil }
        switch digits.utf8.count {
        case 4, 8:
            guard let short = UInt32(digits, radix: 16) else { return nil }
            self.init(short)
        case 32:
            guard let high = UInt64(digits.prefix(16), radix: 16),
                let low = UInt64(digits.suffix(16), radix: 16)
            else { return nil }
            self.init(high: high, low: low)
        default: return nil
        }
    }

    /// The assigned number, where the UUID stands on the Bluetooth base.
    package var short: UInt32? {
        low == Self.baseLow && high & 0xFFFF_FFFF == 0x1000 ? UInt32(high >> 32) : nil
    }

    /// All 36 characters in lower case, as BlueZ writes them.
    package var full: String {
        let digits = Self.hex(high, 16) + Self.hex(low, 16)
        var out = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { out += "-" }
            out.append(digit)
        }
        return out
    }

    private static func hex(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}

extension BluetoothUUID: CustomStringConvertible {
    /// The shortest usual form: `2a35`, or the whole UUID.
    package var description: String {
        guard let short else { return full }
        let digits = String(short, radix: 16)
        let width = digits.utf8.count <= 4 ? 4 : 8
        return String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}

// Bluetooth SIG assigned numbers that the project uses.
extension BluetoothUUID {
    package static let bloodPressureService = BluetoothUUID(0x1810)
    package static let glucoseService = BluetoothUUID(0x1808)
    package static let weightScaleService = BluetoothUUID(0x181D)
    package static let bodyCompositionService = BluetoothUUID(0x181B)
    package static let deviceInformationService = BluetoothUUID(0x180A)
    package static let batteryService = BluetoothUUID(0x180F)

    package static let dateTime = BluetoothUUID(0x2A08)
    package static let currentTime = BluetoothUUID(0x2A2B)
    package static let elapsedTime = BluetoothUUID(0x2BF2)
    package static let batteryLevel = BluetoothUUID(0x2A19)
    package static let modelNumber = BluetoothUUID(0x2A24)
    package static let serialNumber = BluetoothUUID(0x2A25)
    package static let firmwareRevision = BluetoothUUID(0x2A26)
    package static let manufacturerName = BluetoothUUID(0x2A29)
    package static let bloodPressureMeasurement = BluetoothUUID(0x2A35)
    package static let intermediateCuffPressure = BluetoothUUID(0x2A36)
    package static let weightMeasurement = BluetoothUUID(0x2A9D)
    package static let glucoseMeasurement = BluetoothUUID(0x2A18)
    package static let glucoseMeasurementContext = BluetoothUUID(0x2A34)
    package static let recordAccessControlPoint = BluetoothUUID(0x2A52)

    package static let bloodPressureFeature = BluetoothUUID(0x2A49)
    package static let glucoseFeature = BluetoothUUID(0x2A51)
    package static let bodyCompositionFeature = BluetoothUUID(0x2A9B)
    package static let weightScaleFeature = BluetoothUUID(0x2A9E)
    package static let physicalActivityFeatures = BluetoothUUID(0x2B3B)
}
