package import Measurement

extension Spool {
    /// The records that wait for a destination, oldest observation first (so per device too).
    package func due(_ destination: String, limit: Int) throws(SpoolError) -> [OutboxItem] {
        try reading { connection throws(SpoolError) in
            try connection.outboxItems(.waitingItems, [.text(destination), .integer(limit)])
                .compactMap(\.item)
        }
    }

    /// The batch that is under way at a destination: the same one, with the same key, until resolved.
    package func openBatch(_ destination: String) throws(SpoolError) -> Batch? {
        // What the last transaction formed needs no reading, as long as it is the last one.
        if let formed, formed.write == writes, formed.batch.destination == destination {
            return formed.batch
        }
        return try reading { connection throws(SpoolError) in
            guard let open = try connection.openBatch(destination), open.isWhole else { return nil }
            return open.batch
        }
    }

    /// The batch under way, or a new one of the oldest records that wait; nil when none do.
    ///
    /// - Parameter max: how many records a new one may hold.
    package func formBatch(
        _ destination: String, max: Int, at now: Instant
    ) throws(SpoolError) -> Batch? {
        let batch = try writing { connection throws(SpoolError) in
            try connection.formBatch(destination, max: max, at: now)
        }
        formed = batch.map { FormedBatch(batch: $0, write: writes) }
        return batch
    }

    /// Writes down the receiver's word on each record of a batch.
    ///
    /// Records without a result wait on like `retry`. While some of a batch are resolved, the rest
    /// becomes free for the next batch; when all wait on, the batch stays as it is, key and all.
    package func resolve(
        _ batch: Batch, _ results: [RecordResult], at now: Instant
    ) throws(SpoolError) {
        try resolve(batch: batch.id, results, at: now)
    }

    /// The same by the batch's number.
    ///
    /// - Parameter maximum: where given, the next batch is formed in the same transaction.
    package func resolve(
        batch id: Int64, _ results: [RecordResult], at now: Instant, next maximum: Int? = nil
    ) throws(SpoolError) {
        let final = results.filter { $0.outcome != .retry }
        guard !final.isEmpty else { return }
        let next = try writing { connection throws(SpoolError) -> Batch? in
            let destination = try connection.destination(ofBatch: id)
            try connection.resolve(batch: id, destination, final, at: now)
            guard let maximum else { return nil }
            return try connection.formBatch(destination, max: maximum, at: now)
        }
        formed = next.map { FormedBatch(batch: $0, write: writes) }
    }

    /// Divides the batch under way with this number; nothing happens when it is not any more.
    package func split(batch id: Int64) throws(SpoolError) {
        let open = try reading { connection throws(SpoolError) in
            try connection.openBatch(try connection.destination(ofBatch: id))?.batch
        }
        guard let open, open.id == id else { return }
        try split(open)
    }

    /// Divides a batch into two halves, each with a key of its own; the first half goes first.
    ///
    /// A batch of one record cannot be divided.
    package func split(_ batch: Batch) throws(SpoolError) {
        guard batch.items.count > 1 else {
            throw .refused("batch \(batch.id) holds one record and cannot be divided")
        }
        try writing { connection throws(SpoolError) in
            let destination = try connection.destination(ofBatch: batch.id)
            let positions = try connection.all(.batchMembers, [.integer(batch.id)]) {
                row throws(SpoolError) in
                _ = row.row()
                return row.count()
            }
            try connection.dissolve(batch: batch.id)
            let middle = (batch.items.count + 1) / 2
            let first = positions.first ?? 0
            for (part, position) in [
                (batch.items[..<middle], first), (batch.items[middle...], first + middle),
            ] {
                _ = try connection.insertBatch(
                    Array(part), destination, firstPosition: position, at: batch.formedAt)
            }
        }
    }
}

/// A batch as a transaction left it.
struct FormedBatch {
    var batch: Batch
    /// The number of that transaction.
    var write: Int
}
