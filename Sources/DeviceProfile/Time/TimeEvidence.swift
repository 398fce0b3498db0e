package import Measurement

/// How a reading came: it decides whether the moment of reception can be its time.
package enum Delivery: Sendable, Equatable {
    /// Unsolicited: an indication, a notification or an advertisement.
    case pushed
    /// Asked for out of the device's memory.
    case requested
}

/// What earlier sessions know of a device's clock (rule T7).
package struct EarlierClock: Sendable, Equatable {
    /// Gateway minus device when that was known last.
    package var offset: Interval
    package var knownAt: Instant
    /// Up to here the device gave all that it had.
    package var drainedAt: Instant

    package init(offset: Interval, knownAt: Instant, drainedAt: Instant) {
        self.offset = offset
        self.knownAt = knownAt
        self.drainedAt = drainedAt
    }

    /// What the memory of a device says; nil before its first whole session with a clock.
    package init?(_ memory: DeviceMemory) {
        guard let drainedAt = memory.lastSessionEndedAt else { return nil }
        let setAt = memory.clockSetAt
        guard let knownAt = memory.clockCheckedAt ?? setAt else { return nil }
        // Once the gateway has set it, the clock agrees with the gateway's.
        let wasSet = setAt.map { $0 >= knownAt } ?? false
        guard let offset = wasSet ? .zero : memory.clockOffset else { return nil }
        self.init(offset: offset, knownAt: max(knownAt, setAt ?? knownAt), drainedAt: drainedAt)
    }

    /// Whether an offset that is measured now cannot come from drift alone: 60 s and 100 ppm.
    func isDiscontinuous(with offset: Interval, at now: Instant, resolution: Interval) -> Bool {
        let elapsed = (now - knownAt).magnitude
        let drift = Interval(microseconds: elapsed.microseconds / 10_000)
        return offset - self.offset > .seconds(60) + drift + resolution
            || self.offset - offset > .seconds(60) + drift + resolution
    }
}

/// What a session knows about the device's clock.
package struct SessionClock: Sendable, Equatable {
    /// The clock as it was before the gateway set it.
    package var check: ClockCheck?
    /// Every time the gateway set this clock, oldest first, this session's included.
    package var steps: [ClockStep]
    /// The gateway wrote the device's clock in this session.
    package var wasSet: Bool
    package var earlier: EarlierClock?
    /// Changes of its clock that the device wrote down itself.
    package var changes: [RecordedClockChange] = []
    /// The device says that nobody has set its clock.
    package var isUnset = false

    package init(
        check: ClockCheck? = nil, steps: [ClockStep] = [], wasSet: Bool = false,
        earlier: EarlierClock? = nil
    ) {
        self.check = check
        self.steps = steps
        self.wasSet = wasSet
        self.earlier = earlier
    }
}

/// Everything beside a reading and its reception that its time is decided from.
package struct TimeEvidence: Sendable, Equatable {
    package var delivery: Delivery
    package var clock: SessionClock
    /// False where a later record shows that the clock was put back since (rule T7); nil: unknown.
    package var isCurrent: Bool?

    package init(
        _ delivery: Delivery, _ clock: SessionClock = SessionClock(), isCurrent: Bool? = nil
    ) {
        self.delivery = delivery
        self.clock = clock
        self.isCurrent = isCurrent
    }
}

extension Interval {
    static func - (a: Interval, b: Interval) -> Interval {
        Interval(microseconds: a.microseconds - b.microseconds)
    }
}
