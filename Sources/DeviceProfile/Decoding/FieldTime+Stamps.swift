import Measurement

/// Stamps that are no plain date: counters, days counted back, a base with an offset, 2BF2.
extension FieldTime {
    func take(
        _ bytes: [UInt8], cursor: inout Int, into reading: inout Reading
    ) throws(DecodeError) {
        switch format {
        case .elapsedTime:
            reading.take(try ElapsedTime(parsing: try part(of: bytes, cursor: &cursor)))
        case .ticks(let bigEndian):
            let part = try part(of: bytes, cursor: &cursor)
            let type: FieldNumber.NumberType = bigEndian ? .uint32BE : .uint32LE
            reading.tick = UInt64(truncatingIfNeeded: type.read(part, at: 0))
        case .dayIndex:
            reading.dayIndex = Int(try part(of: bytes, cursor: &cursor)[0])
            reading.resolution = .day
        default:
            let field = try read(bytes, cursor: &cursor)
            reading.setTime(field)
            if case .parts(let parts) = format { reading.resolution = Self.resolution(parts) }
            try takeOffset(bytes, &reading)
        }
    }

    /// The minutes that the person's time is ahead of the clock's (rule T14).
    private func takeOffset(
        _ bytes: [UInt8], _ reading: inout Reading
    ) throws(DecodeError) {
        guard let offset, let base = reading.deviceTime else { return }
        var none = 0
        guard let minutes = try offset.read(bytes, cursor: &none, name: "the offset").integer
        else { return }
        reading.baseTime = base
        reading.timeOffsetMinutes = Int(minutes)
        reading.deviceTime = base.adding(.minutes(minutes))
    }

    /// What a stamp without minutes or seconds can tell.
    private static func resolution(_ parts: [Part: FieldNumber]) -> TimeResolution {
        if parts[.hour] == nil { return .day }
        if parts[.minute] == nil { return .hour }
        return parts[.second] == nil ? .minute : .second
    }
}
