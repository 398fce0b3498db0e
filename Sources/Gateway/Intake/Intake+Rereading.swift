import DeviceLink
import DeviceProfile
import JSON
import Measurement
import Spool

/// Decides quarantined readings again: from the bytes and the clocks that were kept.
extension Intake {
    /// What a new look at a quarantined reading gives.
    enum Rereading {
        /// The record under its old key; it may still belong into quarantine.
        case decided(SpoolEntry)
        /// It cannot be decided anew, and why.
        case nothing(String)
    }

    /// Decodes the kept bytes with the profile that is loaded now and asks the time rules again.
    ///
    /// - Parameter sample: the gateway's clocks, where they are synchronised by now.
    func reread(_ kept: QuarantinedRecord, by sample: ClockSample? = nil) -> Rereading {
        let old = kept.stored.record
        guard let profile = profiles()[id: old.profile] else {
            return .nothing("the profile \(old.profile) is not loaded")
        }
        guard !kept.frames.isEmpty else { return .nothing("its bytes are not kept any more") }
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: old.simulated)
        guard let reading = reading(kept, builder) else {
            return .nothing(
                "revision \(profile.revision) of \(profile.id) finds no measurement in its bytes")
        }
        // Without what was known of the device's clock only readings that need none are dated.
        let evidence = kept.undated?.evidence ?? TimeEvidence(.requested)
        let made = builder.record(
            reading, device: old.device, received: old.received, evidence: evidence)
        guard var record = made else {
            return .nothing("revision \(profile.revision) of \(profile.id) takes it for none")
        }
        record.key = old.key
        if let sample, let boot = kept.evidence?.boot {
            let undated = UndatedReading(
                reading, received: ClockSample(old.received, boot: boot), evidence: evidence)
            record = builder.resolve(record, undated, by: sample) ?? record
        }
        return .decided(entry(record, keeping: kept))
    }

    /// Dates a reading that waited for the gateway's clock; its values stay as they are.
    private func date(_ kept: QuarantinedRecord, by sample: ClockSample) -> Rereading {
        let old = kept.stored.record
        guard let profile = profiles()[id: old.profile] else {
            return .nothing("the profile \(old.profile) is not loaded")
        }
        guard let undated = kept.undated else {
            return .nothing("what its time is decided from cannot be read")
        }
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: old.simulated)
        guard let record = builder.resolve(old, undated, by: sample) else {
            return .nothing("nothing tells how long ago it came")
        }
        return .decided(entry(record, keeping: kept))
    }

    /// The measurement that the kept bytes hold; of several in one frame the one with the key.
    private func reading(_ kept: QuarantinedRecord, _ builder: RecordBuilder) -> Reading? {
        let old = kept.stored.record
        func readings(_ frame: RawFrame) -> [Reading] {
            builder.profile.layouts.filter { $0.source.description == frame.source }
                .lazy.map { $0.readings(frame.bytes) }
                .first { $0.contains { $0.outcome != .rejected } } ?? []
        }
        let found = readings(kept.frames[0]).filter { $0.outcome == .measurement }
        let isSame: (Reading) -> Bool = {
            builder.key($0, device: old.device, received: old.received) == old.key
        }
        // A corrected layout may give other values and so another key: then place or stamp tells.
        var reading = found.first(where: isSame)
        if reading == nil, found.count == 1 { reading = found[0] }
        if reading == nil {
            let alike = found.filter {
                $0.kind == old.kind && $0.sequenceNumber == old.sequenceNumber
                    && $0.deviceTime == old.deviceTime
            }
            if alike.count == 1 { reading = alike[0] }
        }
        for frame in kept.frames.dropFirst() {
            for context in readings(frame) { reading?.join(context: context) }
        }
        return reading
    }

    /// A record on its way back into the store: whose it was decided to be it stays.
    func entry(_ record: Record, keeping kept: QuarantinedRecord) -> SpoolEntry {
        var made = spoolEntry(record, frames: [], boot: kept.evidence?.boot ?? "")
        if let participant = kept.stored.participant {
            made.participant = participant
            made.participantRule = kept.stored.participantRule
            made.destinations = destinations(of: record, participant)
        }
        made.evidence = kept.evidence
        made.evidence?.note = nil
        return made
    }

    // MARK: rule T0

    /// Whether readings of this run of the machine wait for the clock; a store in trouble may hold some.
    func waitsForClock(boot: String) async -> Bool {
        do throws(SpoolError) {
            return try await !spool.undated(boot: boot, limit: 1).isEmpty
        } catch {
            return true
        }
    }

    /// Dates all readings of one run of the machine that waited for its clock.
    ///
    /// - Returns: how many left quarantine or got another reason, and how many wait on.
    func dateUndated(
        by sample: ClockSample
    ) async throws(SpoolError) -> (dated: Int, left: Int) {
        var after = RowID(0)
        var dated = 0
        var left = 0
        while true {
            let part = try await spool.undated(boot: sample.boot, after: after)
            guard let last = part.last else { break }
            var decisions: [Reconsideration] = []
            for kept in part {
                switch date(kept, by: sample) {
                case .decided(let entry):
                    decisions.append(decision(kept, entry, .dated, .gateway))
                case .nothing(let why):
                    left += 1
                    try await note(why, kept, .gateway)
                }
            }
            let results = try await spool.decide(decisions, at: GatewayTime.now().utc)
            let done = zip(decisions, results).filter { $0.1 == .done }.map { $0.0.entry.record }
            dated += done.count
            if !done.isEmpty { onStored(done) }
            after = last.stored.rowID
        }
        if dated > 0 { Log.notice("records-dated", ["count": "\(dated)", "left": "\(left)"]) }
        return (dated, left)
    }

    /// Says why nothing came of a try, once for each reason.
    func note(
        _ why: String, _ kept: QuarantinedRecord, _ actor: LedgerActor
    ) async throws(SpoolError) {
        guard kept.evidence?.note != why else { return }
        try await spool.noteRetry(
            kept.stored.rowID, why,
            ledger: LedgerNote(.retried, by: actor, on: kept.stored.record.key.hex) { writer in
                writer.member("outcome", "unchanged")
                writer.member("reason", why)
            }, at: GatewayTime.now().utc)
    }

    /// A decision with its line for the ledger: no value, only what became of it.
    func decision(
        _ kept: QuarantinedRecord, _ entry: SpoolEntry, _ event: LedgerEvent,
        _ actor: LedgerActor
    ) -> Reconsideration {
        let old = kept.stored.record
        let new = entry.record
        let shift = new.received.utc - old.received.utc
        return Reconsideration(
            kept.stored.rowID, as: entry,
            note: LedgerNote(event, by: actor, on: old.key.hex) { writer in
                writer.member("reason_before", old.quarantine?.rawValue)
                writer.member("reason", new.quarantine?.rawValue)
                writer.member("observed_at", new.time.map { Int($0.observed.microseconds) })
                writer.member("basis", new.time?.basis.rawValue)
                writer.member("origin_of_time_code", new.time?.origin.rawValue)
                if shift != .zero { writer.member("gateway_clock_shift", shift.text) }
                writer.member("profile", new.profile)
                writer.member("profile_revision_before", old.profileRevision)
                writer.member("profile_revision", new.profileRevision)
            })
    }
}

extension Interval {
    fileprivate var text: String { secondsDecimal.text + " s" }
}

extension QuarantinedRecord {
    /// What its time was decided from; nil where that was not kept.
    var undated: UndatedReading? { evidence.flatMap { UndatedReading(text: $0.text) } }
}
