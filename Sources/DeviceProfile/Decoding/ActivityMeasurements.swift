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
        _ = try reader.uint16LE("speed")
        _ = try reader.uint8("cadence")
        if flags & 1 != 0 { _ = try reader.uint16LE("stride length") }
        if flags & 2 != 0 { _ = try reader.uint32LE("distance") }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        return Reading(.notFinal, kind: .activity)
    }
}

/// Step Counter Activity Summary (2B40) of the Physical Activity Monitor Service.
///
/// Layout, little-endian: segmentation header uint8 (b7 first segment, b6 last); flags uint8
/// (b0 normal-walking steps, b1 intensity-walking steps, b2 floor steps, b3 distance, b4 worn
/// duration); session id uint16; sub-session id uint16; relative time stamp uint32 s; sequence
/// number uint32; then each flagged field uint24. The units of distance and duration are not
/// settled by any source at hand, so only the steps are read as a value.
enum StepCounterSummary {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let header = try reader.uint8("segmentation header")
        guard header & 0xC0 == 0xC0 else {
            throw DecodeError("a part of a summary in several segments", offset: 0)
        }
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x1F, quirks: quirks, field: "flags", offset: 1)
        _ = try reader.uint16LE("session id")
        _ = try reader.uint16LE("sub-session id")
        _ = try reader.uint32LE("relative time stamp")
        var reading = Reading(.deviceState, kind: .activity)
        reading.sequenceNumber = Int(try reader.uint32LE("sequence number"))
        var steps: Int64?
        for bit in 0..<5 where flags >> bit & 1 == 1 {
            let parts = try reader.take(3, "field \(bit)").map(Int64.init)
            // Normal and intensity walking are steps of the same person at different speeds.
            if bit < 2 { steps = (steps ?? 0) + (parts[0] | parts[1] << 8 | parts[2] << 16) }
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        if let steps {
            reading.outcome = .measurement
            reading.quantities = [Quantity(.steps, ExactDecimal(steps), .steps)]
        }
        return reading
    }
}
