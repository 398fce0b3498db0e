import Measurement

/// PLX Spot-Check Measurement (2A5E) and PLX Continuous Measurement (2A5F).
///
/// Spot check, little-endian: flags uint8 (b0 time, b1 measurement status, b2 device and sensor
/// status, b3 pulse amplitude index, b4 device clock not set); SpO2 SFLOAT; pulse rate SFLOAT;
/// [Date Time 7]; [measurement status uint16]; [device and sensor status uint24]; [index SFLOAT].
/// Continuous: flags uint8 (b0 fast pair, b1 slow pair, b2 measurement status, b3 device and sensor
/// status, b4 index); SpO2 and pulse rate SFLOAT; [fast pair]; [slow pair]; the rest as above.
/// Source: Pulse Oximeter Service 1.0.
enum PulseOximeterMeasurement {
    static func spotCheck(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x1F, quirks: quirks, field: "flags", offset: 0)
        var reading = try values(&reader)
        if flags & 1 != 0 { try reading.takeTime(&reader) }
        if flags & 2 != 0 { _ = try reader.uint16LE("measurement status") }
        if flags & 4 != 0 { _ = try reader.take(3, "device and sensor status") }
        if flags & 8 != 0 { _ = try reader.uint16LE("pulse amplitude index") }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        if flags & 16 != 0 {
            reading.timeFault = true
            reading.flags.append("time-fault")
        }
        return reading
    }

    /// A running value: one of many while the finger is in the device.
    static func continuous(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x1F, quirks: quirks, field: "flags", offset: 0)
        var reading = try values(&reader)
        if flags & 1 != 0 { _ = try reader.take(4, "the fast pair") }
        if flags & 2 != 0 { _ = try reader.take(4, "the slow pair") }
        if flags & 4 != 0 { _ = try reader.uint16LE("measurement status") }
        if flags & 8 != 0 { _ = try reader.take(3, "device and sensor status") }
        if flags & 16 != 0 { _ = try reader.uint16LE("pulse amplitude index") }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        reading.outcome = .notFinal
        return reading
    }

    private static func values(_ reader: inout ByteReader) throws(DecodeError) -> Reading {
        var reading = Reading(.measurement, kind: .oxygenSaturation)
        let saturation = MedicalFloat(sfloat: try reader.uint16LE("oxygen_saturation")).number
        let rate = MedicalFloat(sfloat: try reader.uint16LE("pulse_rate")).number
        if let saturation, saturation > ExactDecimal(100) || saturation < ExactDecimal(0) {
            throw DecodeError("oxygen_saturation is out of any device's range", offset: 1)
        }
        reading.quantities = [
            Quantity(.oxygenSaturation, saturation, .percent),
            Quantity(.pulseRate, rate, .perMinute),
        ]
        if saturation == nil { reading.outcome = .failedMeasurement }
        return reading
    }
}
