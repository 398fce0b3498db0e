import JSON
import Measurement

/// A record that its device goes on counting in, such as the running day of a pedometer (T17).
extension Appender {
    /// Puts the values of a later reading in the place of the earlier ones; the time stays.
    ///
    /// A reading of an earlier moment than the one that is stored changes nothing: frames may come
    /// in any order. Where the record went already, it goes again, under the same natural key.
    func grow(_ row: RowID, _ entry: SpoolEntry) throws(SpoolError) -> AppendResult {
        let found = try connection.first(.growthOf, [.row(row)]) { reader throws(SpoolError) in
            Stored(
                quantities: reader.text(), flags: reader.text(),
                deviceTime: reader.optionalInteger(),
                received: reader.instant(), isQuarantined: reader.flag(),
                isDiscarded: reader.flag())
        }
        guard let found, !found.isDiscarded else { return .duplicate(row) }
        let record = entry.record
        let quantities = RecordColumns.quantities(record.quantities)
        let flags = RecordColumns.strings(record.flags)
        if quantities == found.quantities, flags == found.flags { return .duplicate(row) }
        guard !isOlder(record, than: found) else {
            try connection.count("readings_outdated", by: 1)
            return .duplicate(row)
        }
        try connection.run(
            .growRecord,
            [
                .row(row), .text(quantities), .text(flags), .instant(record.received.utc),
                .integer(record.received.monotonicNanoseconds),
                .flag(record.received.synchronised), .interval(record.duration), .instant(now),
                .integer(record.profileRevision),
                record.deviceTime.map { .integer($0.localMicroseconds) } ?? .null,
            ])
        if !entry.frames.isEmpty {
            try connection.run(.deleteFrames, [.row(row)])
            try insertFrames(entry.frames, row)
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

    private struct Stored {
        var quantities: String
        var flags: String
        var deviceTime: Int64?
        var received: Instant
        var isQuarantined: Bool
        var isDiscarded: Bool
    }

    private func isOlder(_ record: Record, than stored: Stored) -> Bool {
        if let new = record.deviceTime?.localMicroseconds, let old = stored.deviceTime, new != old {
            return new < old
        }
        return record.received.utc <= stored.received
    }

    // MARK: what belongs to a new record

    func insertEvidence(_ entry: SpoolEntry, _ row: RowID) throws(SpoolError) {
        guard entry.record.quarantine != nil, let evidence = entry.evidence else { return }
        try connection.run(
            .saveEvidence,
            [.row(row), .text(evidence.boot), .text(evidence.text), .text(evidence.note)])
    }

    /// One line for what a device gave at once; repeated reads of known records leave none.
    func noteReceipt(
        _ entries: [SpoolEntry], _ results: [AppendResult]
    ) throws(SpoolError) {
        var devices: [String] = []
        for entry in entries where !devices.contains(entry.record.device.id.stable) {
            devices.append(entry.record.device.id.stable)
        }
        for device in devices {
            let own = zip(entries, results).filter { $0.0.record.device.id.stable == device }
            let stored = own.filter { $0.1.isStored }.map { $0.1.rowID.number }
            guard let first = stored.first, let last = stored.last else { continue }
            let quarantined = own.count { $0.1.isStored && $0.0.record.quarantine != nil }
            let known = own.count - stored.count
            try connection.note(
                LedgerNote(.received, on: device) { writer in
                    writer.member("records", stored.count)
                    writer.member("first", Int(first))
                    writer.member("last", Int(last))
                    writer.member("quarantined", quarantined)
                    writer.member("known_already", known)
                }, at: now)
        }
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
    static let growthOf = SQL(
        """
        SELECT quantities, flags, device_time, received_at, quarantine IS NOT NULL,
        discarded_at IS NOT NULL FROM record WHERE id = ?
        """)
    static let growRecord = SQL(
        """
        UPDATE record SET quantities = ?2, flags = ?3, received_at = ?4, received_monotonic = ?5,
        received_synchronised = ?6, duration = coalesce(?7, duration), updated_at = ?8,
        profile_revision = ?9, device_time = coalesce(?10, device_time), revision = revision + 1
        WHERE id = ?1
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
        INSERT INTO time_evidence(record_id, boot, evidence, note) VALUES(?1, ?2, ?3, ?4)
        ON CONFLICT(record_id) DO UPDATE SET boot = ?2, evidence = ?3, note = ?4
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
