import DeviceLink
import DeviceProfile
import EventLoop
import Measurement
import Registry
import Spool

/// What a new record may go to, decided when it is stored.
struct DestinationPolicy: Sendable {
    var name: String
    var acceptsSimulated: Bool
    /// The destination's format has a place for this record.
    var hasTable: @Sendable (Record) -> Bool
}

/// Takes what sessions and broadcasts give, finds its owner and stores it.
///
/// While the store takes nothing, what was given waits here in order and goes in as soon as the
/// trouble is over; links are told, and take nothing more from devices.
@LoopActor final class Intake {
    let spool: Spool
    let counters: Counters
    let profiles: @LoopActor () -> ProfileIndex
    private let roster: @LoopActor () -> Roster
    private let policies: @LoopActor () -> [DestinationPolicy]
    let zone: TimeZoneRules
    /// Stations, lists and what people said; without it the roster alone decides.
    var people: People?
    /// The run of the machine that stamps of live links are of.
    let boot: String
    private var waiting: [(commit: SessionCommit, boot: String)] = []
    private var isRetrying = false
    /// Called after records were stored.
    var onStored: @LoopActor ([Record]) -> Void = { _ in }
    /// Called after readings were stored that wait for the gateway's clock.
    var onUndated: @LoopActor () -> Void = {}
    /// How long things take.
    let latencies: Latencies
    /// Why the store took nothing the last time; nil while it works.
    private var failure: SpoolError?
    /// Why nothing more is taken from devices, though the store still works: its reserve is begun.
    private var shortage: SpoolError?
    /// Why nothing is taken from devices now; nil while all is well.
    var trouble: SpoolError? { failure ?? shortage }
    private let healed = LoopCondition()

    init(
        spool: Spool, counters: Counters, profiles: @escaping @LoopActor () -> ProfileIndex,
        roster: @escaping @LoopActor () -> Roster,
        policies: @escaping @LoopActor () -> [DestinationPolicy],
        zone: TimeZoneRules = .utc, boot: String = Boot.current, latencies: Latencies = Latencies()
    ) {
        self.latencies = latencies
        self.zone = zone
        self.boot = boot
        self.spool = spool
        self.counters = counters
        self.profiles = profiles
        self.roster = roster
        self.policies = policies
    }

    /// What became of a commit.
    enum Taken: Sendable, Equatable {
        /// It is on disk; so many of its records were not known before.
        case stored(new: Int)
        /// It waits here for the store.
        case waiting
    }

    /// Readings that wait for the store.
    private(set) var backlog = 0
    /// Sessions stop while the store is in trouble; what devices only broadcast waits up to this.
    static let maximumBacklog = 10_000

    /// Stores a commit, or keeps it until the store works; the device may forget what is stored.
    ///
    /// - Parameter boot: whose monotonic clock its stamps are of, where not this machine's.
    func take(_ commit: SessionCommit, boot other: String? = nil) async -> Taken {
        let boot = other ?? boot
        guard failure == nil, waiting.isEmpty else {
            keep(commit, boot)
            return .waiting
        }
        do throws(SpoolError) {
            let new = try await storeWhatCanBe(commit, boot)
            if new > 0 { await lookForRoom() }
            return .stored(new: new)
        } catch {
            fail(error, commit, boot)
            return .waiting
        }
    }

    /// Waits until the store works.
    func whenHealed() async throws(CancellationError) {
        while trouble != nil { _ = try await healed.wait() }
    }

    /// Says what is lost where the daemon ends before the store works again.
    func end() {
        guard backlog > 0 else { return }
        counters.count("readings_lost", by: backlog)
        Log.error(
            "readings-lost",
            ["count": "\(backlog)", "state": trouble?.name ?? "?", "reason": "the daemon ended"])
    }

    private func keep(_ commit: SessionCommit, _ boot: String) {
        guard backlog + commit.entries.count <= Self.maximumBacklog else {
            counters.count("readings_lost", by: commit.entries.count)
            return Log.error(
                "readings-lost",
                [
                    "count": "\(commit.entries.count)", "device": commit.device.id.shortened,
                    "reason": "\(Self.maximumBacklog) readings wait for the store already",
                ])
        }
        waiting.append((commit, boot))
        backlog += commit.entries.count
    }

