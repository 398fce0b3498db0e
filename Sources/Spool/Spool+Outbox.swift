package import Measurement

extension Spool {
    /// The records that wait for a destination, oldest observation first (so per device too).
    package func due(_ destination: String, limit: Int) throws(SpoolError) -> [OutboxItem] {
        try reading { connection throws(SpoolError) in
            try connection.outboxItems(
                try connection.rows(.dueWithBatches, destination, limit), at: destination)
        }
    }

    /// The batch that is under way at a destination: the same one, with the same key, until resolved.
    package func openBatch(_ destination: String) throws(SpoolError) -> Batch? {
        try reading { connection throws(SpoolError) in
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
        try writing { connection throws(SpoolError) in
            while let open = try connection.openBatch(destination) {
                if open.isWhole { return open.batch }
                try connection.dissolve(batch: open.batch.id)
            }
            var items: [OutboxItem] = []
            // A row that cannot be read is held, so that it does not stop those behind it.
            while items.isEmpty {
                let rows = try connection.rows(.due, destination, Swift.max(1, max))
                if rows.isEmpty { return nil }
                for row in rows {
                    let (item, fault) = try connection.outboxItem(row, at: destination)
                    if let item { items.append(item) }
                    if let fault { try connection.hold(row, destination, fault) }
                }
            }
            return try connection.insertBatch(items, destination, firstPosition: 0, at: now)
        }
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
    package func resolve(
        batch id: Int64, _ results: [RecordResult], at now: Instant
    ) throws(SpoolError) {
        let final = results.filter { $0.outcome != .retry }
        guard !final.isEmpty else { return }
        try writing { connection throws(SpoolError) in
            let destination = try connection.destination(ofBatch: id)
            try connection.noteDelivery(final, batch: id, destination, at: now)
            var delivered = 0
            var dead = 0
            var held = 0
            for result in final {
                let isMember = try connection.settle(result, id, destination, now)
                guard isMember else {
                    throw .refused("row \(result.rowID.number) is not in batch \(id)")
                }
                switch result.outcome {
                case .accepted, .duplicate: delivered += 1
                case .rejected: dead += 1
                case .held: held += 1
                case .noTable, .retry: break
                }
            }
            try connection.dissolve(batch: id)
            try connection.count("records_dead_lettered", by: dead)
            try connection.count("records_held", by: held)
            try connection.count("records_without_table", by: final.count - delivered - dead - held)
            guard delivered > 0 else { return }
            try connection.run(
                .noteDelivered, [.text(destination), .instant(now), .integer(delivered)])
        }
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
