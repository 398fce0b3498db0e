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
        var player = TapePlayer(
            tape, file: file, profiles: profiles, zone: zone,
            memory: memories[id] ?? DeviceMemory())
        var undated: [ReplayResult] = []
        do throws(TapeError) {
            try play(&player, id, &undated, each, note)
        } catch {
            undated.forEach(each)
            throw error
        }
        // The tape ends and the gateway's clock was not synchronised: they wait on.
        undated.forEach(each)
    }

    private mutating func play(
        _ player: inout TapePlayer, _ id: DeviceID, _ undated: inout [ReplayResult],
        _ each: (ReplayResult) -> Void, _ note: (SessionNote) -> Void
    ) throws(TapeError) {
        var isKnown = false
        while true {
            let step = try player.next()
            if player.gatewayTime.synchronised {
                for result in undated { each(dated(result, by: player.gatewayTime)) }
                undated = []
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
        if let known = known(entry), !grew(entry, known) {
            result.outcome = .duplicate
            result.entry.record?.time = known?.time
            result.entry.record?.quarantine = known?.quarantine
            return result
        }
        first[entry.key] = .some(entry.record)
        if let reason = entry.record?.quarantine { result.outcome = .quarantined(reason) }
        return result
    }

    /// A running day that was read before with other numbers: replaces what was known of it.
    private func grew(_ entry: SessionEntry, _ known: Record?) -> Bool {
        entry.replacesSameKey && known?.quantities != entry.record?.quantities
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
            let device = waiting.entry.record?.device
        else { return waiting }
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: true)
        result.entry.received = waiting.entry.received.resolved(by: now)
        result.entry.record = builder.record(
            waiting.entry.reading, device: device, received: result.entry.received,
            evidence: evidence)
        result.entry.record?.key = waiting.entry.key
        first[waiting.entry.key] = .some(result.entry.record)
        let reason = result.entry.record?.quarantine
        result.outcome = reason.map { .quarantined($0) } ?? .reading(.measurement)
        return result
    }
}
