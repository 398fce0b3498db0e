import Measurement

/// What Elapsed Time says to the time rules: the clock, and the clock behind a stamp.
extension ElapsedTime {
    package static let stampWidth = 9
    /// NTP, GPS, radio, atomic clock, cellular network; not: unknown, by hand, not synchronised.
    private static let betterSources: Set<UInt8> = [1, 2, 3, 5, 6]

    /// What the clock shows; nil for one that never ran.
    package var reading: ClockReading? {
        if isTickCounter { return .ticks(UInt64(count), length: step, bits: 48) }
        return time.map { .wall($0) }
    }

    /// The state of the clock behind this stamp.
    package var clockState: ClockState {
        ClockState(
            isUTC: isTickCounter ? nil : isUTC, isCurrent: isCurrentTimeline,
            isSynchronised: Self.betterSources.contains(source), utcOffsetMinutes: offsetMinutes)
    }
}

extension Reading {
    /// Takes over a stamp that says itself what its clock is.
    mutating func take(_ time: ElapsedTime) {
        clockState = time.clockState
        switch time.reading {
        case .wall(let wall): deviceTime = wall
        case .ticks(let count, _, _): tick = count
        case nil: deviceTimeUnusable = true
        }
    }
}
