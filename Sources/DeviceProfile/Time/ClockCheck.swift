package import Measurement

/// A device clock that was read, beside the gateway's clock at the same moment.
package struct ClockCheck: Sendable, Equatable {
    /// The gateway's time in the middle between request and answer.
    package var gateway: GatewayTime
    /// What the device's clock showed.
    package var device: LocalDateTime
    /// How long the read took: the check is not better than half of it.
    package var latency: Interval

    package init(gateway: GatewayTime, device: LocalDateTime, latency: Interval = .zero) {
        self.gateway = gateway
        self.device = device
        self.latency = latency
    }

    /// Gateway minus device: what has to be added to a time of the device.
    package func offset(clock: TimeRules.Clock, zone: TimeZoneRules) -> Interval {
        gateway.utc - Self.instant(device, clock: clock, zone: zone)
    }

    /// The moment a device means by its wall clock (rule T19: the gateway's zone, unless it is UTC).
    package static func instant(
        _ time: LocalDateTime, clock: TimeRules.Clock, zone: TimeZoneRules
    ) -> Instant {
        clock == .utc ? TimeZoneRules.utc.instant(time) : zone.instant(time)
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

    package init(check: ClockCheck? = nil, steps: [ClockStep] = [], wasSet: Bool = false) {
        self.check = check
        self.steps = steps
        self.wasSet = wasSet
    }
}

/// How a reading came: it decides whether the moment of reception can be its time.
package enum Delivery: Sendable, Equatable {
    /// Unsolicited: an indication, a notification or an advertisement.
    case pushed
    /// Asked for out of the device's memory.
    case requested
}
