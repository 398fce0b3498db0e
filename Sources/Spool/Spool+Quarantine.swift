import JSON
package import Measurement

/// A quarantined record with all that is known of it.
package struct QuarantinedRecord: Sendable {
    package var stored: StoredRecord
    package var frames: [RawFrame]
    package var evidence: StoredEvidence?
}

/// What is to become of a quarantined record.
package struct Reconsideration: Sendable {
    package var row: RowID
    /// The record as it is from now on, under its old key; it may still be in quarantine.
    package var entry: SpoolEntry
    package var note: LedgerNote

    package init(_ row: RowID, as entry: SpoolEntry, note: LedgerNote) {
        self.row = row
        self.entry = entry
        self.note = note
    }
}

/// What became of a decision on a quarantined record.
package enum DecisionResult: Sendable, Equatable {
    case done
    /// Somebody else decided before: it is as the store says now, and nothing was changed.
    case decidedBefore
}

extension Spool {
    /// A record in quarantine by its key; nil for a key that the store does not hold.
    package func quarantined(_ key: RecordKey) throws(SpoolError) -> QuarantinedRecord? {
        guard let stored = try record(key) else { return nil }
        return try completed(stored)
    }

    /// Records that wait for the gateway's clock and whose stamps are of one run of the machine.
    package func undated(
        boot: String, after row: RowID = RowID(0), limit: Int = 100
    ) throws(SpoolError) -> [QuarantinedRecord] {
        let found = try reading { connection throws(SpoolError) in
            try connection.records(
                .recordsUndated, [.text(boot), .row(row), .integer(limit)])
        }
        var records: [QuarantinedRecord] = []
        for stored in found { records.append(try completed(stored)) }
        return records
    }

    private func completed(_ stored: StoredRecord) throws(SpoolError) -> QuarantinedRecord {
        QuarantinedRecord(
            stored: stored, frames: try frames(of: stored.rowID),
            evidence: try evidence(of: stored.rowID))
    }

    package func evidence(of row: RowID) throws(SpoolError) -> StoredEvidence? {
        try reading { connection throws(SpoolError) in
            try connection.evidence(of: row)
        }
    }

    /// The accepted records of the same device that were stored before and after a row.
    package func neighbours(
        of stored: StoredRecord
    ) throws(SpoolError) -> (before: StoredRecord?, after: StoredRecord?) {
        let place: [SQLValue] = [.text(stored.record.device.id.stable), .row(stored.rowID)]
        return try reading { connection throws(SpoolError) in
            (
                before: try connection.records(.recordBefore, place).first,
                after: try connection.records(.recordAfter, place).first
            )
        }
    }

    /// Carries out decisions on quarantined records, all in one transaction, each in the ledger.
    ///
    /// A record on which was decided meanwhile is left as it is.
    /// - Returns: a result per decision, in the same order.
    package func decide(
        _ decisions: [Reconsideration], at now: Instant
    ) throws(SpoolError) -> [DecisionResult] {
        try writing { connection throws(SpoolError) in
            var results: [DecisionResult] = []
            for decision in decisions {
                guard try connection.isOpen(decision.row, decision.entry.record.key) else {
                    results.append(.decidedBefore)
                    continue
                }
                try connection.reconsider(decision.row, as: decision.entry, at: now)
                try connection.note(decision.note, at: now)
                results.append(.done)
            }
            return results
        }
    }

    /// Takes a quarantined record out of everybody's way, for good; its values stay until retention.
    package func discard(
        _ row: RowID, reason: String, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) -> DecisionResult {
        try writing { connection throws(SpoolError) in
            let key = try connection.first(.keyOfRecord, [.row(row)]) {
                reader throws(SpoolError) in reader.text()
            }
            guard
                try connection.run(.discardRecord, [.row(row), .instant(now), .text(reason)]) == 1
            else { return .decidedBefore }
            try connection.count("records_discarded", by: 1)
            try connection.note(
                LedgerNote(.discarded, by: actor, on: key ?? "") { writer in
                    writer.member("reason", reason)
                }, at: now)
            return .done
        }
    }

    /// Keeps beside a quarantined record why a new try gave nothing.
    package func noteRetry(
        _ row: RowID, _ text: String, ledger note: LedgerNote, at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.run(.noteEvidence, [.row(row), .text(text)])
            try connection.note(note, at: now)
        }
    }
}

extension Connection {
    /// Whether a record still waits for a decision.
    func isOpen(_ row: RowID, _ key: RecordKey) throws(SpoolError) -> Bool {
        let found = try first(.quarantineOf, [.row(row)]) { reader throws(SpoolError) in
            (key: reader.text(), reason: reader.optionalText(), discarded: reader.optionalInstant())
        }
        return found?.key == key.hex && found?.reason != nil && found?.discarded == nil
    }

    /// Writes a quarantined record anew, with its frames and the places it may go to.
    func reconsider(_ row: RowID, as entry: SpoolEntry, at now: Instant) throws(SpoolError) {
        let sealed = try seal(
            RecordColumns.secret(entry.record), for: entry.participant,
            at: RecordColumns.place(entry.record.key), now: now)
        let columns =
            RecordColumns.keyed(entry.record, isSealed: sealed != nil) + [
                .text(entry.participant), .text(entry.participantRule),
            ] + SQLValue.sealed(sealed)
            + [.text(try blinded(entry.fingerprint, at: now)), .row(row)]
        try run(.updateRecord, columns)
        try run(.deleteOpenDeliveries, [.row(row)])
        let appender = Appender(connection: self, now: now)
        if !entry.frames.isEmpty {
            try run(.deleteFrames, [.row(row)])
            try appender.insertFrames(entry.frames, row, of: entry.participant)
        }
        try resealBelongings(of: row, for: entry.participant, at: now)
        try appender.insertDeliveries(entry, row)
        try appender.insertEvidence(entry, row)
        try insertContext(entry.context, row)
        try count("records_reconsidered", by: 1)
    }
}

extension SQL {
    static let evidenceOf = SQL(
        "SELECT boot, evidence, note, sealed_by, sealed FROM time_evidence WHERE record_id = ?")
    static let noteEvidence = SQL(
        """
        INSERT INTO time_evidence(record_id, boot, evidence, note) VALUES(?1, '', '', ?2)
        ON CONFLICT(record_id) DO UPDATE SET note = ?2
        """)
    static let discardRecord = SQL(
        """
        UPDATE record SET discarded_at = ?2, discard_reason = ?3
        WHERE id = ?1 AND quarantine IS NOT NULL AND discarded_at IS NULL
        """)
}
