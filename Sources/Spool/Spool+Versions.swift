import JSON
package import Measurement

/// What a record was before a person changed it.
package struct RecordVersion: Sendable, Equatable {
    package var revision: Int
    package var quantities: [Quantity]
    package var flags: [String]
    package var dataInputCode: DataInputCode
    /// From when until when it was the record.
    package var since: Instant
    package var until: Instant
    /// Who changed it, and why.
    package var actor: String
    package var reason: String
}

/// A person's correction of a record that was accepted.
package struct RecordEdit: Sendable {
    package var quantities: [Quantity]
    /// The revision that the person saw.
    package var revision: Int
    package var destinations: [EntryDestination]
    package var reason: String
    package var actor: LedgerActor

    package init(
        _ quantities: [Quantity], of revision: Int, destinations: [EntryDestination],
        reason: String, by actor: LedgerActor
    ) {
        self.quantities = quantities
        self.revision = revision
        self.destinations = destinations
        self.reason = reason
        self.actor = actor
    }
}

extension Spool {
    /// Stores a value that a person typed; its key stands for person, kind, time and place of typing.
    ///
    /// - Returns: `duplicate` where a value of that kind and time is there already, whatever it is.
    package func add(
        _ entry: SpoolEntry, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) -> AppendResult {
        let maximum = maximumBytes
        return try writing { connection throws(SpoolError) in
            var appender = Appender(connection: connection, now: now)
            let result = try appender.append(entry, isOfDevice: false)
            guard result.isStored else { return result }
            try connection.count("records_stored", by: 1)
            try connection.note(
                LedgerNote(.typed, by: actor, on: entry.record.key.hex) { writer in
                    writer.member("participant", entry.participant)
                    writer.member("kind", entry.record.kind.rawValue)
                }, at: now)
            try connection.checkRoom(maximum)
            return result
        }
    }

    /// Gives a record other values under the same key and time; what it was before is kept.
    ///
    /// It goes again to everybody who had it. A batch under way may still be answered: the answer
    /// counts for the version that it held, and the new one waits on.
    /// - Returns: `decidedBefore` where the record is no longer what the person saw.
    package func edit(
        _ row: RowID, _ edit: RecordEdit, at now: Instant
    ) throws(SpoolError) -> DecisionResult {
        try writing { connection throws(SpoolError) in
            guard let found = try connection.readable(row) else {
                throw .refused("there is no record \(row.number)")
            }
            guard found.discarded == nil else {
                throw .refused("record \(found.record.key) was withdrawn or discarded")
            }
            guard found.record.quarantine == nil else {
                throw .refused("record \(found.record.key) is in quarantine; release it first")
            }
            guard found.revision == edit.revision else { return .decidedBefore }
            try connection.keepVersion(of: found, until: now, by: edit.actor, edit.reason)
            var record = found.record
            record.quantities = edit.quantities
            let sealed = try connection.seal(
                RecordColumns.secret(record), for: found.participant,
                at: RecordColumns.place(record.key), now: now)
            try connection.run(
                .editRecord,
                [
                    .row(row),
                    .text(sealed == nil ? RecordColumns.quantities(edit.quantities) : ""),
                    .text(sealed == nil ? RecordColumns.strings(record.flags) : ""),
                    .instant(now),
                ] + SQLValue.sealed(sealed))
            let again = try connection.sendVersion(row, found, edit.destinations, at: now)
            try connection.count("records_edited", by: 1)
            let names = Set((found.record.quantities + edit.quantities).map(\.name))
                .filter { [record] in found.record.quantity($0) != record.quantity($0) }
            try connection.note(
                LedgerNote(.corrected, by: edit.actor, on: found.record.key.hex) { writer in
                    writer.member("by", "person")
                    writer.member("kind", found.record.kind.rawValue)
                    writer.member("revision", found.revision + 1)
                    writer.member("values", strings: names.map(\.rawValue).sorted())
                    writer.member("reason", edit.reason)
                    writer.member("sent_again_to", strings: again)
                }, at: now)
            return .done
        }
    }

