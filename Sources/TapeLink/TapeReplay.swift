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
    private let tolerance: Interval?
    private var memories: [DeviceID: DeviceMemory] = [:]
    private var seen: Set<RecordKey> = []
    private var lately: [[UInt8]: Instant] = [:]

    package init(profiles: ProfileIndex, zone: TimeZoneRules, tolerance: Interval? = nil) {
        var chosen = profiles
        if let tolerance { chosen = profiles.with(tolerance: tolerance) }
        self.profiles = chosen
        self.zone = zone
        self.tolerance = tolerance
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
        var unmatched = false
        var matched = false
        while true {
            switch try player.next() {
            case .commit(let commit):
                for entry in commit.entries {
                    each(
                        ReplayResult(
                            outcome: judge(entry), entry: entry,
                            profile: entry.record?.profile ?? player.profileID ?? ""))
                }
                memories[id] = commit.memory
                player.committed(commit.number)
            case .note(let text): note(text)
            case .unmatched: unmatched = true
            case .matched, .sighting: matched = true
            case .sessionEnded(.needsPerson(let why)), .sessionEnded(.interrupted(let why)):
                note(.refused(step: "session", why))
            case .sessionEnded(.complete): break
            case .finished:
                if !matched {
                    let why = unmatched ? "no profile fits this device" : "nothing to play"
                    throw TapeError(file: file, line: 1, message: why)
                }
                return
            }
        }
    }

    private mutating func judge(_ entry: SessionEntry) -> ReplayResult.Outcome {
        let isFirst = seen.insert(entry.key).inserted
        guard entry.reading.outcome == .measurement || entry.reading.outcome == .failedMeasurement
        else { return .reading(entry.reading.outcome) }
        guard isFirst, !isRedelivery(entry) else { return .duplicate }
        if let reason = entry.record?.quarantine { return .quarantined(reason) }
        return .reading(entry.reading.outcome)
    }

    /// The same bytes again within the window of a reading that has no time and no index.
    private mutating func isRedelivery(_ entry: SessionEntry) -> Bool {
        guard let window = entry.duplicateWindow else { return false }
        let bytes = Array((entry.record?.device.id.stable ?? "").utf8) + entry.reading.keyBytes
        let before = lately.updateValue(entry.received.utc, forKey: bytes)
        return before.map { (entry.received.utc - $0).magnitude <= window } ?? false
    }
}
