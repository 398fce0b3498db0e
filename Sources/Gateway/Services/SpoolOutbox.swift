import Measurement
import Spool
import Uplink

/// The store, as the uplink sees it.
struct SpoolOutbox: OutboxStore {
    let spool: Spool
    let latencies: Latencies

    func openBatch(_ destination: String) async throws -> OutboxBatch? {
        let batch = try await spool.openBatch(destination).map(outboxBatch)
        if let batch { await latencies.left(batch.id, for: destination) }
        return batch
    }

    func formBatch(
        _ destination: String, maximum: Int, at now: Instant
    ) async throws -> OutboxBatch? {
        let batch = try await spool.formBatch(destination, max: maximum, at: now)
            .map(outboxBatch)
        if let batch { await latencies.left(batch.id, for: destination) }
        return batch
    }

    func resolve(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws {
        try await spool.resolve(
            batch: batch.id, results.map(\.recordResult), at: now, next: maximum)
        await noteArrival(batch, results, at: now)
    }

    func formFollower(
        of batch: OutboxBatch, _ destination: String, maximum: Int, at now: Instant
    ) async throws -> FormedBatch? {
        try await spool.formFollower(of: batch.id, destination, max: maximum, at: now)
            .map { FormedBatch(outboxBatch($0), behind: batch.id) }
    }

    func settle(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws -> FormedBatch? {
        let next = try await spool.settle(
            batch: batch.id, results.map(\.recordResult), at: now, next: maximum)
        await noteArrival(batch, results, at: now)
        return next.map { FormedBatch(outboxBatch($0.batch), behind: $0.behind) }
    }

    func leaves(_ batch: OutboxBatch, for destination: String) async -> Bool {
        guard spool.stands(batch: batch.id) else { return false }
        await latencies.left(batch.id, for: destination)
        return true
    }

    private func noteArrival(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant
    ) async {
        let accepted = Set(results.filter { $0.outcome == .accepted }.map(\.item))
        let received = batch.items.filter { accepted.contains($0.id) }
            .map(\.record.received.utc)
        await latencies.resolved(batch.id, received: received, at: now)
    }

    func split(_ batch: OutboxBatch) async throws {
        try await spool.split(batch: batch.id)
    }

    private func outboxBatch(_ batch: Batch) -> OutboxBatch {
        OutboxBatch(
            id: batch.id, idempotencyKey: batch.idempotencyKey, formedAt: batch.formedAt,
            // The 更新日時 of a value that a person edited is the one that the receiver holds; a value
            // that the device itself went on counting carries its own.
            items: batch.items.map {
                var item = Uplink.OutboxItem(
                    id: $0.rowID.number, record: $0.record, participant: $0.participant,
                    stored: $0.updatedAt ?? $0.storedAt,
                    heldUpdateTime: $0.record.dataInputCode == .edited ? $0.heldUpdate : nil)
                item.setting = $0.setting
                item.testLabID = $0.testLabID
                item.methodCode = $0.methodCode
                return item
            })
    }
}

extension OutboxResult {
    fileprivate var recordResult: RecordResult {
        let row = RowID(item)
        switch outcome {
        case .accepted: return RecordResult(row, .accepted)
        case .duplicate: return RecordResult(row, .duplicate)
        case .rejected(let reason, let answer, let document):
            return RecordResult(
                row, .rejected(reason: reason, answer: answer, document: document))
        case .doesNotFit(let reason):
            return RecordResult(row, .rejected(reason: reason, answer: ""))
        case .held(let reason): return RecordResult(row, .held(reason: reason))
        case .noTable: return RecordResult(row, .noTable)
        }
    }
}
