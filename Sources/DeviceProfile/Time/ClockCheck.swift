package import Measurement

/// What a device shows of its clock at one moment.
package enum ClockReading: Sendable, Equatable {
    /// A date and a time of day.
    case wall(LocalDateTime)
    /// A counter of equal steps (rule T10); one of up to 32 bits starts again at 0.
    case ticks(UInt64, length: Interval, bits: Int = 32)
}

/// What a device says of the clock behind its stamps, beside the profile's word.
package struct ClockState: Sendable, Equatable {
    /// UTC instead of a wall clock; nil where only the profile knows.
    package var isUTC: Bool?
    /// Stamps are from the timeline that the clock runs on now; nil where the device does not tell.
    package var isCurrent: Bool?
    /// Synchronised to a source that is better than the gateway's clock.
    package var isSynchronised = false
    /// Minutes that the device's wall clock is ahead of UTC, where the device says it.
    package var utcOffsetMinutes: Int?

    package init(
        isUTC: Bool? = nil, isCurrent: Bool? = nil, isSynchronised: Bool = false,
        utcOffsetMinutes: Int? = nil
    ) {
        self.isUTC = isUTC
        self.isCurrent = isCurrent
        self.isSynchronised = isSynchronised
        self.utcOffsetMinutes = utcOffsetMinutes
    }

    /// What a stamp says of itself, and for the rest what was read from the clock.
    func completed(by clock: ClockState?) -> ClockState {
        // A stamp that tells its timeline tells its source, too.
        let inherits = isCurrent == nil && clock?.isSynchronised ?? false
        return ClockState(
            isUTC: isUTC ?? clock?.isUTC, isCurrent: isCurrent ?? clock?.isCurrent,
            isSynchronised: isSynchronised || inherits,
            utcOffsetMinutes: utcOffsetMinutes ?? clock?.utcOffsetMinutes)
    }
}

/// A device clock that was read, beside the gateway's clock at the same moment.
package struct ClockCheck: Sendable, Equatable {
    /// The gateway's time in the middle between request and answer.
    package var gateway: GatewayTime
    /// What the device's clock showed.
    package var reading: ClockReading
    /// How long the read took: the check is not better than half of it.
    package var latency: Interval
    package var state: ClockState

    package init(
        gateway: GatewayTime, reading: ClockReading, latency: Interval = .zero,
        state: ClockState = ClockState()
    ) {
        self.gateway = gateway
        self.reading = reading
        self.latency = latency
        self.state = state
    }

    package init(gateway: GatewayTime, device: LocalDateTime, latency: Interval = .zero) {
        self.init(gateway: gateway, reading: .wall(device), latency: latency)
    }

    /// Gateway minus device: what has to be added to a time of the device; nil for a counter.
    package func offset(rules: TimeRules, zone: TimeZoneRules) -> Interval? {
        guard case .wall(let time) = reading else { return nil }
        return gateway.utc - zone.instant(time, rules, state)
    }
}

extension TimeZoneRules {
    /// The moment a device means by its clock.
    ///
    /// The device's own offset wins; without one it shares this zone, unless it runs on UTC (T19).
    package func instant(_ time: LocalDateTime, _ rules: TimeRules, _ state: ClockState) -> Instant
    {
        if state.isUTC ?? (rules.clock == .utc) { return TimeZoneRules.utc.instant(time) }
        if let minutes = state.utcOffsetMinutes {
            return TimeZoneRules.utc.instant(time) - .minutes(Int64(minutes))
        }
        return instant(time)
    }
}

extension GatewayTime {
    /// This moment by a clock that has been synchronised since (rule T0).
    ///
    /// The monotonic clocks tell how long ago it was, so a step of hours in between does no harm.
    /// Both moments must be of the same boot.
    package func resolved(by synchronised: GatewayTime) -> GatewayTime {
        guard !self.synchronised, synchronised.synchronised else { return self }
        let (since, overflow) = synchronised.monotonicNanoseconds.subtractingReportingOverflow(
            monotonicNanoseconds)
        guard !overflow else { return self }
        return GatewayTime(
            utc: synchronised.utc - Interval(microseconds: since / 1_000),
            monotonicNanoseconds: monotonicNanoseconds, synchronised: true)
    }
}
