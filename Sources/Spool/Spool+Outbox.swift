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
    package nonisolated func openBatch(_ destination: String) async throws(SpoolError) -> Batch? {
        // What the last transaction formed needs no reading, as long as it is the last one.
        if let formed = outlook.batch, formed.destination == destination { return formed }
        return try await storedBatch(destination)
    }

    private func storedBatch(_ destination: String) throws(SpoolError) -> Batch? {
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
        let batch = try writing { connection throws(SpoolError) in
            try connection.formBatch(destination, max: max, at: now)
        }
        outlook.formed(batch)
        return batch
    }

    /// Reads what will make the batch after the one that the last transaction formed.
    ///
    /// Done while that one travels; a transaction before it is resolved makes it worthless.
    ///
    /// - Parameter max: how many records that one may hold.
    package func readAhead(_ destination: String, max: Int) throws(SpoolError) {
        guard let batch = outlook.batch, batch.destination == destination else { return }
        let items = try reading { connection throws(SpoolError) in
            try connection.outboxItems(.dueItems, [.text(destination), .integer(max)])
        }
        outlook.read(ReadAhead(behind: batch.id, max: max, items: items))
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
        let unchanged = outlook.batch.flatMap { $0.id == id ? $0 : nil }
        let isWhole = final.map(\.rowID) == unchanged?.items.map(\.rowID)
        // Those that wait on are older than what was read.
        let ahead = isWhole ? outlook.ahead(behind: id, max: maximum) : nil
        let next = try writing { connection throws(SpoolError) -> Batch? in
            let destination = try connection.destination(ofBatch: id)
            if let unchanged, isWhole, final.allSatisfy({ $0.outcome == .accepted }),
                try connection.hasOneDestination()
            {
                try connection.deliver(unchanged, at: now)
            } else {
                try connection.resolve(batch: id, destination, final, at: now)
            }
            guard let maximum else { return nil }
            return try connection.formBatch(destination, max: maximum, ahead: ahead, at: now)
        }
        outlook.formed(next)
    }

    /// Divides the batch under way with this number; nothing happens when it is not any more.
    ///
    /// The halves have keys of their own; the first goes first. A batch of one record cannot be divided.
    package func split(batch id: Int64) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            let destination = try connection.destination(ofBatch: id)
            guard let batch = try connection.openBatch(destination)?.batch, batch.id == id else {
                return
            }
            guard batch.items.count > 1 else {
                throw .refused("batch \(batch.id) holds one record and cannot be divided")
            }
            let positions = try connection.all(.batchMembers, [.integer(id)]) {
                row throws(SpoolError) in
                _ = row.row()
                return row.count()
            }
            try connection.dissolve(batch: id)
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
