import JSON
import Measurement

extension Connection {
    /// Whether all records go to one place: then none has a second delivery.
    func hasOneDestination() throws(SpoolError) -> Bool { try integer(.destinationCount) == 1 }

    /// Marks all of a batch that has not changed since it was formed, and counts it at once.
    ///
    /// Only where all records go to one place.
    func deliver(_ batch: Batch, at now: Instant) throws(SpoolError) {
        try noteDelivery(
            ["accepted": batch.items.map(\.record.key.hex)], batch.idempotencyKey,
            batch.destination, at: now)
        let marked = try run(.markFormedDelivered, [.instant(now), .integer(batch.id)])
        guard marked == batch.items.count else {
            throw .refused("batch \(batch.id) has \(marked) of \(batch.items.count) records")
        }
        try run(.tallyDelivered, [.text(batch.destination), .integer(marked)])
        try run(.tallyNotWaiting, [.text(batch.destination), .integer(marked)])
        try run(.deleteBatch, [.integer(batch.id)])
        try run(.noteDelivered, [.text(batch.destination), .instant(now), .integer(marked)])
    }

    /// One line for an answer: when, to whom, which keys, and what the receiver said of each.
    func noteDelivery(
        _ results: [RecordResult], batch: Int64, _ destination: String, at now: Instant
    ) throws(SpoolError) {
        var keyOf: [RowID: String] = [:]
        _ = try all(.keysOfBatch, [.integer(batch)]) { row throws(SpoolError) in
            keyOf[row.row()] = row.text()
        }
        var keys: [String: [String]] = [:]
        for result in results {
            guard let word = result.outcome.word, let key = keyOf[result.rowID] else { continue }
            keys[word, default: []].append(key)
        }
        guard !keys.isEmpty else { return }
        let idempotency = try first(.batchKey, [.integer(batch)]) { row throws(SpoolError) in
            row.text()
        }
        try noteDelivery(keys, idempotency ?? "", destination, at: now)
    }

    private func noteDelivery(
        _ outcomes: [String: [String]], _ idempotency: String, _ destination: String,
        at now: Instant
    ) throws(SpoolError) {
        try note(
            LedgerNote(.delivery, on: destination) { writer in
                writer.member("idempotency_key", idempotency)
                for (word, keys) in outcomes.sorted(by: { $0.key < $1.key }) {
                    writer.member(word, strings: keys)
                }
            }, at: now)
    }
}

extension RecordResult.Outcome {
    /// How the ledger calls it; nil for what is no answer of the receiver.
    fileprivate var word: String? {
        switch self {
        case .accepted: "accepted"
        case .duplicate: "duplicate"
        case .rejected: "rejected"
        case .held: "held"
        case .noTable, .retry: nil
        }
    }
}

extension SQL {
    static let keyOfRecord = SQL("SELECT record_key FROM record WHERE id = ?")
    static let keysOfBatch = SQL(
        """
        SELECT record_id, record_key FROM delivery JOIN record ON record.id = record_id
        WHERE batch_id = ?
        """)
    /// Nothing was changed or taken back since: what was sent is what there is.
    static let markFormedDelivered = SQL(
        """
        UPDATE delivery SET state = 'delivered', reason = NULL, delivered_at = ?,
        batch_id = NULL, batch_position = -1, held_update = batch_update WHERE batch_id = ?
        """)
    static let destinationCount = SQL(
        "SELECT COUNT(DISTINCT destination) FROM tally WHERE destination <> ''")
    static let tallyDelivered = SQL(
        """
        INSERT INTO tally(destination, name, number) VALUES(?1, 'delivered', ?2)
        ON CONFLICT(destination, name) DO UPDATE SET number = number + ?2
        """)
    static let tallyNotWaiting = SQL(
        "UPDATE tally SET number = number - ?2 WHERE destination = ?1 AND name = 'waiting'")
    static let batchKey = SQL("SELECT idempotency_key FROM batch WHERE id = ?")
}
