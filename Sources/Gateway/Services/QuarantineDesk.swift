import DeviceProfile
import EventLoop
import JSON
import Measurement
import Spool

/// A person's decisions on quarantined readings, each of them one transaction and in the ledger.
@LoopActor final class QuarantineDesk {
    private let intake: Intake
    private let clock: @LoopActor () -> GatewayTime
    private var spool: Spool { intake.spool }
    private var zone: TimeZoneRules { intake.zone }

    init(intake: Intake, clock: @escaping @LoopActor () -> GatewayTime = { GatewayTime.now() }) {
        self.intake = intake
        self.clock = clock
    }

    /// Why a decision was not carried out; the texts are for people.
    enum Refusal: Error, Equatable {
        case unknown(String)
        /// It is no longer in quarantine, or somebody decided otherwise.
        case decidedBefore(String)
        case wrongTime(code: String, String)
        case store(SpoolError)
    }

    /// What a decision led to.
    struct Outcome: Sendable {
        var stored: StoredRecord
        /// The same was decided before; nothing was changed now.
        var already = false
    }

    /// Which time a person gives a reading.
    enum ReleaseTime: Sendable, Equatable {
        case given(Instant)
        case reception
    }

    // MARK: show

    func story(_ key: RecordKey) async throws(Refusal) -> QuarantineStory {
        let kept = try await find(key)
        guard kept.stored.record.quarantine != nil else { throw decided(kept.stored) }
        do throws(SpoolError) {
            let neighbours = try await spool.neighbours(of: kept.stored)
            return QuarantineStory(
                kept: kept, neighbours: neighbours,
                rules: intake.profiles()[id: kept.stored.record.profile]?.time, zone: zone,
                boot: intake.boot)
        } catch {
            throw .store(error)
        }
    }

    private func find(_ key: RecordKey) async throws(Refusal) -> QuarantinedRecord {
        do throws(SpoolError) {
            if let kept = try await spool.quarantined(key) { return kept }
        } catch {
            throw .store(error)
        }
        throw .unknown("there is no record \(key)")
    }

    private func decided(_ stored: StoredRecord) -> Refusal {
        guard let time = stored.record.time else {
            return .decidedBefore("record \(stored.record.key) is not in quarantine")
        }
        return .decidedBefore(
            "record \(stored.record.key) is not in quarantine: it has the time "
                + "\(zone.iso8601(time.observed)) (\(time.basis.rawValue)), and that stays")
    }

    private func discarded(_ stored: StoredRecord, _ how: StoredRecord.Discarded) -> Refusal {
        .decidedBefore(
            "record \(stored.record.key) was discarded at \(zone.iso8601(how.at)): \(how.reason)")
    }

    // MARK: release

    /// Gives a reading the time that a person says; its key and its input code stay.
    func release(
        _ key: RecordKey, _ choice: ReleaseTime, by actor: LedgerActor
    ) async throws(Refusal) -> Outcome {
        let kept = try await find(key)
        let record = kept.stored.record
        let time = try recordTime(record, choice)
        if let how = kept.stored.discarded { throw discarded(kept.stored, how) }
        guard record.quarantine != nil else {
            guard record.time?.observed == time.observed, record.time?.basis == time.basis else {
                throw decided(kept.stored)
            }
            return Outcome(stored: kept.stored, already: true)
        }
        try check(time.observed, record)
        var released = record
        released.time = time
        released.quarantine = nil
        let entry = intake.entry(released, keeping: kept)
        let decision = intake.decision(kept, entry, .released, actor)
        switch try await decide([decision]).first {
        case .done: return Outcome(stored: try await after([released], key))
        default: return try await release(key, choice, by: actor)
        }
    }

    private func recordTime(
        _ record: Record, _ choice: ReleaseTime
    ) throws(Refusal) -> RecordTime {
        switch choice {
        case .given(let moment):
            return RecordTime(
                observed: moment, basis: .person, origin: .corrected, uncertainty: .minutes(1))
        case .reception:
            guard record.received.synchronised else {
                throw .wrongTime(
                    code: "no-clock-sync",
                    "the gateway's own clock was not set when it was received; give a time")
            }
            return RecordTime(
                observed: record.received.utc - (record.duration ?? .zero), basis: .received,
                origin: .corrected, uncertainty: .seconds(1))
        }
    }

