import JSON
import Measurement

/// One line of JSON, so that a store keeps it without knowing the rules. Numbers are microseconds
/// (clocks and lengths) or, for `monotonic`, nanoseconds.
extension UndatedReading {
    package var text: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("boot", received.boot)
            writer.part("received") { $0.write(received.time) }
            writer.member("pushed", evidence.delivery == .pushed)
            writer.optional("current", evidence.isCurrent)
            writer.part("reading") { $0.write(reading) }
            writer.part("clock") { $0.write(evidence.clock) }
        }
        return writer.text
    }

    /// What `text` wrote; nil for anything else.
    package init?(text: String) {
        guard let value = try? JSONValue.parse(Array(text.utf8)),
            let boot = value["boot"]?.string, let pushed = value["pushed"]?.bool,
            let received = value["received"].flatMap({ GatewayTime($0) }),
            let reading = value["reading"].flatMap({ Reading($0) }),
            let clock = value["clock"].flatMap({ SessionClock($0) })
        else { return nil }
        self.init(
            reading, received: ClockSample(received, boot: boot),
            evidence: TimeEvidence(
                pushed ? .pushed : .requested, clock, isCurrent: value["current"]?.bool))
    }
}

// MARK: writing

extension JSONWriter {
    fileprivate mutating func part(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        body(&self)
    }

    fileprivate mutating func optional(_ name: String, _ value: Bool?) {
        if let value { member(name, value) }
    }

    fileprivate mutating func optional(_ name: String, _ value: Int64?) {
        guard let value else { return }
        key(name)
        integer(value)
    }

    fileprivate mutating func write(_ time: GatewayTime) {
        object {
            $0.optional("utc", time.utc.microseconds)
            $0.optional("monotonic", time.monotonicNanoseconds)
            $0.member("synchronised", time.synchronised)
        }
    }

    fileprivate mutating func write(_ state: ClockState) {
        object {
            $0.optional("utc", state.isUTC)
            $0.optional("current", state.isCurrent)
            $0.member("synchronised", state.isSynchronised)
            $0.optional("offset", state.utcOffsetMinutes.map { Int64($0) })
        }
    }

    fileprivate mutating func write(_ reading: Reading) {
        object {
            $0.member("outcome", reading.outcome.rawValue)
            if let kind = reading.kind { $0.member("kind", kind.rawValue) }
            $0.optional("time", reading.deviceTime?.localMicroseconds)
            $0.member("unusable", reading.deviceTimeUnusable)
            $0.member("fault", reading.timeFault)
            $0.member("resolution", reading.resolution.rawValue)
            $0.optional("tick", reading.tick.map { Int64($0) })
            $0.optional("day", reading.dayIndex.map { Int64($0) })
            $0.optional("number", reading.sequenceNumber.map { Int64($0) })
            $0.member("typed", reading.isTyped)
            $0.part("state") { [state = reading.clockState] in $0.write(state) }
            $0.optional("duration", reading.duration?.microseconds)
            $0.optional("base", reading.baseTime?.localMicroseconds)
            $0.optional("base-offset", reading.timeOffsetMinutes.map { Int64($0) })
            $0.member("stored", reading.flags.contains(Reading.storedFlag))
        }
    }

    fileprivate mutating func write(_ clock: SessionClock) {
        object { writer in
            if let check = clock.check { writer.part("check") { $0.write(check) } }
            writer.member("set", clock.wasSet)
            writer.member("unset", clock.isUnset)
            writer.part("changes") { writer in
                writer.array { for change in clock.changes { $0.write(change) } }
            }
            writer.part("steps") { writer in
                writer.array { for step in clock.steps { $0.write(step) } }
            }
            if let earlier = clock.earlier { writer.part("earlier") { $0.write(earlier) } }
        }
    }

    fileprivate mutating func write(_ check: ClockCheck) {
        object {
            $0.part("gateway") { $0.write(check.gateway) }
            switch check.reading {
            case .wall(let time): $0.optional("wall", time.localMicroseconds)
            case .ticks(let count, let length, let bits):
                $0.optional("ticks", Int64(count))
                $0.optional("bits", Int64(bits))
                $0.optional("length", length.microseconds)
            }
            $0.optional("latency", check.latency.microseconds)
            $0.part("state") { $0.write(check.state) }
        }
    }

    fileprivate mutating func write(_ step: ClockStep) {
        object {
            $0.optional("before", step.deviceBefore.localMicroseconds)
            $0.optional("offset", step.offset.microseconds)
            $0.optional("set-at", step.setAt.microseconds)
            $0.member("drained", step.drained)
        }
    }

    fileprivate mutating func write(_ change: RecordedClockChange) {
        object {
            $0.optional("index", Int64(change.index))
            $0.optional("from", change.from.localMicroseconds)
            $0.optional("to", change.to.localMicroseconds)
        }
    }

    fileprivate mutating func write(_ earlier: EarlierClock) {
        object {
            $0.optional("offset", earlier.offset.microseconds)
            $0.optional("known-at", earlier.knownAt.microseconds)
            $0.optional("drained-at", earlier.drainedAt.microseconds)
        }
    }
}

