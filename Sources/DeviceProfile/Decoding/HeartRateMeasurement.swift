import Measurement

/// Heart Rate Measurement (2A37).
///
/// Layout, little-endian: flags uint8 (b0 16-bit rate, b1–2 skin contact, b3 energy, b4 RR
/// intervals); rate uint8 or uint16; [energy uint16 kJ]; [RR intervals uint16 × 1/1024 s, as many
/// as fit]. Source: Heart Rate Service 1.0.
enum HeartRateMeasurement {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x1F, quirks: quirks, field: "flags", offset: 0)
        let rate =
            flags & 1 != 0
            ? Int64(try reader.uint16LE("heart_rate")) : Int64(try reader.uint8("heart_rate"))
        if flags & 8 != 0 { _ = try reader.uint16LE("energy expended") }
        if flags & 16 != 0 {
            repeat { _ = try reader.uint16LE("the RR interval") } while reader.remaining > 0
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        var reading = Reading(.measurement, kind: .heartRate)
        // Without contact, and before the first beats are counted, the sensor sends zero.
        let number = rate == 0 ? nil : ExactDecimal(rate)
        reading.quantities = [Quantity(.heartRate, number, .perMinute)]
        if number == nil { reading.outcome = .failedMeasurement }
        if flags >> 1 & 3 == 2 { reading.flags.append("no-skin-contact") }
        return reading
    }
}
