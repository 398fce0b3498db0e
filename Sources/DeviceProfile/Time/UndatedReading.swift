package import Measurement

/// The gateway's clocks at one moment, with the boot that the monotonic one counts from.
package struct ClockSample: Sendable, Equatable {
    package var time: GatewayTime
    /// Names the boot; monotonic stamps of different boots cannot be compared.
    package var boot: String

    package init(_ time: GatewayTime, boot: String) {
        self.time = time
        self.boot = boot
    }
}

/// A reading that came while the gateway's clock was wrong, with all that its time depends on.
///
/// It is kept as text beside the record (`text`, `init(text:)`) until `TimeEngine.resolve` can tell
/// its time, in this run of the daemon or in a later one of the same boot.
package struct UndatedReading: Sendable, Equatable {
    /// The reading, reduced to what decides its time: no values.
    package var reading: Reading
    package var received: ClockSample
    package var evidence: TimeEvidence

    package init(_ reading: Reading, received: ClockSample, evidence: TimeEvidence) {
        self.reading = reading.timeOnly
        self.received = received
        self.evidence = evidence
    }
}

extension TimeEngine {
    /// Rule T0: the time of a reading that waited, now that the gateway's clock is right.
    ///
    /// Nil where it has to wait on: the clock is not synchronised yet, or the machine was started
    /// again since, so that nobody can tell how long ago the reading came.
    package func resolve(_ undated: UndatedReading, by now: ClockSample) -> TimeDecision? {
        guard now.time.synchronised, now.boot == undated.received.boot else { return nil }
        let received = undated.received.time.resolved(by: now.time)
        guard received.synchronised else { return nil }
        let decision = decide(undated.reading, received: received, evidence: undated.evidence)
        guard !undated.received.time.synchronised else { return decision }
        // The gateway's own oscillator ran alone until now: 100 ppm of the time between.
        let drift = Interval(microseconds: (now.time.utc - received.utc).microseconds / 10_000)
        return decision.resolved(drift: drift)
    }
}

extension TimeDecision {
    fileprivate func resolved(drift: Interval) -> TimeDecision {
        func resolved(_ time: RecordTime) -> RecordTime {
            var time = time
            time.uncertainty = max(time.uncertainty, drift)
            return time
        }
        return switch self {
        case .accepted(let time): .accepted(resolved(time))
        case .faulty(let time): .faulty(resolved(time))
        case .quarantined: self
        }
    }
}

extension RecordBuilder {
    /// The record that waited, with its time or with the reason why it still needs a person.
    ///
    /// Nil where it has to wait on (see `TimeEngine.resolve`), or where it waits for something else.
    /// The key stays what it was, but for a day that is counted back: its date is known only now.
    package func resolve(
        _ record: Record, _ undated: UndatedReading, by now: ClockSample
    ) -> Record? {
        var undated = undated
        undated.reading.isTyped = record.dataInputCode == .typed
        guard record.quarantine == .noClockSync, let decision = engine.resolve(undated, by: now)
        else { return nil }
        var record = record
        record.received = undated.received.time.resolved(by: now.time)
        if undated.reading.dayIndex != nil {
            undated.reading.userSlot = record.userSlot
            record.key = key(
                undated.reading, device: record.device.id, received: record.received)
        }
        record.settle(decision)
        return record
    }
}

extension Record {
    /// Takes over what the time rules decided.
    mutating func settle(_ decision: TimeDecision) {
        (time, quarantine) = (nil, nil)
        switch decision {
        case .accepted(let decided): time = decided
        case .faulty(let decided):
            time = decided
            if !flags.contains(Reading.timeFaultFlag) { flags.append(Reading.timeFaultFlag) }
        case .quarantined(let reason): quarantine = reason
        }
    }
}

extension Reading {
    /// Only what the time rules look at.
    fileprivate var timeOnly: Reading {
        var only = Reading(outcome, kind: kind)
        only.deviceTime = deviceTime
        only.deviceTimeUnusable = deviceTimeUnusable
        only.timeFault = timeFault
        only.resolution = resolution
        only.tick = tick
        only.dayIndex = dayIndex
        only.sequenceNumber = sequenceNumber
        only.isTyped = isTyped
        only.clockState = clockState
        only.duration = duration
        only.baseTime = baseTime
        only.timeOffsetMinutes = timeOffsetMinutes
        only.flags = flags.filter { $0 == Reading.storedFlag }
        return only
    }
}
