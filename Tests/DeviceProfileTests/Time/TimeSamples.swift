import Measurement

@testable import DeviceProfile

let tokyo = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

/// A moment from ISO 8601; without a zone it is Japan's time.
func moment(_ text: String) -> Instant {
    let hasZone = text.hasSuffix("Z") || text.dropFirst(19).contains { "+-".contains($0) }
    guard let instant = Instant(iso8601: hasZone ? text : text + "+09:00") else {
        preconditionFailure("\(text) is no moment")
    }
    return instant
}

/// A wall-clock time as a device shows it.
func wall(_ text: String) -> LocalDateTime { TimeZoneRules.utc.local(moment(text + "Z")) }

/// The gateway's clocks at a moment; the monotonic one counts from 2026-01-01.
func gateway(_ instant: Instant, synchronised: Bool = true) -> GatewayTime {
    let since = (instant - moment("2026-01-01T00:00:00Z")).microseconds
    return GatewayTime(
        utc: instant, monotonicNanoseconds: since * 1_000, synchronised: synchronised)
}

func gateway(_ text: String, synchronised: Bool = true) -> GatewayTime {
    gateway(moment(text), synchronised: synchronised)
}

/// One reading with all that its time is decided from; tests change what they are about.
struct Scene: Sendable {
    var rules = TimeRules()
    var zone = tokyo
    var reading = Reading(.measurement, kind: .bloodPressure)
    var received = gateway("2026-03-01T12:00:00")
    var delivery = Delivery.pushed
    var clock = SessionClock()
    var isCurrent: Bool?

    /// A device whose profile says that it keeps local time and may send either kind of reading.
    init(
        _ readings: TimeRules.Readings = .mixed, clock: TimeRules.Clock = .local,
        change: (inout Scene) -> Void = { _ in }
    ) {
        rules.clock = clock
        rules.readings = readings
        change(&self)
    }

    /// The device's clock was read at the gateway's time.
    mutating func check(_ device: String, at gatewayTime: String) {
        clock.check = ClockCheck(gateway: gateway(gatewayTime), device: wall(device))
    }

    mutating func stamp(_ text: String) { reading.deviceTime = wall(text) }

    var decision: TimeDecision {
        TimeEngine(rules: rules, zone: zone).decide(
            reading, received: received,
            evidence: TimeEvidence(delivery, clock, isCurrent: isCurrent))
    }

    /// The record's time, whether it is in doubt or not; nil in quarantine.
    var time: RecordTime? {
        switch decision {
        case .accepted(let time), .faulty(let time): time
        case .quarantined: nil
        }
    }

    /// `2026-03-01T11:36:00+09:00 code 1 corrected`, or `quarantine future`.
    var shown: String {
        switch decision {
        case .accepted(let time): show(time)
        case .faulty(let time): show(time) + " fault"
        case .quarantined(let reason): "quarantine \(reason.rawValue)"
        }
    }

    private func show(_ time: RecordTime) -> String {
        "\(zone.iso8601(time.observed)) code \(time.origin.rawValue) \(time.basis.rawValue)"
    }
}

/// What a session remembers after it read a clock at `knownAt` and ended as a whole.
func earlier(_ offset: Interval, knownAt: String, drainedAt: String? = nil) -> EarlierClock {
    EarlierClock(
        offset: offset, knownAt: moment(knownAt), drainedAt: moment(drainedAt ?? knownAt))
}

/// The step that setting a clock leaves: what it showed then, and when that was.
func step(_ before: String, setAt: String, drained: Bool = false) -> ClockStep {
    ClockStep(
        deviceBefore: wall(before), offset: moment(setAt) - tokyo.instant(wall(before)),
        setAt: moment(setAt), drained: drained)
}
