import Measurement

/// Rules for devices that have no date: counters, days counted back, and what a person typed.
extension TimeQuestion {
    /// T10: a counter on the timeline of the check; T11: one that was restarted since.
    func counted(_ tick: UInt64, _ state: ClockState) -> TimeDecision {
        if state.isCurrent == false || evidence.isCurrent == false {
            return .quarantined(.notCurrentTimeline)
        }
        guard let check, case .ticks(let now, let length, let bits) = check.reading else {
            return withoutStamp(.timeUnknown)
        }
        let sinceCheck = max(.zero, received.utc - check.gateway.utc)
        // Whatever lies further ahead than the moment of reception is from before the wrap.
        let limit = (sinceCheck + Self.futureTolerance).microseconds / max(1, length.microseconds)
        guard let ticks = Self.ticks(from: now, to: tick, bits: bits, atMost: limit) else {
            return .quarantined(.notCurrentTimeline)
        }
        let (microseconds, overflow) = ticks.multipliedReportingOverflow(by: length.microseconds)
        guard !overflow, microseconds.magnitude < 1 << 60 else {
            return .quarantined(.tooOld)
        }
        let observed = check.gateway.utc + Interval(microseconds: microseconds)
        return plausible(observed, .accepted(time(observed, .corrected, .corrected)))
    }

    /// The steps between two readings of a counter; nil where a counter that never wraps went back.
    private static func ticks(
        from now: UInt64, to tick: UInt64, bits: Int, atMost limit: Int64
    ) -> Int64? {
        guard bits <= 32 else {
            guard let ahead = Int64(exactly: tick), let present = Int64(exactly: now) else {
                return nil
            }
            return ahead - present <= limit ? ahead - present : nil
        }
        let round = Int64(1) << Int64(max(1, bits))
        let ahead = Int64(truncatingIfNeeded: tick &- now) & (round - 1)
        return ahead <= limit ? ahead : ahead - round
    }

    /// A device that knows only how many days ago it was: the date of here, less so many days.
    func ofDay(_ index: Int) -> TimeDecision {
        guard (0...36_500).contains(index) else { return .quarantined(.timeUnknown) }
        let today = TimeResolution.day.cut(zone.local(received.utc))
        let day = zone.instant(today.adding(.minutes(-1_440 * Int64(index))))
        let decided = RecordTime(
            observed: day, basis: .received, origin: .corrected, uncertainty: .minutes(1_440),
            resolution: .day)
        return plausible(day, .accepted(decided))
    }

    /// T18: what a person typed into the device has the time that the person gave.
    func typed(_ state: ClockState) -> TimeDecision {
        guard let stamp = reading.deviceTime else { return withoutStamp(.timeUnknown) }
        let raw = zone.instant(stamp, rules, state)
        return plausible(raw, .accepted(time(raw, .person, .corrected)))
    }
}
