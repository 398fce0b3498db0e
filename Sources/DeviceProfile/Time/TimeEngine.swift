package import Measurement

/// The outcome of the time rules for one reading.
package enum TimeDecision: Sendable, Equatable {
    case accepted(RecordTime)
    case quarantined(QuarantineReason)
}

/// The time-correction rules (時刻補正): pure, with every clock as a parameter.
///
/// The ids T0–T20 in the comments name the rules of docs/time-correction.md.
package struct TimeEngine: Sendable {
    package var rules: TimeRules
    package var zone: TimeZoneRules
    /// How far a pushed stamp may be off from reception to be the moment of measuring (T5).
    private static let liveWindow = Interval.minutes(60)
    /// T12: no time lies further than this behind its reception.
    private static let futureTolerance = Interval.seconds(60)

    package init(rules: TimeRules, zone: TimeZoneRules) {
        self.rules = rules
        self.zone = zone
    }

    /// Decides the time of one reading that was received at `received`.
    package func decide(
        _ reading: Reading, received: GatewayTime, delivery: Delivery, clock: SessionClock
    ) -> TimeDecision {
        // T0: while the gateway's own clock is not synchronised nothing is dated.
        guard received.synchronised, clock.check?.gateway.synchronised ?? true else {
            return .quarantined(.noClockSync)
        }
        // T1, T2, T3: no stamp, or one that is unknown or impossible.
        guard let stamp = reading.deviceTime else {
            return withoutDeviceTime(reading, received, delivery, .timeUnknown)
        }
        // T5: the device says that its clock is faulty.
        if reading.timeFault {
            return withoutDeviceTime(reading, received, delivery, .timeFault)
        }
        guard let check = clock.check else {
            return unreadableClock(reading, stamp, received, delivery)
        }
        let offset = offset(for: stamp, check: check, clock: clock)
        let raw = ClockCheck.instant(stamp, clock: rules.clock, zone: zone)
        let tolerance = max(resolutionInterval, check.latency, rules.tolerance)
        // T4: within the tolerance the device's time stands as it is (code 0).
        let kept = offset.magnitude <= tolerance
        let time = RecordTime(
            observed: kept ? raw : raw + offset,
            basis: kept ? .deviceClock : .corrected, origin: kept ? .device : .corrected,
            clockOffset: offset, uncertainty: max(resolutionInterval, check.latency),
            resolution: rules.resolution)
        return plausible(time, reading, received, delivery)
    }

    /// T8: a stamp up to what the clock showed before a set belongs to the timeline before it.
    private func offset(
        for stamp: LocalDateTime, check: ClockCheck, clock: SessionClock
    ) -> Interval {
        let raw = ClockCheck.instant(stamp, clock: rules.clock, zone: zone)
        for step in clock.steps where stamp <= step.deviceBefore {
            // A clock that was ahead shows the same hour twice. If nothing waited on the device
            // any more, the second one is meant.
            if step.drained, raw >= step.setAt { continue }
            return step.offset
        }
        return clock.wasSet ? .zero : check.offset(clock: rules.clock, zone: zone)
    }

    /// T1 for a live reading, T2 for one out of memory.
    private func withoutDeviceTime(
        _ reading: Reading, _ received: GatewayTime, _ delivery: Delivery,
        _ reason: QuarantineReason
    ) -> TimeDecision {
        guard delivery == .pushed, readings(reading) != .stored else { return .quarantined(reason) }
        return .accepted(receptionTime(received))
    }

    /// T5: a stamp whose clock could not be read.
    private func unreadableClock(
        _ reading: Reading, _ stamp: LocalDateTime, _ received: GatewayTime, _ delivery: Delivery
    ) -> TimeDecision {
        let raw = ClockCheck.instant(stamp, clock: rules.clock, zone: zone)
        if rules.unreadableClock == .unchanged {
            let time = RecordTime(
                observed: raw, basis: .deviceClock, origin: .device,
                uncertainty: resolutionInterval, resolution: rules.resolution)
            return plausible(time, reading, received, delivery)
        }
        guard delivery == .pushed else { return .quarantined(.timeUnknown) }
        switch readings(reading) {
        case .live: return .accepted(receptionTime(received))
        case .stored: return .quarantined(.timeUnknown)
        case .mixed:
            // A stamp near its reception is a live reading; one far from it may be out of memory.
            let isNear = (received.utc - raw).magnitude <= Self.liveWindow
            return isNear ? .accepted(receptionTime(received)) : .quarantined(.timeUnknown)
        }
    }

    /// T12 and T13: neither behind its reception nor older than the device can be.
    private func plausible(
        _ time: RecordTime, _ reading: Reading, _ received: GatewayTime, _ delivery: Delivery
    ) -> TimeDecision {
        if time.observed > received.utc + Self.futureTolerance {
            return delivery == .pushed && readings(reading) == .live
                ? .accepted(receptionTime(received)) : .quarantined(.future)
        }
        guard received.utc - time.observed <= rules.maximumAge else {
            return .quarantined(.tooOld)
        }
        return .accepted(time)
    }

    /// What the frame says of itself goes before what the profile says of the model.
    private func readings(_ reading: Reading) -> TimeRules.Readings {
        reading.flags.contains(Reading.storedFlag) ? .stored : rules.readings
    }

    private func receptionTime(_ received: GatewayTime) -> RecordTime {
        RecordTime(
            observed: received.utc, basis: .received, origin: .corrected,
            uncertainty: .seconds(1), resolution: .second)
    }

    private var resolutionInterval: Interval {
        switch rules.resolution {
        case .subsecond: .milliseconds(1)
        case .second: .seconds(1)
        case .minute: .minutes(1)
        case .hour: .minutes(60)
        case .day: .minutes(1_440)
        }
    }
}
