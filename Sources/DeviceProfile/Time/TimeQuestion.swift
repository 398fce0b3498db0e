import Measurement

/// One reading whose time is asked for, with all that is known about it.
struct TimeQuestion {
    let reading: Reading
    let received: GatewayTime
    let evidence: TimeEvidence
    let rules: TimeRules
    let zone: TimeZoneRules
    /// The check of the device's clock, on the gateway's timeline of `received`.
    let check: ClockCheck?

    /// How far a pushed stamp may be off from reception to be the moment of measuring (T5).
    static let liveWindow = Interval.minutes(60)
    /// T12: no time lies further than this behind its reception.
    static let futureTolerance = Interval.seconds(60)

    init(
        reading: Reading, received: GatewayTime, evidence: TimeEvidence, rules: TimeRules,
        zone: TimeZoneRules
    ) {
        self.reading = reading
        self.received = received
        self.evidence = evidence
        self.rules = rules
        self.zone = zone
        var check = evidence.clock.check
        if let gateway = check?.gateway { check?.gateway = gateway.resolved(by: received) }
        self.check = check
    }

    /// A frame may be coarser than its model: a list of days beside a list of minutes.
    var timeResolution: TimeResolution {
        reading.resolution.length > rules.resolution.length ? reading.resolution : rules.resolution
    }
    var resolution: Interval { timeResolution.length }
    var tolerance: Interval { max(resolution, check?.latency ?? .zero, rules.tolerance) }

    func answer() -> TimeDecision {
        // T0: while the gateway's own clock is not synchronised nothing is dated.
        guard received.synchronised, check?.gateway.synchronised ?? true else {
            return .quarantined(.noClockSync)
        }
        let state = reading.clockState.completed(by: check?.state)
        if reading.isTyped, rules.typedTime == .asTyped { return typed(state) }
        if reading.timeFault { return faulty(state) }
        if let index = reading.dayIndex { return ofDay(index) }
        if let tick = reading.tick { return counted(tick, state) }
        // T1, T2, T3: no stamp, or one that is unknown or impossible.
        guard let stamp = reading.deviceTime else { return withoutStamp(.timeUnknown) }
        let raw = zone.instant(stamp, rules, state)
        // T4b: a clock that is better than the gateway's is not corrected.
        if state.isSynchronised {
            return plausible(raw, .accepted(time(raw, .synchronised, .device)))
        }
        if state.isCurrent == false { return .quarantined(.notCurrentTimeline) }
        if evidence.isCurrent == false { return onFormerTimeline(raw) }
        guard let check, case .wall = check.reading,
            let offset = check.offset(rules: rules, zone: zone)
        else { return unreadableClock(raw) }
        if !evidence.clock.changes.isEmpty { return byRecordedChanges(stamp, offset) }
        // A device that brings its records onto its present timeline needs no older one.
        if reading.clockState.isCurrent == true { return onlyPresent(raw, offset) }
        return onTimeline(raw, stamp, offset)
    }

    // MARK: without a usable clock

    private var mayBeStored: Bool { evidence.delivery == .requested || rules.readings != .live }

    /// T1 for a live reading, T2 for one out of memory.
    func withoutStamp(_ reason: QuarantineReason) -> TimeDecision {
        guard evidence.delivery == .pushed, rules.readings != .stored else {
            return .quarantined(reason)
        }
        return .accepted(receptionTime())
    }

    /// T5: the device itself says that its clock is faulty.
    private func faulty(_ state: ClockState) -> TimeDecision {
        guard reading.deviceTime != nil || reading.tick != nil else {
            return withoutStamp(.timeUnknown)
        }
        if rules.faultyClock == .unchanged, let stamp = reading.deviceTime, mayBeStored {
            let raw = zone.instant(stamp, rules, state)
            return plausible(raw, .faulty(time(raw, .deviceClock, .device)))
        }
        return withoutStamp(.timeFault)
    }

    /// T5: a stamp whose clock could not be read.
    private func unreadableClock(_ raw: Instant) -> TimeDecision {
        if rules.unreadableClock == .unchanged, !evidence.clock.isUnset {
            return plausible(raw, .accepted(time(raw, .deviceClock, .device)))
        }
        guard evidence.delivery == .pushed, rules.readings != .stored,
            rules.readings == .live || evidence.clock.isUnset || isLive(raw)
        else { return .quarantined(.timeUnknown) }
        var time = receptionTime()
        let doubt = (received.utc - raw).magnitude
        // A stamp near its reception may be that of the moment, or that of some minutes before.
        if rules.readings == .mixed, doubt <= Self.liveWindow, !evidence.clock.isUnset {
            time.uncertainty = max(time.uncertainty, doubt)
        }
        return .accepted(time)
    }

    /// Whether an unsolicited stamp may be that of a measuring just done.
    ///
    /// Devices send what they have stored unsolicited, too. A stamp that a right clock could have
    /// shown hours ago is taken for such a one; a stamp that no right clock showed tells nothing.
    private func isLive(_ raw: Instant) -> Bool {
        if (received.utc - raw).magnitude <= Self.liveWindow || raw > received.utc { return true }
        if received.utc - raw > rules.maximumAge { return true }
        guard let earlier = evidence.clock.earlier else { return false }
        return (received.utc - (raw + earlier.offset)).magnitude <= Self.liveWindow
    }

    // MARK: the last word

    /// T12 and T13: neither behind its reception nor older than the device can be.
    func plausible(_ raw: Instant, _ decision: TimeDecision) -> TimeDecision {
        let time: RecordTime
        switch decision {
        case .accepted(let decided), .faulty(let decided): time = decided
        case .quarantined: return decision
        }
        if time.observed > received.utc + Self.futureTolerance { return future(raw) }
        guard received.utc - time.observed <= rules.maximumAge else {
            return .quarantined(.tooOld)
        }
        return decision
    }

    /// T12: a live reading is of the moment of its reception, a stored one waits for a person.
    private func future(_ raw: Instant) -> TimeDecision {
        guard evidence.delivery == .pushed, rules.readings != .stored else {
            return .quarantined(.future)
        }
        // A stamp that lies well in the past as it stands was written before the clock was put back.
        if rules.readings == .mixed, received.utc - raw > Self.liveWindow {
            return .quarantined(.notCurrentTimeline)
        }
        return .accepted(receptionTime())
    }

    /// T1: the moment of reception, or the beginning of the period that ended then.
    func receptionTime() -> RecordTime {
        RecordTime(
            observed: received.utc - (reading.duration ?? .zero), basis: .received,
            origin: .corrected, uncertainty: .seconds(1), resolution: .second)
    }

    func time(
        _ observed: Instant, _ basis: TimeBasis, _ origin: OriginOfTimeCode,
        offset: Interval? = nil, doubt: Interval = .zero
    ) -> RecordTime {
        RecordTime(
            observed: observed, basis: basis, origin: origin, clockOffset: offset,
            uncertainty: max(resolution, check?.latency ?? .zero, doubt),
            resolution: timeResolution)
    }
}