    /// Takes a record back: it is never sent again, to anybody.
    ///
    /// A batch under way that holds it may still arrive; its answer is written down, and it is not
    /// tried again.
    package func withdraw(
        _ row: RowID, reason: String, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) -> DecisionResult {
        try writing { connection throws(SpoolError) in
            let key = try connection.key(of: row)
            guard
                try connection.run(.withdrawRecord, [.row(row), .instant(now), .text(reason)]) == 1
            else { return .decidedBefore }
            let sent = try connection.all(.destinationsThatHave, [.row(row)]) {
                reader throws(SpoolError) in reader.text()
            }
            try connection.run(.deleteDeadLetters, [.row(row)])
            try connection.run(.holdWithdrawn, [.row(row)])
            try connection.count("records_withdrawn", by: 1)
            try connection.note(
                LedgerNote(.withdrawn, by: actor, on: key) { writer in
                    writer.member("reason", reason)
                    writer.member("sent_before_to", strings: sent)
                }, at: now)
            return .done
        }
    }

    /// What a record was before, oldest first; empty where nobody changed it.
    package func versions(of row: RowID) throws(SpoolError) -> [RecordVersion] {
        try reading { connection throws(SpoolError) in try connection.versions(of: row) }
    }

    /// The accepted record of a person, device and kind that was taken in the second of a moment.
    package func record(
        of participant: String, device: DeviceID, kind: MeasurementKind, at moment: Instant
    ) throws(SpoolError) -> RecordKey? {
        let second = Instant(seconds: moment.seconds)
        return try reading { connection throws(SpoolError) in
            try connection.first(
                .recordOfPerson,
                [
                    .text(participant), .text(kind.rawValue), .text(device.stable),
                    .instant(second), .instant(second + .seconds(1)),
                ]
            ) { reader throws(SpoolError) in RecordKey(hex: reader.text()) }
        }
    }

    /// The records of a batch under way that somebody took back since it was formed.
    package nonisolated func withdrawn(
        fromBatch id: Int64
    ) async throws(SpoolError) -> Set<RowID> {
        // What is known is as it was.
        if outlook.batch(id) != nil { return [] }
        return try await withdrawnRows(fromBatch: id)
    }

    private func withdrawnRows(fromBatch id: Int64) throws(SpoolError) -> Set<RowID> {
        let rows = try reading { connection throws(SpoolError) in
            try connection.all(.withdrawnFromBatch, [.integer(id)]) { reader throws(SpoolError) in
                reader.row()
            }
        }
        return Set(rows)
    }
}

extension Connection {
    fileprivate func keepVersion(
        of found: StoredRecord, until now: Instant, by actor: LedgerActor, _ reason: String
    ) throws(SpoolError) {
        try save(
            RecordVersion(
                revision: found.revision, quantities: found.record.quantities,
                flags: found.record.flags, dataInputCode: found.record.dataInputCode,
                since: found.updatedAt ?? found.storedAt, until: now, actor: actor.text,
                reason: reason),
            found.rowID, of: found.participant, at: now)
    }

    private func save(
        _ version: RecordVersion, _ row: RowID, of owner: String?, at now: Instant
    ) throws(SpoolError) {
        let quantities = RecordColumns.quantities(version.quantities)
        let flags = RecordColumns.strings(version.flags)
        let sealed = try seal(
            Array("\(quantities)\n\(flags)".utf8), for: owner,
            at: Self.place(ofVersion: version.revision, row), now: now)
        try run(
            .insertVersion,
            [
                .row(row), .integer(version.revision), .text(sealed == nil ? quantities : ""),
                .text(sealed == nil ? flags : ""), .text(version.dataInputCode.rawValue),
                .instant(version.since), .instant(version.until), .text(version.actor),
                .text(version.reason),
            ] + SQLValue.sealed(sealed))
    }

