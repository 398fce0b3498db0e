import Crypto
import Measurement

extension Connection {
    /// Records for sending in the order of the statement, or what is wrong with a row.
    func outboxItems(
        _ sql: SQL, _ values: [SQLValue]
    ) throws(SpoolError) -> [FoundItem] {
        try all(sql, values) { reader throws(SpoolError) in
            let delivery = reader.integer()
            let round = reader.count()
            let held = reader.optionalInstant()
            let setting = reader.optionalText()
            let testLabID = reader.optionalText()
            let methodCode = reader.optionalText()
            let id = reader.row()
            do throws(UnreadableColumn) {
                let stored = try StoredRecord(storedAt: id, &reader, self)
                guard let participant = stored.participant else { return (id, nil, "unassigned") }
                guard stored.discarded == nil else { return (id, nil, "withdrawn") }
                let item = OutboxItem(
                    rowID: id, delivery: delivery, record: stored.record, participant: participant,
                    storedAt: stored.storedAt, revision: stored.revision,
                    updatedAt: stored.updatedAt, round: round, heldUpdate: held,
                    setting: setting, testLabID: testLabID, methodCode: methodCode)
                return (id, item, "")
            } catch {
                return (id, nil, "unreadable: \(error.column)")
            }
        }
    }

    /// The batch under way, or a new one of the oldest records that wait.
    func formBatch(
        _ destination: String, max: Int, at now: Instant
    ) throws(SpoolError) -> Batch? {
        if let open = try openBatch(destination) {
            if open.isWhole { return open.batch }
            try dissolve(batch: open.batch.id)
        }
        return try newBatch(destination, firstPosition: 0, max: max, at: now)
    }

    /// A batch of the oldest records that wait, where no other one is open.
    func formOnly(
        _ destination: String, max: Int, at now: Instant
    ) throws(SpoolError) -> Batch? {
        let open = try first(.openBatch, [.text(destination), .integer(Int64(0))]) {
            row throws(SpoolError) in row.integer()
        }
        guard open == nil else { return nil }
        return try newBatch(destination, firstPosition: 0, max: max, at: now)
    }

    /// The batch that goes after the first one of a destination, or a new one of what waits still.
    ///
    /// Its positions go on from those of the first, so that it stays behind the halves of that one.
    ///
    /// - Parameter last: a record that all that waits is known to come after.
    /// - Returns: the batch, and whether it is new: then all that waits still comes after it.
    func formBatch(
        behind first: Int64, _ destination: String, after last: OutboxItem? = nil, max: Int,
        at now: Instant
    ) throws(SpoolError) -> (batch: Batch, isNew: Bool)? {
        if let open = try openBatch(destination, behind: first) {
            return open.isWhole ? (open.batch, false) : nil
        }
        let position = try integer(.nextPosition, [.integer(first)])
        let batch = try newBatch(
            destination, firstPosition: Int(position), after: last, max: max, at: now)
        return batch.map { ($0, true) }
    }

    private func newBatch(
        _ destination: String, firstPosition: Int, after last: OutboxItem? = nil, max: Int,
        at now: Instant
    ) throws(SpoolError) -> Batch? {
        let limit = SQLValue.integer(Swift.max(1, max))
        var items: [OutboxItem] = []
        // A row that cannot be read is held, so that it does not stop those behind it.
        while items.isEmpty {
            let found =
                if let last, let observed = last.record.time?.observed {
                    try outboxItems(
                        .dueItemsAfter,
                        [.text(destination), .instant(observed), .row(last.rowID), limit])
                } else {
                    try outboxItems(.dueItems, [.text(destination), limit])
                }
            if found.isEmpty { return nil }
            for (row, item, fault) in found {
                guard let item else {
                    try hold(row, destination, fault)
                    continue
                }
                items.append(item)
            }
        }
        return try insertBatch(items, destination, firstPosition: firstPosition, at: now)
    }

    func hold(_ row: RowID, _ destination: String, _ reason: String) throws(SpoolError) {
        try run(.holdDelivery, [.text(reason), .row(row), .text(destination)])
        try count("records_held", by: 1)
    }

    /// The first open batch; `isWhole` is false when one of its records cannot be sent as it was.
    ///
    /// The key stands for all of the records: without one of them it would be another batch.
    ///
    /// - Parameter first: where given, the first one but for that.
    func openBatch(
        _ destination: String, behind first: Int64 = 0
    ) throws(SpoolError) -> (batch: Batch, isWhole: Bool)? {
        let head = try self.first(.openBatch, [.text(destination), .integer(first)]) {
            row throws(SpoolError) in
            (id: row.integer(), key: row.text(), formedAt: row.instant())
        }
        guard let head else { return nil }
        let found = try outboxItems(.batchItems, [.integer(head.id)])
        let items = found.compactMap(\.item)
        let batch = Batch(
            id: head.id, destination: destination, idempotencyKey: head.key,
            formedAt: head.formedAt, items: items)
        let isWhole =
            !items.isEmpty && items.count == found.count
            && Self.idempotencyKey(destination, items) == head.key
        return (batch, isWhole)
    }

    /// Sets the records of a batch free, and those of the batches behind it, which must not go before
    /// them.
    func dissolve(batch id: Int64) throws(SpoolError) {
        for batch in try batchesFrom(id) { try empty(batch: batch) }
    }

