import Measurement

/// USB HID scale (usage page 0x8D): 03, status, unit, exponent (s8), value (u16 little-endian).
enum HIDScale {
    private static let states = [
        "", "fault", "stable at zero", "in motion", "stable", "under zero", "over limit",
        "needs calibration", "needs re-zeroing",
    ]
    private static let units: [UInt8: (unit: MeasurementUnit, name: String)] = [
        2: (.gram, "g"), 3: (.kilogram, "kg"), 11: (.ounce, "oz"), 12: (.pound, "lb"),
    ]

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 6)
        guard bytes[0] == 3 else { throw DecodeError("another report than 3", offset: 0) }
        // A full-size read may carry stale zeros behind the six bytes.
        guard bytes[6...].allSatisfy({ $0 == 0 }) else {
            throw DecodeError("bytes after the report", offset: 6)
        }
        let status = Int(bytes[1])
        guard (1..<states.count).contains(status) else {
            throw DecodeError("a status that no scale has", offset: 1)
        }
        var reading = Reading(.notFinal, kind: .weight)
        reading.keyBytes = bytes
        reading.add(["status": states[status]])
        guard let known = units[bytes[2]] else {
            reading.add(["unit": "unknown (\(bytes[2]))"])
            return reading
        }
        switch status {
        case 2, 4: break
        case 1, 6, 7, 8:
            reading.outcome = .failedMeasurement
            return reading
        default: return reading
        }
        let exponent = Int(Int8(bitPattern: bytes[3]))
        guard (-6...6).contains(exponent) else {
            throw DecodeError("an exponent that no scale has", offset: 3)
        }
        let value = ExactDecimal(Int64(places.le16(4)), exponent: exponent)
        reading.outcome = status == 4 ? .measurement : .notFinal
        reading.quantities = [Quantity(.weight, value, known.unit)]
        if let grams = grams(value, known.unit) { reading.add(["grams": grams.text]) }
        return reading
    }

    /// For a person who knows no ounces: to the milligram.
    private static func grams(_ value: ExactDecimal, _ unit: MeasurementUnit) -> ExactDecimal? {
        switch unit {
        case .gram: value
        case .kilogram: value.multiplied(by: ExactDecimal(1_000))
        case .ounce:
            value.multiplied(by: ExactDecimal(28_349_523_125, exponent: -9))?
                .rounded(toDecimals: 3)
        default:
            value.multiplied(by: ExactDecimal(45_359_237, exponent: -5))?.rounded(toDecimals: 3)
        }
    }
}
