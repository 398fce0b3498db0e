import DeviceProfile
import JSON
import Measurement

/// What a time is decided from, as JSON in the store: so that it can be decided again later.
enum EvidenceText {
    static func write(_ evidence: TimeEvidence) -> String {
        var writer = JSONWriter(capacity: 256)
        writer.object { writer in
            writer.member("pushed", evidence.delivery == .pushed)
            if let isCurrent = evidence.isCurrent { writer.member("current", isCurrent) }
            writer.member("was_set", evidence.clock.wasSet)
            if let check = evidence.clock.check {
                writer.member("check", object: { write(check, &$0) })
            }
            writer.member(
                "steps",
                array: { writer in
                    for step in evidence.clock.steps { write(step, &writer) }
                })
            if let earlier = evidence.clock.earlier {
                writer.member(
                    "earlier",
                    object: { writer in
                        writer.member("offset", Int(earlier.offset.microseconds))
                        writer.member("known_at", Int(earlier.knownAt.microseconds))
                        writer.member("drained_at", Int(earlier.drainedAt.microseconds))
                    })
            }
        }
        return writer.text
    }

    private static func write(_ check: ClockCheck, _ writer: inout JSONWriter) {
        writer.member("utc", Int(check.gateway.utc.microseconds))
        writer.member("monotonic", Int(check.gateway.monotonicNanoseconds))
        writer.member("synchronised", check.gateway.synchronised)
        switch check.reading {
        case .wall(let time): writer.member("wall", Int(time.localMicroseconds))
        case .ticks(let count, let length):
            writer.member("ticks", Int(count))
            writer.member("tick_length", Int(length.microseconds))
        }
        writer.member("latency", Int(check.latency.microseconds))
        if let isUTC = check.state.isUTC { writer.member("is_utc", isUTC) }
        if let isCurrent = check.state.isCurrent { writer.member("is_current", isCurrent) }
        writer.member("is_synchronised", check.state.isSynchronised)
        writer.member("utc_offset", check.state.utcOffsetMinutes)
    }

    private static func write(_ step: ClockStep, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("before", Int(step.deviceBefore.localMicroseconds))
            writer.member("offset", Int(step.offset.microseconds))
            writer.member("set_at", Int(step.setAt.microseconds))
            writer.member("drained", step.drained)
        }
    }

    /// Nil for a text that no version of this program writes.
    static func read(_ text: String) -> TimeEvidence? {
        guard let document = try? JSONValue.parse(text.utf8),
            let pushed = document["pushed"]?.bool
        else { return nil }
        var clock = SessionClock(wasSet: document["was_set"]?.bool ?? false)
        if let check = document["check"] {
            guard let read = clockCheck(check) else { return nil }
            clock.check = read
        }
        for step in document["steps"]?.array ?? [] {
            guard let read = clockStep(step) else { return nil }
            clock.steps.append(read)
        }
        if let earlier = document["earlier"] {
            guard let offset = interval(earlier["offset"]),
                let known = instant(earlier["known_at"]),
                let drained = instant(earlier["drained_at"])
            else { return nil }
            clock.earlier = EarlierClock(offset: offset, knownAt: known, drainedAt: drained)
        }
        return TimeEvidence(
            pushed ? .pushed : .requested, clock, isCurrent: document["current"]?.bool)
    }

    private static func clockCheck(_ value: JSONValue) -> ClockCheck? {
        guard let utc = instant(value["utc"]), let monotonic = value["monotonic"]?.integer,
            let latency = interval(value["latency"])
        else { return nil }
        let reading: ClockReading
        if let wall = value["wall"]?.integer {
            reading = .wall(LocalDateTime(localMicroseconds: Int64(wall)))
        } else if let count = value["ticks"]?.integer.flatMap({ UInt32(exactly: $0) }),
            let length = interval(value["tick_length"])
        {
            reading = .ticks(count, length: length)
        } else {
            return nil
        }
        return ClockCheck(
            gateway: GatewayTime(
                utc: utc, monotonicNanoseconds: Int64(monotonic),
                synchronised: value["synchronised"]?.bool ?? false),
            reading: reading, latency: latency,
            state: ClockState(
                isUTC: value["is_utc"]?.bool, isCurrent: value["is_current"]?.bool,
                isSynchronised: value["is_synchronised"]?.bool ?? false,
                utcOffsetMinutes: value["utc_offset"]?.integer))
    }

    private static func clockStep(_ value: JSONValue) -> ClockStep? {
        guard let before = value["before"]?.integer, let offset = interval(value["offset"]),
            let setAt = instant(value["set_at"]), let drained = value["drained"]?.bool
        else { return nil }
        return ClockStep(
            deviceBefore: LocalDateTime(localMicroseconds: Int64(before)), offset: offset,
            setAt: setAt, drained: drained)
    }

    private static func instant(_ value: JSONValue?) -> Instant? {
        value?.integer.map { Instant(microseconds: Int64($0)) }
    }
    private static func interval(_ value: JSONValue?) -> Interval? {
        value?.integer.map { Interval(microseconds: Int64($0)) }
    }
}
