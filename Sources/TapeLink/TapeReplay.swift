package import DeviceLink
package import DeviceProfile
package import Measurement

/// One decision of a replay: the entry, and what the store would do with it.
package struct ReplayResult: Sendable {
    package enum Outcome: Sendable, Equatable {
        case reading(ReadingOutcome)
        case quarantined(QuarantineReason)
        case duplicate
    }
    package var outcome: Outcome
    package var entry: SessionEntry
    package var profile: String
}

/// Plays tapes in order as sessions that remember each other, without a store.
package struct TapeReplay: Sendable {
    private let profiles: ProfileIndex
    private let zone: TimeZoneRules
    private var memories: [DeviceID: DeviceMemory] = [:]
    /// What was decided first for a key: it stays, whatever a later delivery would give (T16).
    private var first: [RecordKey: Record?] = [:]
    /// What waits for the gateway's clock, in this tape or in a later one (rule T0).
    private var undated: [ReplayResult] = []
    /// So many of them were handed out at the end of an earlier tape.
    private var told = 0
    /// What the gateway's clock was put forward so far, and where the last tape ended.
    private var stepped = Interval.zero
    private var lastLine: Instant?
    private var lately: [[UInt8]: (at: Instant, key: RecordKey)] = [:]

    package init(profiles: ProfileIndex, zone: TimeZoneRules, tolerance: Interval? = nil) {
        self.profiles = tolerance.map { profiles.with(tolerance: $0) } ?? profiles
        self.zone = zone
    }

    /// Plays one tape to its end.
    ///
    /// - Throws: the line whose expectation the session did not meet, or a device that nothing fits.
    package mutating func play(
        _ tape: Tape, file: String, each: (ReplayResult) -> Void, note: (SessionNote) -> Void
    ) throws(TapeError) {
        let id = TapePlayer.device(of: tape.header).id
        if let lastLine, let first = tape.lines.first {
            stepped = stepped + Tape.start(lastLine, first.at)
        }
        var player = TapePlayer(
            tape, file: file, profiles: profiles, zone: zone,
            memory: memories[id] ?? DeviceMemory(), steppedBefore: stepped)
        defer {
            // The tape ends and the gateway's clock was not synchronised: they wait on.
            undated.dropFirst(told).forEach(each)
            told = undated.count
            lastLine = tape.lines.last?.at ?? lastLine
            stepped = stepped + (tape.lines.last.map { tape.stepped(until: $0.at) } ?? .zero)
        }
        try play(&player, id, each, note)
    }

    private mutating func play(
        _ player: inout TapePlayer, _ id: DeviceID,
        _ each: (ReplayResult) -> Void, _ note: (SessionNote) -> Void
    ) throws(TapeError) {
        var isKnown = false
        while true {
            let step = try player.next()
            if player.gatewayTime.synchronised {
                let waiting = undated
                (undated, told) = ([], 0)
                for result in waiting { each(dated(result, by: player.gatewayTime)) }
            }
            switch step {
            case .commit(let commit):
                for entry in commit.entries {
                    let result = judge(entry, player.profileID ?? "")
                    if result.outcome == .quarantined(.noClockSync) {
                        undated.append(result)
                    } else {
                        each(result)
                    }
                }
                memories[id] = commit.memory
                player.committed(commit.number)
            case .note(let text): note(text)
            case .unmatched: break
            case .matched, .sighting: isKnown = true
            case .sessionEnded(.needsPerson(let why)), .sessionEnded(.interrupted(let why)):
                note(.refused(step: "session", why))
            case .sessionEnded(.complete): break
            case .finished:
                if isKnown { return }
                throw player.nothingPlayed
            }
        }
    }

    private mutating func judge(_ entry: SessionEntry, _ profile: String) -> ReplayResult {
        var result = ReplayResult(
            outcome: .reading(entry.reading.outcome), entry: entry,
            profile: entry.record?.profile ?? profile)
        guard entry.reading.outcome == .measurement || entry.reading.outcome == .failedMeasurement
        else { return result }
        if let known = known(entry), !grows(entry, known) {
            result.outcome = .duplicate
            result.entry.record?.time = known?.time
            result.entry.record?.quarantine = known?.quarantine
            return result
        }
        first[entry.key] = .some(entry.record)
        if let reason = entry.record?.quarantine { result.outcome = .quarantined(reason) }
        return result
    }

    /// A running day with other values than before takes the place of what was known of it (T17).
    private func grows(_ entry: SessionEntry, _ known: Record?) -> Bool {
        entry.replaces && known?.quantities != entry.record?.quantities
    }

    /// The record that this one repeats, by its key or within the window of a reading that has
    /// neither time nor index; nil for a new one, and nil inside for one that was no measurement.
    private mutating func known(_ entry: SessionEntry) -> Record?? {
        if let record = first[entry.key] { return .some(record) }
        guard let window = entry.duplicateWindow else { return nil }
        let bytes = Array((entry.record?.device.id.stable ?? "").utf8) + entry.reading.keyBytes
        let before = lately[bytes]
        if let before, (entry.received.utc - before.at).magnitude <= window {
            lately[bytes] = (entry.received.utc, before.key)
            return .some(first[before.key] ?? nil)
        }
        lately[bytes] = (entry.received.utc, entry.key)
        return nil
    }

    /// Rule T0: once the gateway's clock is synchronised, what waited is dated under its old key.
    private mutating func dated(_ waiting: ReplayResult, by now: GatewayTime) -> ReplayResult {
        var result = waiting
        guard let profile = profiles[id: waiting.profile], let evidence = waiting.entry.evidence,
            let record = waiting.entry.record
        else { return waiting }
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: true)
        let undated = UndatedReading(
            waiting.entry.reading, received: ClockSample(waiting.entry.received, boot: "tape"),
            evidence: evidence)
        guard
            let resolved = builder.resolve(record, undated, by: ClockSample(now, boot: "tape"))
        else { return waiting }
        result.entry.record = resolved
        result.entry.received = resolved.received
        result.entry.key = resolved.key
        first[waiting.entry.key] = .some(resolved)
        first[resolved.key] = .some(resolved)
        result.outcome =
            resolved.quarantine.map { .quarantined($0) } ?? .reading(.measurement)
        return result
    }
}