    func versions(of row: RowID) throws(SpoolError) -> [RecordVersion] {
        let path = database.path
        return try all(.versionsOf, [.row(row)]) { reader throws(SpoolError) in
            let revision = reader.count()
            var texts = [reader.text(), reader.text()]
            let code = DataInputCode(rawValue: reader.text()) ?? .device
            let since = reader.instant()
            let until = reader.instant()
            let actor = reader.text()
            let reason = reader.text()
            if let keyID = reader.optionalInteger() {
                let bytes = try opened(
                    reader.blob(), by: keyID, at: Self.place(ofVersion: revision, row))
                texts = String(decoding: bytes, as: UTF8.self)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
            guard texts.count == 2, let quantities = try? RecordColumns.quantities(texts[0]),
                let flags = RecordColumns.strings(texts[1])
            else {
                throw .failed(
                    SpoolFault(path: path, text: "row \(row.number): unreadable version"))
            }
            return RecordVersion(
                revision: revision, quantities: quantities, flags: flags, dataInputCode: code,
                since: since, until: until, actor: actor, reason: reason)
        }
    }

    /// Seals what a record was before under the key of its owner of now.
    func resealVersions(of row: RowID, for owner: String?, at now: Instant) throws(SpoolError) {
        let versions = try versions(of: row)
        guard !versions.isEmpty else { return }
        try run(.deleteVersions, [.row(row)])
        for version in versions { try save(version, row, of: owner, at: now) }
    }

    private static func place(ofVersion revision: Int, _ row: RowID) -> String {
        "version \(row.number) \(revision)"
    }

    /// Puts a new version where its record stood; returns the destinations that had a former one.
    ///
    /// What is in a batch stays there: its receiver may be answering at this moment.
    fileprivate func sendVersion(
        _ row: RowID, _ found: StoredRecord, _ destinations: [EntryDestination], at now: Instant
    ) throws(SpoolError) -> [String] {
        let had = try all(.destinationsThatHave, [.row(row)]) { reader throws(SpoolError) in
            reader.text()
        }
        // Nobody's records wait for an owner as they are.
        guard found.participant != nil else { return had }
        try run(.deleteDeadLetters, [.row(row)])
        let known = try deliveries(of: row).map(\.destination)
        for destination in destinations where known.contains(destination.name) {
            let (state, reason): (DeliveryState, String?) =
                switch destination.state {
                case .waiting: (.waiting, nil)
                case .held(let reason): (.held, reason)
                case .noTable: (.noTable, nil)
                }
            try run(
                .sendVersion,
                [
                    .row(row), .text(destination.name), .text(state.rawValue), .text(reason),
                    .instant(now),
                ])
        }
        try Appender(connection: self, now: now).insertDeliveries(
            destinations.filter { !known.contains($0.name) }, row,
            observed: found.record.time?.observed, since: now, obstacle: nil)
        return had
    }
}

extension SQL {
    static let editRecord = SQL(
        """
        UPDATE record SET quantities = ?2, flags = ?3, updated_at = ?4, data_input_code = '2',
        sealed_by = ?5, sealed = ?6, revision = revision + 1 WHERE id = ?1
        """)
    static let insertVersion = SQL(
        """
        INSERT INTO record_version(record_id, revision, quantities, flags, data_input_code, since,
        until, actor, reason, sealed_by, sealed) VALUES(?,?,?,?,?,?,?,?,?,?,?)
        """)
    static let versionsOf = SQL(
        """
        SELECT revision, quantities, flags, data_input_code, since, until, actor, reason,
        sealed_by, sealed FROM record_version WHERE record_id = ? ORDER BY revision
        """)
    static let countVersions = SQL("SELECT COUNT(*) FROM record_version WHERE record_id = ?")
    static let deleteVersions = SQL("DELETE FROM record_version WHERE record_id = ?")
    static let sendVersion = SQL(
        """
        UPDATE delivery SET state = ?3, reason = ?4,
        waiting_since = CASE WHEN state = 'waiting' THEN waiting_since ELSE ?5 END
        WHERE record_id = ?1 AND destination = ?2 AND batch_id IS NULL
        """)
    static let withdrawRecord = SQL(
        """
        UPDATE record SET discarded_at = ?2, discard_reason = ?3
        WHERE id = ?1 AND quarantine IS NULL AND discarded_at IS NULL
        """)
    /// What is in a batch is held when its answer is there, or at the next try.
    static let holdWithdrawn = SQL(
        """
        UPDATE delivery SET state = 'held', reason = 'withdrawn'
        WHERE record_id = ? AND state <> 'delivered' AND batch_id IS NULL
        """)
    static let destinationsThatHave = SQL(
        """
        SELECT destination FROM delivery WHERE record_id = ? AND delivered_at IS NOT NULL
        ORDER BY destination
        """)
    static let recordOfPerson = SQL(
        """
        SELECT record_key FROM record WHERE participant = ? AND kind = ? AND device_id = ?
        AND quarantine IS NULL AND discarded_at IS NULL AND observed_at >= ? AND observed_at < ?
        LIMIT 1
        """)
    static let withdrawnFromBatch = SQL(
        """
        SELECT d.record_id FROM delivery d JOIN record r ON r.id = d.record_id
        WHERE d.batch_id = ? AND r.discarded_at IS NOT NULL
        """)
}
