import JSON
import Measurement

/// A record that its device goes on counting in, such as the running day of a pedometer (T17).
extension Appender {
    /// Puts the values of a later reading in the place of the earlier ones; the time stays.
    ///
    /// A reading of an earlier moment than the one that is stored changes nothing: frames may come
    /// in any order. Where the record went already, it goes again, under the same natural key.
    func grow(_ row: RowID, _ entry: SpoolEntry) throws(SpoolError) -> AppendResult {
        // What a person corrected or took back, no device changes any more.
        guard let found = try connection.readable(row), found.discarded == nil,
            try connection.integer(.countVersions, [.row(row)]) == 0
        else { return .duplicate(row) }
        let record = entry.record
        if record.quantities == found.record.quantities, record.flags == found.record.flags {
            return .duplicate(row)
        }
        guard !isOlder(record, than: found) else {
            try connection.count("readings_outdated", by: 1)
            return .duplicate(row)
        }
        let sealed = try connection.seal(
            RecordColumns.secret(record), for: found.participant,
            at: RecordColumns.place(found.record.key), now: now)
        let quantities = sealed == nil ? RecordColumns.quantities(record.quantities) : ""
        let flags = sealed == nil ? RecordColumns.strings(record.flags) : ""
        try connection.run(
            .growRecord,
            [
                .row(row), .text(quantities), .text(flags), .instant(record.received.utc),
                .integer(record.received.monotonicNanoseconds),
                .flag(record.received.synchronised), .interval(record.duration), .instant(now),
                .integer(record.profileRevision),
                record.deviceTime.map { .integer($0.localMicroseconds) } ?? .null,
            ] + SQLValue.sealed(sealed))
        if !entry.frames.isEmpty {
            try connection.run(.deleteFrames, [.row(row)])
            try insertFrames(entry.frames, row, of: found.participant)
        }
        // A batch that holds it under way stands for its former values.
        for batch in try connection.all(
            .batchesOfRecord, [.row(row)], { reader throws(SpoolError) in reader.integer() })
        {
            try connection.dissolve(batch: batch)
        }
        let again = try connection.run(.sendAgain, [.row(row), .instant(now)])
        try connection.run(.deleteDeadLetters, [.row(row)])
        let reason = record.kind.rawValue
        try connection.note(
            LedgerNote(.corrected, on: record.key.hex) { writer in
                writer.member("by", "device")
                writer.member("kind", reason)
                writer.member("sent_again_to", again)
            }, at: now)
        return .grown(row)
    }

    private func isOlder(_ record: Record, than stored: StoredRecord) -> Bool {
        let old = stored.record
        if let new = record.deviceTime?.localMicroseconds,
            let before = old.deviceTime?.localMicroseconds, new != before
        {
            return new < before
        }
        return record.received.utc <= old.received.utc
    }

    // MARK: what belongs to a new record

    func insertEvidence(_ entry: SpoolEntry, _ row: RowID) throws(SpoolError) {
        guard entry.record.quarantine != nil, let evidence = entry.evidence else { return }
        try connection.save(evidence, row, of: entry.participant, at: now)
    }

    /// One line for what a device gave at once; repeated reads of known records leave none.
    func noteReceipt(
        _ entries: [SpoolEntry], _ results: [AppendResult]
    ) throws(SpoolError) {
        if entries.count == 1 {
            guard results[0].isStored else { return }
            return try noteReceipt(
                of: entries[0].record.device.id.stable, [results[0].rowID.number],
                quarantined: entries[0].record.quarantine == nil ? 0 : 1, known: 0)
        }
        var devices: [String] = []
        for entry in entries where !devices.contains(entry.record.device.id.stable) {
            devices.append(entry.record.device.id.stable)
        }
        for device in devices {
            let own = zip(entries, results).filter { $0.0.record.device.id.stable == device }
            let stored = own.filter { $0.1.isStored }.map { $0.1.rowID.number }
            let quarantined = own.count { $0.1.isStored && $0.0.record.quarantine != nil }
            try noteReceipt(
                of: device, stored, quarantined: quarantined, known: own.count - stored.count)
        }
    }

    private func noteReceipt(
        of device: String, _ rows: [Int64], quarantined: Int, known: Int
    ) throws(SpoolError) {
        guard let first = rows.first, let last = rows.last else { return }
        try connection.note(
            LedgerNote(.received, on: device) { writer in
                writer.member("records", rows.count)
                writer.member("first", Int(first))
                writer.member("last", Int(last))
                writer.member("quarantined", quarantined)
                writer.member("known_already", known)
            }, at: now)
    }

    /// Adds a check of the device's clock to its history, once.
    func noteClock(_ memory: DeviceMemory, of device: DeviceID) throws(SpoolError) {
        guard let offset = memory.clockOffset, let at = memory.clockCheckedAt else { return }
        let key = SQLValue.text(device.stable)
        let wasSet = memory.clockSetAt.map { $0 >= at } ?? false
        let added = try connection.run(
            .noteClock,
            [
                key, .instant(at), .interval(offset), .interval(memory.clockLatency),
                .flag(wasSet),
            ])
        guard added == 1 else {
            if wasSet { try connection.run(.noteClockSet, [key, .instant(at)]) }
            return
        }
        try connection.run(.trimClocks, [key, .integer(ClockHistoryEntry.maximum)])
    }
}

extension SQL {
    static let growRecord = SQL(
        """
        UPDATE record SET quantities = ?2, flags = ?3, received_at = ?4, received_monotonic = ?5,
        received_synchronised = ?6, duration = coalesce(?7, duration), updated_at = ?8,
        profile_revision = ?9, device_time = coalesce(?10, device_time), sealed_by = ?11,
        sealed = ?12, revision = revision + 1 WHERE id = ?1
        """)
    static let batchesOfRecord = SQL(
        "SELECT batch_id FROM delivery WHERE record_id = ? AND batch_id IS NOT NULL")
    static let sendAgain = SQL(
        """
        UPDATE delivery SET state = 'waiting', reason = NULL, waiting_since = ?2
        WHERE record_id = ?1 AND state IN ('delivered', 'dead')
        """)
    static let deleteDeadLetters = SQL("DELETE FROM dead_letter WHERE record_id = ?")
    static let saveEvidence = SQL(
        """
        INSERT INTO time_evidence(record_id, boot, evidence, note, sealed_by, sealed)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(record_id)
        DO UPDATE SET boot = ?2, evidence = ?3, note = ?4, sealed_by = ?5, sealed = ?6
        """)
    static let noteClock = SQL(
        """
        INSERT INTO clock_check(device_id, at, clock_offset, latency, was_set)
        SELECT ?1, ?2, ?3, ?4, ?5
        WHERE NOT EXISTS (SELECT 1 FROM clock_check WHERE device_id = ?1 AND at = ?2)
        """)
    static let noteClockSet = SQL(
        "UPDATE clock_check SET was_set = 1 WHERE device_id = ? AND at = ? AND was_set = 0")
    static let trimClocks = SQL(
        """
        DELETE FROM clock_check WHERE device_id = ?1 AND id NOT IN
        (SELECT id FROM clock_check WHERE device_id = ?1 ORDER BY at DESC, id DESC LIMIT ?2)
        """)
}
