import DeviceProfile
import Measurement
import Spool

/// What a person has to know to decide on a quarantined reading, in two sentences.
struct QuarantineStory {
    var kept: QuarantinedRecord
    var neighbours: (before: StoredRecord?, after: StoredRecord?)
    /// The rules of its device's profile, where it is loaded.
    var rules: TimeRules?
    var zone: TimeZoneRules
    /// This run of the machine.
    var boot: String

    private var record: Record { kept.stored.record }

    /// Gateway minus device at the check of the session that brought it; nil where none was made.
    var clockOffset: Interval? {
        guard let rules, let check = kept.undated?.evidence.clock.check,
            check.gateway.synchronised
        else { return nil }
        return check.offset(rules: rules, zone: zone)
    }

    /// What is known: raw time, reception, clock, neighbours, and why it waits.
    var known: String {
        let device =
            record.deviceTime.map { "The device wrote \($0)" } ?? "The device wrote no time"
        let received =
            record.received.synchronised
            ? "it was received at \(time(record.received.utc))"
            : "it was received while the gateway's own clock was not set (it showed "
                + "\(time(record.received.utc)))"
        return [
            device, received, clock,
            "the record of this device before it is \(neighbour(neighbours.before)), the one after "
                + "it \(neighbour(neighbours.after))",
            "it waits because \(reason)",
        ].joined(separator: "; ") + "."
    }

    private var clock: String {
        guard let offset = clockOffset else { return "the device's clock was not read beside it" }
        if offset == .zero { return "the device's clock agreed with the gateway's" }
        let seconds = offset.magnitude.secondsDecimal.text
        return "the device's clock was \(seconds) s \(offset > .zero ? "behind" : "ahead of") "
            + "the gateway's"
    }

    private func neighbour(_ stored: StoredRecord?) -> String {
        stored?.record.time.map { "of \(time($0.observed))" } ?? "none"
    }

    private func time(_ instant: Instant) -> String { zone.iso8601(instant) }

    /// The reason in words.
    var reason: String {
        switch record.quarantine {
        case .timeUnknown: "nothing tells when it was measured"
        case .timeFault: "the device says that its clock is faulty"
        case .notCurrentTimeline: "the device's clock was changed since it was measured"
        case .future: "its time lies behind its reception"
        case .tooOld: "its time lies further back than this device can remember"
        case .implausible: "its value is none that a person can have, or the device says so"
        case .noClockSync where isOfThisRun:
            "the gateway's own clock is not synchronised yet; it is dated by itself then"
        case .noClockSync:
            "the gateway was started again before its own clock was synchronised, and nothing "
                + "tells how long that took"
        case let other?: "of \(other.rawValue)"
        case nil: "of nothing: it was decided on"
        }
    }

    private var isOfThisRun: Bool {
        kept.evidence.map { !boot.isEmpty && $0.boot == boot } ?? false
    }

    /// What releasing would write.
    var releasing: String {
        let kept = "under the same key, with data_input_code \(record.dataInputCode.rawValue)"
        let own = "Releasing it with a time of yours writes that time with origin_of_time_code 1 "
        guard let reception = receptionTime else {
            return own + "\(kept); the reception time cannot be used, as the gateway's clock was "
                + "not set."
        }
        return own + "and releasing it with the reception time writes \(time(reception)), "
            + "both \(kept)."
    }

    /// The moment of reception, or the beginning of the period that ended then (rule T1).
    var receptionTime: Instant? {
        record.received.synchronised ? record.received.utc - (record.duration ?? .zero) : nil
    }
}