    /// Refuses times at which nothing can have been measured.
    private func check(_ moment: Instant, _ record: Record) throws(Refusal) {
        let now = clock()
        let tolerance = Interval.minutes(1)
        if now.synchronised, moment > now.utc + tolerance {
            throw .wrongTime(
                code: "future", "\(zone.iso8601(moment)) lies in the future")
        }
        if record.received.synchronised, moment > record.received.utc + tolerance {
            throw .wrongTime(
                code: "future",
                "\(zone.iso8601(moment)) lies behind its reception at "
                    + zone.iso8601(record.received.utc))
        }
        // No device that this gateway reads is older.
        guard moment >= Instant(seconds: 946_684_800) else {
            throw .wrongTime(
                code: "too-old", "\(zone.iso8601(moment)) lies before the year 2000")
        }
    }

    private func decide(
        _ decisions: [Reconsideration]
    ) async throws(Refusal) -> [DecisionResult] {
        do throws(SpoolError) {
            return try await spool.decide(decisions, at: clock().utc)
        } catch {
            throw .store(error)
        }
    }

    /// Wakes the way out and returns the record as it is stored now.
    private func after(_ records: [Record], _ key: RecordKey) async throws(Refusal) -> StoredRecord
    {
        let accepted = records.filter { $0.quarantine == nil }
        if !accepted.isEmpty { intake.onStored(accepted) }
        return try await find(key).stored
    }

    // MARK: discard

    func discard(
        _ key: RecordKey, reason: String, by actor: LedgerActor
    ) async throws(Refusal) -> Outcome {
        let stored = try await find(key).stored
        guard stored.record.quarantine != nil else { throw decided(stored) }
        guard stored.discarded == nil else { return Outcome(stored: stored, already: true) }
        do throws(SpoolError) {
            let result = try await spool.discard(
                stored.rowID, reason: reason, by: actor, at: clock().utc)
            guard result == .done else { return try await decidedMeanwhile(key) }
        } catch {
            throw .store(error)
        }
        return Outcome(stored: try await find(key).stored)
    }

    private func decidedMeanwhile(_ key: RecordKey) async throws(SpoolError) -> Outcome {
        guard let stored = try await spool.record(key) else {
            throw .refused("there is no record \(key)")
        }
        return Outcome(stored: stored, already: true)
    }

    // MARK: retry

    /// Decodes the kept bytes again; what is right now becomes a record, the rest stays.
    func retry(_ key: RecordKey, by actor: LedgerActor) async throws(Refusal) -> Outcome {
        let kept = try await find(key)
        if let how = kept.stored.discarded { throw discarded(kept.stored, how) }
        guard kept.stored.record.quarantine != nil else { throw decided(kept.stored) }
        let isReleased = try await retry(kept, by: actor)
        return Outcome(stored: try await find(key).stored, already: !isReleased)
    }

    /// Tries all of them; returns how many became records and how many stay.
    func retryAll(by actor: LedgerActor) async throws(Refusal) -> (released: Int, left: Int) {
        var after = RowID(0)
        var released = 0
        var left = 0
        while true {
            let page: [StoredRecord]
            do throws(SpoolError) {
                page = try await spool.quarantine(after: after, limit: 100)
            } catch {
                throw .store(error)
            }
            guard let last = page.last else { return (released, left) }
            for stored in page {
                if try await retry(try await find(stored.record.key), by: actor) {
                    released += 1
                } else {
                    left += 1
                }
            }
            after = last.rowID
        }
    }

    /// True when it became a record.
    private func retry(
        _ kept: QuarantinedRecord, by actor: LedgerActor
    ) async throws(Refusal) -> Bool {
        let now = clock()
        switch intake.reread(kept, by: ClockSample(now, boot: intake.boot)) {
        case .nothing(let why):
            do throws(SpoolError) {
                try await intake.note(why, kept, actor)
            } catch {
                throw .store(error)
            }
            return false
        case .decided(let entry):
            let decision = intake.decision(kept, entry, .retried, actor)
            guard try await decide([decision]).first == .done else { return false }
            guard entry.record.quarantine == nil else { return false }
            intake.onStored([entry.record])
            return true
        }
    }
}