    private func fail(_ error: SpoolError, _ commit: SessionCommit, _ boot: String) {
        counters.count("store_failures")
        failure = error
        keep(commit, boot)
        Log.error("store-failed", ["state": error.name, "reason": "\(error)"])
        startRetrying()
    }

    /// Notices before the store is full that it will be, and whether it works at all.
    ///
    /// Sessions stop, what they gave is stored; the state ends by itself.
    func lookForRoom() async {
        do throws(SpoolError) {
            let found = try await spool.makeRoom(at: GatewayTime.now().utc)
            if waiting.isEmpty { failure = nil }
            if found.freedRecords > 0 {
                Log.notice("room-made", ["delivered_records_removed": "\(found.freedRecords)"])
            }
            let isNew = shortage == nil
            shortage = found.shortage
            guard let shortage else { return }
            if isNew {
                counters.count("store_shortages")
                Log.error("store-short", ["state": shortage.name, "reason": "\(shortage)"])
            }
        } catch {
            if failure == nil {
                counters.count("store_failures")
                Log.error("store-failed", ["state": error.name, "reason": "\(error)"])
            }
            failure = error
        }
        startRetrying()
    }

    private func startRetrying() {
        guard !isRetrying else { return }
        isRetrying = true
        spawn { await self.retry() }
    }

    private func retry() async {
        var pause = Duration.seconds(1)
        while trouble != nil || !waiting.isEmpty {
            guard (try? await sleep(for: pause)) != nil else { break }
            pause = min(.seconds(30), max(.seconds(1), pause * 2))
            guard let (commit, boot) = waiting.first else {
                await lookForRoom()
                continue
            }
            do throws(SpoolError) {
                _ = try await storeWhatCanBe(commit, boot)
                waiting.removeFirst()
                backlog -= commit.entries.count
                failure = nil
                pause = .zero
                if waiting.isEmpty { await lookForRoom() }
            } catch {
                failure = error
                if case .full = error { _ = try? await spool.makeRoom(at: GatewayTime.now().utc) }
            }
        }
        isRetrying = false
        guard trouble == nil else { return }
        Log.notice("store-healed")
        healed.broadcast()
    }

    /// Stores a commit; an entry that can never be stored is counted and left out, the others go in.
    private func storeWhatCanBe(
        _ commit: SessionCommit, _ boot: String
    ) async throws(SpoolError) -> Int {
        do throws(SpoolError) {
            return try await store(commit, boot)
        } catch .refused(let why) {
            guard commit.entries.count > 1 else {
                counters.count("records_refused", by: commit.entries.count)
                Log.error(
                    "record-refused", ["device": commit.device.id.shortened, "reason": why])
                return 0
            }
            var stored = 0
            for entry in commit.entries {
                var single = commit
                single.entries = [entry]
                stored += try await storeWhatCanBe(single, boot)
            }
            return stored
        }
    }

    private func store(_ commit: SessionCommit, _ boot: String) async throws(SpoolError) -> Int {
        let now = GatewayTime.now().utc
        try await people?.load()
        var entries: [SpoolEntry] = []
        var failures: [FailedMeasurement] = []
        for entry in commit.entries {
            switch entry.reading.outcome {
            case .measurement: if let made = spoolEntry(entry, boot) { entries.append(made) }
            case .failedMeasurement:
                failures.append(
                    FailedMeasurement(
                        device: commit.device.id, key: entry.key.hex, at: entry.received.utc))
            case .rejected: rejected(entry, commit.device)
            case .notFinal, .controlSolution, .deviceState:
                counters.count(
                    "readings_" + entry.reading.outcome.rawValue.replacingHyphens())
            }
        }
        let begun = GatewayTime.now().steady
        let results = try await spool.append(
            entries, at: now, failures: failures, memory: (commit.device.id, commit.memory))
        latencies.store.add(Latencies.seconds(GatewayTime.now().steady - begun))
        await people?.writeEnds()
        let stored = zip(entries, results).filter { $1.isStored }.map { $0.0.record }
        for record in stored {
            Log.info(
                "record-stored",
                [
                    "device": record.device.id.shortened, "kind": record.kind.rawValue,
                    "basis": record.time?.basis.rawValue ?? "none",
                    "state": record.quarantine?.rawValue ?? "accepted",
                ])
        }
        counters.count("readings_duplicate", by: results.count(where: \.isDuplicate))
        let changed = zip(entries, results).filter { !$1.isDuplicate }.map { $0.0.record }
        counters.count("records_grown", by: changed.count - stored.count)
        if !changed.isEmpty { onStored(changed) }
        if stored.contains(where: { $0.quarantine == .noClockSync }) { onUndated() }
        await resolveDoubts(entries, results)
        return stored.count
    }

