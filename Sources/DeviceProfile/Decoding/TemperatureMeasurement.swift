import Measurement

/// Temperature Measurement (2A1C) and Intermediate Temperature (2A1E).
///
/// Layout, little-endian: flags uint8 (b0 Fahrenheit, b1 time, b2 type); temperature FLOAT; [Date
/// Time 7]; [type uint8]. Source: Health Thermometer Service 1.0.
enum TemperatureMeasurement {
    static func decode(
        _ bytes: [UInt8], quirks: LayoutQuirks, intermediate: Bool
    ) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x07, quirks: quirks, field: "flags", offset: 0)
        var reading = Reading(.measurement, kind: .temperature)
        let value = MedicalFloat(float: try reader.uint32LE("body_temperature"))
        if let number = value.number {
            // Digits or degrees that no thermometer has mean a frame in another layout.
            let limit = ExactDecimal(1_000)
            guard (-8...2).contains(number.exponent), number < limit, !(number < ExactDecimal(0))
            else { throw DecodeError("body_temperature is out of any device's range", offset: 1) }
        }
        reading.quantities = [
            Quantity(.bodyTemperature, value.number, flags & 1 != 0 ? .fahrenheit : .celsius)
        ]
        if flags & 2 != 0 { try reading.takeTime(&reader) }
        if flags & 4 != 0 { _ = try reader.uint8("temperature type") }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        if intermediate {
            reading.outcome = .notFinal
        } else if value.number == nil {
            reading.outcome = .failedMeasurement
        }
        return reading
    }
}
