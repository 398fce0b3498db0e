package import Measurement

/// The outcome of the time rules for one reading.
package enum TimeDecision: Sendable, Equatable {
    case accepted(RecordTime)
    /// Accepted with an offset that was measured before the device's clock jumped.
    case faulty(RecordTime)
    case quarantined(QuarantineReason)
}

/// The time-correction rules (時刻補正): pure, with every clock as a parameter.
///
/// The ids T0–T20 in the comments name the rules of docs/time-correction.md.
package struct TimeEngine: Sendable {
    package var rules: TimeRules
    package var zone: TimeZoneRules

    package init(rules: TimeRules, zone: TimeZoneRules) {
        self.rules = rules
        self.zone = zone
    }

    /// Decides the time of one reading that was received at `received`.
    package func decide(
        _ reading: Reading, received: GatewayTime, evidence: TimeEvidence
    ) -> TimeDecision {
        var rules = rules
        // What a frame says of itself goes before what the profile says of the model.
        if reading.flags.contains(Reading.storedFlag) { rules.readings = .stored }
        return TimeQuestion(
            reading: reading, received: received, evidence: evidence, rules: rules, zone: zone
        ).answer()
    }

    /// How far a stamp may be off although the clock is right.
    package func tolerance(latency: Interval) -> Interval {
        max(rules.resolution.length, latency, rules.tolerance)
    }
}

extension TimeResolution {
    /// The length of one step.
    package var length: Interval {
        switch self {
        case .subsecond: .milliseconds(1)
        case .second: .seconds(1)
        case .minute: .minutes(1)
        case .hour: .minutes(60)
        case .day: .minutes(1_440)
        }
    }

    /// A local time with everything below the resolution written as zero (T20: cut, not rounded).
    package func cut(_ time: LocalDateTime) -> LocalDateTime {
        var time = time
        if self != .subsecond { time.microsecond = 0 }
        switch self {
        case .subsecond, .second: break
        case .minute: time.second = 0
        case .hour: (time.minute, time.second) = (0, 0)
        case .day: (time.hour, time.minute, time.second) = (0, 0, 0)
        }
        return time
    }
}
