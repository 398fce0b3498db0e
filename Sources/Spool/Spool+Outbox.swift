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
        if let first = outlook.batches(destination).first { return first }
        return try await storedBatch(destination)
    }

    private func storedBatch(_ destination: String) throws(SpoolError) -> Batch? {
        let open = try reading { connection throws(SpoolError) in
            try connection.openBatch(destination)
        }
        guard let open, open.isWhole else { return nil }
        outlook.set([open.batch], at: destination)
        return open.batch
    }

    /// Whether a batch is in the store just as it was given out.
    package nonisolated func stands(batch id: Int64) -> Bool { outlook.batch(id) != nil }

    /// The batch under way, or a new one of the oldest records that wait; nil when none do.
    ///
    /// - Parameter max: how many records a new one may hold.
    package func formBatch(
        _ destination: String, max: Int, at now: Instant
    ) throws(SpoolError) -> Batch? {
        let batch = try writing(batchesOf: destination) { connection throws(SpoolError) in
            try connection.formBatch(destination, max: max, at: now)
        }
        outlook.set(batch.map { [$0] } ?? [], at: destination)
        return batch
    }

    /// The batch that goes after the one under way, formed while that one travels.
    ///
    /// It must not leave before all of the first has arrived: then what waits on goes before it.
    ///
    /// - Parameter max: how many records a new one may hold.
    /// - Returns: nil when no more wait, and when the first one is not as it was given out.
    package func formFollower(
        of first: Int64, _ destination: String, max: Int, at now: Instant
    ) throws(SpoolError) -> Batch? {
        let known = outlook.batches(destination)
        guard let head = known.first, head.id == first else { return nil }
        if known.count > 1 { return known[1] }
        let follower = try writing(batchesOf: destination, keeping: [head]) {
            connection throws(SpoolError) in
            try connection.formBatch(behind: first, destination, max: max, at: now)
        }
        guard let follower else {
            outlook.set([head], at: destination)
            return nil
        }
        outlook.set([head, follower.batch], at: destination, isLatest: follower.isNew)
        return follower.batch
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
        let destination = try self.destination(ofBatch: id)
        let unchanged = unchanged(id, final)
        let next = try writing(batchesOf: destination) { connection throws(SpoolError) -> Batch? in
            try connection.resolve(batch: id, destination, final, unchanged, at: now)
            guard let maximum else { return nil }
            return try connection.formBatch(destination, max: maximum, at: now)
        }
        outlook.set(next.map { [$0] } ?? [], at: destination)
    }

    /// Writes down that all of a batch has arrived, while the one behind it may travel already, and forms
    /// another one in the same transaction.
    ///
    /// - Parameter maximum: how many records the new batch may hold.
    /// - Returns: the batch behind the one that may travel, with the number of that; where there is none
    ///   such, the next one.
    package func settle(
        batch id: Int64, _ results: [RecordResult], at now: Instant, next maximum: Int
    ) throws(SpoolError) -> (batch: Batch, behind: Int64?)? {
        let destination = try self.destination(ofBatch: id)
        let unchanged = unchanged(id, results)
        let follower = unchanged == nil ? nil : outlook.batches(destination).first { $0.id != id }
        let latest = follower == nil ? nil : outlook.latest(destination)
        let kept = follower.map { [$0] } ?? []
        let next = try writing(batchesOf: destination, keeping: kept) {
            connection throws(SpoolError) -> (batch: Batch, isNew: Bool)? in
            try connection.resolve(batch: id, destination, results, unchanged, at: now)
            guard let follower else {
                // One that is open may be travelling, whatever has become of its records since.
                return try connection.formOnly(destination, max: maximum, at: now)
                    .map { ($0, false) }
            }
            return try connection.formBatch(
                behind: follower.id, destination, after: latest, max: maximum, at: now)
        }
        outlook.set(
            kept + (next.map { [$0.batch] } ?? []), at: destination, isLatest: next?.isNew == true)
        return next.map { ($0.batch, follower?.id) }
    }

    private func destination(ofBatch id: Int64) throws(SpoolError) -> String {
        if let known = outlook.batch(id) { return known.destination }
        return try reading { connection throws(SpoolError) in
            try connection.destination(ofBatch: id)
        }
    }

    /// The batch where all of it was accepted as it was sent.
    private func unchanged(_ id: Int64, _ final: [RecordResult]) -> Batch? {
        guard let known = outlook.batch(id), final.allSatisfy({ $0.outcome == .accepted }),
            final.map(\.rowID) == known.items.map(\.rowID)
        else { return nil }
        return known
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
            try connection.empty(batch: id)
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