    private func rejected(_ entry: SessionEntry, _ device: DeviceDescription) {
        counters.count("frames_rejected")
        Log.warning(
            "frame-rejected",
            [
                "device": device.id.shortened, "source": entry.frames.first?.source ?? "?",
                "reason": entry.reading.reason ?? "?", "offset": "\(entry.reading.offset ?? 0)",
            ])
    }

    private func spoolEntry(_ entry: SessionEntry, _ boot: String) -> SpoolEntry? {
        guard let record = entry.record else {
            counters.count("readings_without_record")
            return nil
        }
        var made = spoolEntry(record, frames: entry.frames, boot: boot)
        made.fingerprint = entry.duplicateWindow.map { _ in
            "\(record.kind.rawValue) \(entry.reading.keyBytes)"
        }
        made.duplicateWindow = entry.duplicateWindow
        made.grows = entry.reading.flags.contains(Self.runningFlag) || entry.replaces
        made.evidence = entry.evidence.map { evidence in
            let undated = UndatedReading(
                entry.reading, received: ClockSample(entry.received, boot: boot),
                evidence: evidence)
            return StoredEvidence(boot: boot, text: undated.text)
        }
        return made
    }

    /// The flag of a reading that its device goes on counting in, such as the running day's steps.
    static let runningFlag = "running-day"

    /// A record with its owner and the places it may go to.
    ///
    /// - Parameter boot: whose monotonic clock its stamps are of.
    func spoolEntry(_ record: Record, frames: [RawFrame], boot: String) -> SpoolEntry {
        var record = record
        let models = profiles()[id: record.profile]?.modelNames ?? []
        let roster = roster()
        if record.device.serial == nil {
            record.device.assetNumber = roster.assetNumber(of: record.device, models: models)
        }
        if let people {
            let found = people.attribution(of: record, boot: boot)
            if record.kind == .activity {
                record.measurementPositionCode =
                    found.wearingPosition ?? record.measurementPositionCode
            }
            var made = SpoolEntry(
                record: record, frames: frames, participant: found.participant,
                participantRule: found.rule,
                destinations: destinations(of: record, found.participant))
            made.context = found.context
            return made
        }
        var participant: String?
        var rule: String
        switch roster.assignment(of: record.device, slot: record.userSlot, models: models) {
        case .participant(let owner, let why, let ownership):
            participant = owner
            rule = why
            if record.kind == .activity {
                record.measurementPositionCode =
                    ownership.wearingPosition ?? record.measurementPositionCode
            }
        case .unassigned(let why): rule = why
        }
        return SpoolEntry(
            record: record, frames: frames, participant: participant, participantRule: rule,
            destinations: destinations(of: record, participant))
    }

    func destinations(of record: Record, _ participant: String?) -> [EntryDestination] {
        let roster = roster()
        return policies().map { first($0, record, participant, roster) }
    }

    private func first(
        _ policy: DestinationPolicy, _ record: Record, _ participant: String?, _ roster: Roster
    ) -> EntryDestination {
        if record.simulated, !policy.acceptsSimulated {
            return EntryDestination(policy.name, .held("simulated"))
        }
        guard policy.hasTable(record) else { return EntryDestination(policy.name, .noTable) }
        if let people {
            let why = participant.flatMap { people.obstacle(record, $0, to: policy.name) }
            return EntryDestination(policy.name, why.map { .held($0) } ?? .waiting)
        }
        if let participant,
            !roster.permits(
                participant: participant, destination: policy.name, kind: record.kind)
        {
            return EntryDestination(policy.name, .held("no consent"))
        }
        return EntryDestination(policy.name, .waiting)
    }
}

extension String {
    /// `not-final` → `not_final`, for the name of a counter.
    fileprivate func replacingHyphens() -> String {
        String(map { $0 == "-" ? "_" : $0 })
    }
}
