import Measurement

/// RSC Measurement (2A53): a running value of speed and cadence, of which no quantity is kept.
///
/// Layout, little-endian: flags uint8 (b0 stride length, b1 distance, b2 running); speed uint16 ×
/// 1/256 m/s; cadence uint8; [stride length uint16 cm]; [distance uint32 × 0.1 m]. Source: Running
/// Speed and Cadence Service 1.0.
enum RunningSpeedMeasurement {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x07, quirks: quirks, field: "flags", offset: 0)
        var reading = Reading(.notFinal, kind: .activity)
        // 1/256 is 0.00390625: exact in decimal digits.
        let speed = ExactDecimal(Int64(try reader.uint16LE("speed")) * 390_625, exponent: -8)
        reading.details = [
            .init(name: "speed_m_s", value: speed.text),
            .init(name: "cadence_per_min", value: "\(try reader.uint8("cadence"))"),
        ]
        if flags & 1 != 0 {
            let stride = ExactDecimal(Int64(try reader.uint16LE("stride length")), exponent: -2)
            reading.details.append(.init(name: "stride_length_m", value: stride.text))
        }
        if flags & 2 != 0 {
            let distance = ExactDecimal(Int64(try reader.uint32LE("distance")), exponent: -1)
            reading.details.append(.init(name: "distance_m", value: distance.text))
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        reading.flags = [flags & 4 != 0 ? "running" : "walking"]
        return reading
    }
}