// MARK: reading

extension JSONValue {
    fileprivate func number(_ name: String) -> Int64? {
        self[name]?.numberText.flatMap { Int64($0) }
    }
    fileprivate func instant(_ name: String) -> Instant? {
        number(name).map { Instant(microseconds: $0) }
    }
    fileprivate func interval(_ name: String) -> Interval? {
        number(name).map { Interval(microseconds: $0) }
    }
    fileprivate func wall(_ name: String) -> LocalDateTime? {
        number(name).map { LocalDateTime(localMicroseconds: $0) }
    }
}

extension GatewayTime {
    fileprivate init?(_ value: JSONValue) {
        guard let utc = value.instant("utc"), let monotonic = value.number("monotonic"),
            let synchronised = value["synchronised"]?.bool
        else { return nil }
        self.init(utc: utc, monotonicNanoseconds: monotonic, synchronised: synchronised)
    }
}

extension ClockState {
    fileprivate init?(_ value: JSONValue) {
        guard let synchronised = value["synchronised"]?.bool else { return nil }
        self.init(
            isUTC: value["utc"]?.bool, isCurrent: value["current"]?.bool,
            isSynchronised: synchronised, utcOffsetMinutes: value.number("offset").map { Int($0) })
    }
}

extension Reading {
    fileprivate init?(_ value: JSONValue) {
        guard let outcome = value["outcome"]?.string.flatMap({ ReadingOutcome(rawValue: $0) }),
            let resolution = value["resolution"]?.string.flatMap({ TimeResolution(rawValue: $0) }),
            let unusable = value["unusable"]?.bool, let fault = value["fault"]?.bool,
            let stored = value["stored"]?.bool, let typed = value["typed"]?.bool,
            let state = value["state"].flatMap({ ClockState($0) })
        else { return nil }
        self.init(outcome, kind: value["kind"]?.string.flatMap { MeasurementKind(rawValue: $0) })
        deviceTime = value.wall("time")
        deviceTimeUnusable = unusable
        timeFault = fault
        self.resolution = resolution
        tick = value.number("tick").flatMap { UInt64(exactly: $0) }
        dayIndex = value.number("day").map { Int($0) }
        sequenceNumber = value.number("number").map { Int($0) }
        isTyped = typed
        clockState = state
        duration = value.interval("duration")
        baseTime = value.wall("base")
        timeOffsetMinutes = value.number("base-offset").map { Int($0) }
        if stored { flags = [Reading.storedFlag] }
    }
}

extension SessionClock {
    fileprivate init?(_ value: JSONValue) {
        guard let wasSet = value["set"]?.bool, let steps = value["steps"]?.array,
            let unset = value["unset"]?.bool, let changes = value["changes"]?.array
        else { return nil }
        let check = value["check"].map { ClockCheck($0) }
        let earlier = value["earlier"].map { EarlierClock($0) }
        let read = steps.compactMap { ClockStep($0) }
        if case .some(nil) = check { return nil }
        if case .some(nil) = earlier { return nil }
        guard read.count == steps.count else { return nil }
        self.init(check: check ?? nil, steps: read, wasSet: wasSet, earlier: earlier ?? nil)
        isUnset = unset
        self.changes = changes.compactMap { RecordedClockChange($0) }
        guard self.changes.count == changes.count else { return nil }
    }
}

extension ClockCheck {
    fileprivate init?(_ value: JSONValue) {
        guard let gateway = value["gateway"].flatMap({ GatewayTime($0) }),
            let latency = value.interval("latency"),
            let state = value["state"].flatMap({ ClockState($0) })
        else { return nil }
        let ticks = value.number("ticks").flatMap { UInt64(exactly: $0) }
        if let time = value.wall("wall") {
            self.init(gateway: gateway, reading: .wall(time), latency: latency, state: state)
        } else if let ticks, let length = value.interval("length"),
            let bits = value.number("bits")
        {
            self.init(
                gateway: gateway, reading: .ticks(ticks, length: length, bits: Int(bits)),
                latency: latency, state: state)
        } else {
            return nil
        }
    }
}

extension ClockStep {
    fileprivate init?(_ value: JSONValue) {
        guard let before = value.wall("before"), let offset = value.interval("offset"),
            let setAt = value.instant("set-at"), let drained = value["drained"]?.bool
        else { return nil }
        self.init(deviceBefore: before, offset: offset, setAt: setAt, drained: drained)
    }
}

extension RecordedClockChange {
    fileprivate init?(_ value: JSONValue) {
        guard let index = value.number("index"), let from = value.wall("from"),
            let to = value.wall("to")
        else { return nil }
        self.init(index: Int(index), from: from, to: to)
    }
}

extension EarlierClock {
    fileprivate init?(_ value: JSONValue) {
        guard let offset = value.interval("offset"), let knownAt = value.instant("known-at"),
            let drainedAt = value.instant("drained-at")
        else { return nil }
        self.init(offset: offset, knownAt: knownAt, drainedAt: drainedAt)
    }
}