    /// A batch and those behind it at its destination.
    private func batchesFrom(_ id: Int64) throws(SpoolError) -> [Int64] {
        try all(.batchesFrom, [.integer(id)]) { row throws(SpoolError) in row.integer() }
    }

    /// Sets the records of this batch alone free; says how many there were.
    @discardableResult
    func empty(batch id: Int64) throws(SpoolError) -> Int {
        let freed = try run(.emptyBatch, [.integer(id)])
        try run(.deleteBatch, [.integer(id)])
        return freed
    }

    /// - Parameter items: as they are in the store now.
    ///
    /// Positions go on counting through halves of halves, so their order is that of the records.
    func insertBatch(
        _ items: [OutboxItem], _ destination: String, firstPosition: Int, at now: Instant
    ) throws(SpoolError) -> Batch {
        let key = Self.idempotencyKey(destination, items)
        try run(
            .insertBatch,
            [.text(destination), .text(key), .integer(firstPosition), .instant(now)])
        let id = database.lastRowID
        let stranger = try runEach(.putIntoBatch, items.count) { index in
            [
                id, Int64(firstPosition + index), Int64(items[index].revision),
                (items[index].updatedAt ?? items[index].storedAt).microseconds,
                items[index].delivery,
            ]
        }
        if let stranger {
            throw .refused(
                "row \(items[stranger].rowID.number) does not wait for \(destination)")
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

    /// Marks the records of a batch with the receiver's word and ends the batch.
    ///
    /// - Parameter unchanged: the batch, where all of it was accepted as it is.
    func resolve(
        batch id: Int64, _ destination: String, _ final: [RecordResult], _ unchanged: Batch?,
        at now: Instant
    ) throws(SpoolError) {
        if let unchanged, try hasOneDestination() { return try deliver(unchanged, at: now) }
        try noteDelivery(final, batch: id, destination, at: now)
        if try settleAll(final, id, at: now) {
            try run(.deleteBatch, [.integer(id)])
            try run(.noteDelivered, [.text(destination), .instant(now), .integer(final.count)])
            return
        }
        var delivered = 0
        var dead = 0
        var held = 0
        for result in final {
            guard try settle(result, id, destination, now) else {
                throw .refused("row \(result.rowID.number) is not in batch \(id)")
            }
            switch result.outcome {
            case .accepted, .duplicate: delivered += 1
            case .rejected: dead += 1
            case .held: held += 1
            case .noTable, .retry: break
            }
        }
        // What waits on goes before the batches behind this one.
        let batches = try batchesFrom(id)
        if try empty(batch: id) > 0 { for batch in batches.dropFirst() { try empty(batch: batch) } }
        try count("records_dead_lettered", by: dead)
        try count("records_held", by: held)
        try count("records_without_table", by: final.count - delivered - dead - held)
        guard delivered > 0 else { return }
        try run(.noteDelivered, [.text(destination), .instant(now), .integer(delivered)])
    }

    /// Marks a whole batch at once where the receiver took all of it; false where it did not.
    private func settleAll(
        _ final: [RecordResult], _ batch: Int64, at now: Instant
    ) throws(SpoolError) -> Bool {
        guard final.allSatisfy({ $0.outcome == .accepted }) else { return false }
        let members = try all(.batchMembers, [.integer(batch)]) { row throws(SpoolError) in
            row.row()
        }
        guard members == final.map(\.rowID) else { return false }
        return try run(.markBatchDelivered, [.instant(now), .integer(batch)]) == members.count
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
        case .rejected(let reason, let answer, let document):
            guard try run(.markDead, member) == 1 else { return false }
            let refusal = Refusal(reason: reason, answer: answer, document: document)
            try keep(refusal, of: result.rowID, destination, now)
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
            text += item.record.key.hex
            text += " "
            text += item.participant
            if item.revision != 1 || item.round != 0 { text += " r\(item.revision).\(item.round)" }
            text += "\n"
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

extension SQL {
    /// What `outboxItems` reads of a delivery, before the columns of its record.
    private static let item =
        "SELECT d.id, d.round, d.held_update, c.setting, c.test_lab_id, c.method_code, \(storedColumns) "
        + "FROM delivery d JOIN record ON record.id = d.record_id "
        + "LEFT JOIN record_context c ON c.record_id = d.record_id "
    static let dueItems = SQL(
        item + """
            WHERE d.destination = ? AND d.state = 'waiting' AND d.batch_id IS NULL
            ORDER BY d.observed_at, d.record_id LIMIT ?
            """)
    /// The same without looking at those that are under way already, which are the oldest.
    static let dueItemsAfter = SQL(
        item + """
            WHERE d.destination = ? AND d.state = 'waiting' AND d.batch_id IS NULL
            AND (d.observed_at, d.record_id) > (?, ?)
            ORDER BY d.observed_at, d.record_id LIMIT ?
            """)
    static let batchItems = SQL(item + "WHERE d.batch_id = ? ORDER BY d.batch_position")
    static let waitingItems = SQL(
        item + """
            WHERE d.destination = ? AND d.state = 'waiting'
            ORDER BY d.observed_at, d.record_id LIMIT ?
            """)
}
