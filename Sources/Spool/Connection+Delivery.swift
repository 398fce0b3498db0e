import JSON
import Measurement

extension Connection {
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
        let outcomes = keys
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
    static let batchKey = SQL("SELECT idempotency_key FROM batch WHERE id = ?")
}
