import EventLoop

/// The open batches at the head of each destination, as long as nothing has changed them.
///
/// Any transaction ends what is known, except one that only concerns a destination's own batches: that
/// one says what it left. What is not known here only the store itself can tell.
final class Outlook: Sendable {
    private let known = Locked([String: [Batch]]())

    /// The batch with this number, as it is in the store.
    func batch(_ id: Int64) -> Batch? {
        known.withLock { known in
            for batches in known.values {
                if let found = batches.first(where: { $0.id == id }) { return found }
            }
            return nil
        }
    }

    /// The batches that go first at a destination, in their order.
    func batches(_ destination: String) -> [Batch] { known.withLock { $0[destination] ?? [] } }

    /// A transaction begins that may change any record.
    func forget() { known.withLock { $0 = [:] } }

    /// What there is at the head of a destination now.
    func set(_ batches: [Batch], at destination: String) {
        known.withLock { $0[destination] = batches.isEmpty ? nil : batches }
    }
}

/// A record for sending, or what is wrong with its row.
typealias FoundItem = (row: RowID, item: OutboxItem?, fault: String)
