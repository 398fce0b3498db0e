import Measurement

/// Elapsed Time (2BF2): a device's clock with all that the time rules ask for.
///
/// Layout, little-endian: flags uint8 (b0 counter, b1 UTC, b2–b3 unit 1 s, 100 ms, 1 ms, 100 µs,
/// b4 offset used, b5 current timeline); time uint48 since 2000-01-01 00:00, or a count; sync source
/// uint8; offset int8 × 15 min; on a read also clock status uint8 (b0 needs to be set) and
/// capabilities uint8. The sources of time are those of the assigned numbers.
package struct ElapsedTime: Sendable, Equatable {
    package var reading: ClockReading
    package var state: ClockState
    package var needsToBeSet: Bool

    package static let stampWidth = 9
    private static let units: [Interval] = [
        .seconds(1), .milliseconds(100), .milliseconds(1), Interval(microseconds: 100),
    ]
    /// NTP, GPS, radio, atomic clock, cellular network; not: unknown, by hand, not synchronised.
    private static let betterSources: Set<UInt8> = [1, 2, 3, 5, 6]

    /// Reads a stamp of nine bytes, or the clock itself, of eleven.
    package init(_ bytes: [UInt8]) throws(DecodeError) {
        guard bytes.count == Self.stampWidth || bytes.count == Self.stampWidth + 2 else {
            throw DecodeError("an elapsed time has 9 or 11 bytes", offset: bytes.count)
        }
        let flags = bytes[0]
        guard flags & 0xC0 == 0 else {
            throw DecodeError("reserved flags of the elapsed time are set", offset: 0)
        }
        let unit = Self.units[Int(flags >> 2 & 3)]
        let count = bytes[1..<7].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        state = ClockState(
            isUTC: flags & 2 != 0, isCurrent: flags & 0x20 != 0,
            isSynchronised: Self.betterSources.contains(bytes[7]))
        if flags & 0x10 != 0 { state.utcOffsetMinutes = Int(Int8(bitPattern: bytes[8])) * 15 }
        needsToBeSet = bytes.count > Self.stampWidth && bytes[9] & 1 != 0
        if flags & 1 != 0 {
            reading = .ticks(count, length: unit, bits: 48)
            state.isUTC = nil
        } else {
            reading = .wall(try Self.date(count, unit))
        }
    }

    private static func date(_ count: UInt64, _ unit: Interval) throws(DecodeError) -> LocalDateTime
    {
        let (microseconds, overflow) = count.multipliedReportingOverflow(
            by: UInt64(unit.microseconds))
        // The year 9999 is the last one that anything here can write.
        guard !overflow, microseconds < 252_000_000_000 * 1_000_000,
            let start = LocalDateTime(year: 2000, month: 1, day: 1)
        else { throw DecodeError("an elapsed time beyond the year 9999", offset: 1) }
        return start.adding(Interval(microseconds: Int64(microseconds)))
    }

    /// The clock as a frame of its own.
    static func frame(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reading = Reading(.deviceState)
        let width = bytes.count < stampWidth + 2 ? stampWidth : stampWidth + 2
        reading.take(
            try ElapsedTime(quirks.ignoreTrailingBytes ? Array(bytes.prefix(width)) : bytes))
        return reading
    }
}

extension Reading {
    /// Takes over a stamp that says itself what its clock is.
    mutating func take(_ time: ElapsedTime) {
        clockState = time.state
        switch time.reading {
        case .wall(let wall): deviceTime = wall
        case .ticks(let count, _, _): tick = count
        }
        if time.needsToBeSet { flags.append(Reading.timeNotSetFlag) }
    }
}
