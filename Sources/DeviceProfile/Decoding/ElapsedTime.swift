package import Measurement

/// Elapsed Time (2BF2): the clock of a device of the Device Time Service.
///
/// Layout, little-endian: flags uint8 (b0 counts ticks, b1 UTC, b2–3 step: 1 s, 100 ms, 1 ms, 100 µs,
/// b4 the offset is used, b5 current timeline); time uint48, in steps since 2000-01-01 or since the
/// start; synchronisation source uint8; offset sint8 × 15 min; where it is read, clock status uint8
/// (b0 has to be set) and capabilities uint8 (b0 applies daylight saving time, b1 manages the zone).
package struct ElapsedTime: Sendable, Equatable {
    /// Steps since 2000-01-01 00:00, or since the counter began.
    package var count: Int64
    package var isTickCounter: Bool
    package var isUTC: Bool
    package var step: Interval
    package var isCurrentTimeline: Bool
    package var source: UInt8
    /// Minutes that the device's wall clock is ahead of UTC; nil where the device does not use them.
    package var offsetMinutes: Int?
    /// Nil in the short form, which stands in records and writes.
    package var needsSetting: Bool?
    package var appliesDaylightSaving = false
    package var managesTimeZone = false

    private static let steps = [
        Interval.seconds(1), .milliseconds(100), .milliseconds(1), Interval(microseconds: 100),
    ]

    package init(parsing bytes: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        guard flags & 0xC0 == 0 else {
            throw DecodeError("reserved bits are set in flags", offset: 0)
        }
        let time = try reader.take(6, "the time")
        count = time.reversed().reduce(0) { $0 << 8 | Int64($1) }
        isTickCounter = flags & 1 != 0
        isUTC = flags & 2 != 0
        step = Self.steps[flags >> 2 & 3]
        isCurrentTimeline = flags & 32 != 0
        source = try reader.uint8("synchronisation source")
        let quarters = Int(Int8(bitPattern: try reader.uint8("offset")))
        guard !(flags & 16 != 0) || (-56...56).contains(quarters) else {
            throw DecodeError("an offset of more than 14 hours", offset: reader.offset - 1)
        }
        offsetMinutes = flags & 16 != 0 ? quarters * 15 : nil
        guard reader.remaining > 0 else { return }
        let status = try reader.uint8("clock status")
        let capabilities = try reader.uint8("capabilities")
        guard status & 0xFE == 0, capabilities & 0xFC == 0 else {
            throw DecodeError("reserved bits are set in clock status", offset: reader.offset - 2)
        }
        try reader.end()
        needsSetting = status & 1 != 0
        appliesDaylightSaving = capabilities & 1 != 0
        managesTimeZone = capabilities & 2 != 0
    }

    /// The date and time of the count, on UTC where the device counts so; nil for a counter of ticks
    /// and for a clock that never ran.
    package var time: LocalDateTime? {
        guard !isTickCounter, count > 0, let start = LocalDateTime(year: 2_000, month: 1, day: 1)
        else { return nil }
        let (elapsed, overflow) = count.multipliedReportingOverflow(by: step.microseconds)
        // Behind the year 9999 no clock stands.
        guard !overflow, elapsed < 8_000 * 31_556_952 * 1_000_000 else { return nil }
        return start.adding(Interval(microseconds: elapsed))
    }

    /// What the wall of the device shows: its offset is added where it counts UTC.
    package var shown: LocalDateTime? {
        guard isUTC, let offsetMinutes else { return time }
        return time?.adding(.minutes(Int64(offsetMinutes)))
    }

    /// What the time rules want to know of the clock.
    package var state: ClockState {
        ClockState(
            isUTC: isUTC, isCurrent: isCurrentTimeline,
            utcOffsetMinutes: isUTC ? offsetMinutes : nil)
    }

    /// The value of the characteristic as a reading.
    static func frame(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let clock = try ElapsedTime(parsing: bytes)
        var reading = Reading(.deviceState)
        reading.clockState = clock.state
        if clock.isTickCounter {
            reading.tick = UInt64(clock.count)
            reading.details.append(.init(name: "ticks", value: "\(clock.count)"))
        } else {
            reading.deviceTime = clock.shown.flatMap(\.withoutFraction)
            reading.deviceTimeUnusable = reading.deviceTime == nil
        }
        reading.details += [
            .init(name: "resolution_us", value: "\(clock.step.microseconds)"),
            .init(name: "synchronisation_source", value: "\(clock.source)"),
        ]
        if let minutes = clock.offsetMinutes {
            reading.details.append(.init(name: "offset_minutes", value: "\(minutes)"))
        }
        if clock.isUTC { reading.flags.append("utc") }
        if !clock.isCurrentTimeline { reading.flags.append("not-current-timeline") }
        if clock.needsSetting ?? false { reading.flags.append("clock-needs-setting") }
        if clock.appliesDaylightSaving { reading.flags.append("applies-dst") }
        if clock.managesTimeZone { reading.flags.append("manages-time-zone") }
        return reading
    }
}

extension LocalDateTime {
    /// The same second; the fraction is cut, as everywhere.
    fileprivate var withoutFraction: LocalDateTime? {
        LocalDateTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }
}
