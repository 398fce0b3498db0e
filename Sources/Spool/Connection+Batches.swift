import Crypto
import Measurement

extension Connection {
    func rows(
        _ sql: SQL, _ destination: String, _ limit: Int
    ) throws(SpoolError) -> [RowID] {
        try all(sql, [.text(destination), .integer(limit)]) { row throws(SpoolError) in row.row() }
    }

    /// A record for sending, or what is wrong with its row.
    func outboxItem(
        _ row: RowID, at destination: String
    ) throws(SpoolError) -> (item: OutboxItem?, fault: String?) {
        var (item, fault) = try outboxItem(row)
        let delivery = try first(.deliveryRound, [.row(row), .text(destination)]) {
            reader throws(SpoolError) in (round: reader.count(), held: reader.optionalInstant())
        }
        item?.round = delivery?.round ?? 0
        item?.heldUpdate = delivery?.held
        return (item, fault)
    }

    private func outboxItem(
        _ row: RowID
    ) throws(SpoolError) -> (item: OutboxItem?, fault: String?) {
        let found = try first(.record, [.row(row)]) {
            reader throws(SpoolError) -> (item: OutboxItem?, fault: String?) in
            let id = reader.row()
            do throws(UnreadableColumn) {
                let stored = try StoredRecord(storedAt: id, &reader, self)
                guard let participant = stored.participant else { return (nil, "unassigned") }
                guard stored.discarded == nil else { return (nil, "withdrawn") }
                let item = OutboxItem(
                    rowID: id, record: stored.record, participant: participant,
                    storedAt: stored.storedAt, revision: stored.revision,
                    updatedAt: stored.updatedAt)
                return (item, nil)
            } catch {
                return (nil, "unreadable: \(error.column)")
            }
        }
        return found ?? (nil, "unreadable: record")
    }

    /// The records that can be sent, in the order of the rows.
    func outboxItems(
        _ rows: [RowID], at destination: String
    ) throws(SpoolError) -> [OutboxItem] {
        var items: [OutboxItem] = []
        for row in rows {
            if let item = try outboxItem(row, at: destination).item { items.append(item) }
        }
        return items
    }

    func hold(_ row: RowID, _ destination: String, _ reason: String) throws(SpoolError) {
        try run(.holdDelivery, [.text(reason), .row(row), .text(destination)])
        try count("records_held", by: 1)
    }

    /// The first open batch; `isWhole` is false when one of its records cannot be sent as it was.
    ///
    /// The key stands for all of the records: without one of them it would be another batch.
    func openBatch(
        _ destination: String
    ) throws(SpoolError) -> (batch: Batch, isWhole: Bool)? {
        let head = try first(.openBatch, [.text(destination)]) { row throws(SpoolError) in
            (id: row.integer(), key: row.text(), formedAt: row.instant())
        }
        guard let head else { return nil }
        let rows = try all(.batchMembers, [.integer(head.id)]) { row throws(SpoolError) in
            row.row()
        }
        let items = try outboxItems(rows, at: destination)
        let batch = Batch(
            id: head.id, destination: destination, idempotencyKey: head.key,
            formedAt: head.formedAt, items: items)
        let isWhole =
            !items.isEmpty && items.count == rows.count
            && Self.idempotencyKey(destination, items) == head.key
        return (batch, isWhole)
    }

    func dissolve(batch id: Int64) throws(SpoolError) {
        try run(.emptyBatch, [.integer(id)])
        try run(.deleteBatch, [.integer(id)])
    }

    /// Positions go on counting through halves of halves, so their order is that of the records.
    func insertBatch(
        _ items: [OutboxItem], _ destination: String, firstPosition: Int, at now: Instant
    ) throws(SpoolError) -> Batch {
        let key = Self.idempotencyKey(destination, items)
        try run(
            .insertBatch,
            [.text(destination), .text(key), .integer(firstPosition), .instant(now)])
        let id = database.lastRowID
        for (offset, item) in items.enumerated() {
            let values: [SQLValue] = [
                .integer(id), .integer(firstPosition + offset), .row(item.rowID),
                .text(destination),
            ]
            guard try run(.putIntoBatch, values) == 1 else {
                throw .refused("row \(item.rowID.number) does not wait for \(destination)")
            }
        }
        return Batch(
            id: id, destination: destination, idempotencyKey: key, formedAt: now, items: items)
    }

    func destination(ofBatch id: Int64) throws(SpoolError) -> String {
        let name = try first(.batchDestination, [.integer(id)]) { row throws(SpoolError) in
            row.text()
        }
        guard let name else { throw .refused("batch \(id) is not open") }
        return name
    }

    /// Marks one record of a batch; false when the batch does not hold it.
    func settle(
        _ result: RecordResult, _ batch: Int64, _ destination: String, _ now: Instant
    ) throws(SpoolError) -> Bool {
        let member: [SQLValue] = [.row(result.rowID), .integer(batch)]
        if !result.outcome.isArrival, try run(.leaveBatch, member) == 1 { return true }
        switch result.outcome {
        case .accepted:
            return try run(.markDelivered, [.null, .instant(now)] + member) == 1
        case .duplicate:
            return try run(.markDelivered, ["duplicate", .instant(now)] + member) == 1
        case .rejected(let reason, let answer):
            guard try run(.markDead, member) == 1 else { return false }
            try keep(answer, reason, of: result.rowID, destination, now)
            return true
        case .held(let reason):
            return try run(.markHeld, [.text(reason)] + member) == 1
        case .noTable:
            return try run(.markNoTable, member) == 1
        case .retry:
            return true
        }
    }

    /// The same records in the same order for the same persons always give the same key.
    ///
    /// A record that has changed since, or that a person sends again, is another one; those that
    /// are as they were stored give the same key as in versions that knew no revisions.
    private static func idempotencyKey(_ destination: String, _ items: [OutboxItem]) -> String {
        var text = "batch 1\n\(destination)\n"
        for item in items {
            let isFirst = item.revision == 1 && item.round == 0
            let revision = isFirst ? "" : " r\(item.revision).\(item.round)"
            text += "\(item.record.key) \(item.participant)\(revision)\n"
        }
        return String(hexadecimal(SHA256.digest(Array(text.utf8))).prefix(32))
    }
}

extension RecordResult.Outcome {
    /// The receiver has it.
    fileprivate var isArrival: Bool {
        switch self {
        case .accepted, .duplicate: true
        case .rejected, .held, .noTable, .retry: false
        }
    }
}
