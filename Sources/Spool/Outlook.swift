import EventLoop

/// The open batches at the head of each destination, as long as nothing has changed them.
///
/// Any transaction ends what is known, except one that only concerns a destination's own batches: that
/// one says what it left. What is not known here only the store itself can tell.
final class Outlook: Sendable {
    private struct Head {
        var batches: [Batch]
        /// All that waits comes after the last of them.
        var isLatest: Bool
    }
    private let known = Locked([String: Head]())

    /// The batch with this number, as it is in the store.
    func batch(_ id: Int64) -> Batch? {
        known.withLock { known in
            for head in known.values {
                if let found = head.batches.first(where: { $0.id == id }) { return found }
            }
            return nil
        }
    }

    /// The batches that go first at a destination, in their order.
    func batches(_ destination: String) -> [Batch] {
        known.withLock { $0[destination]?.batches ?? [] }
    }

    /// A record that all that waits for a destination comes after; nil where nobody knows one.
    func latest(_ destination: String) -> OutboxItem? {
        known.withLock { known in
            guard let head = known[destination], head.isLatest else { return nil }
            return head.batches.last?.items.last
        }
    }

    /// A transaction begins that may change any record.
    func forget() { known.withLock { $0 = [:] } }

    /// What there is at the head of a destination now.
    ///
    /// - Parameter isLatest: all that waits comes after the last of them.
    func set(_ batches: [Batch], at destination: String, isLatest: Bool = false) {
        let head = batches.isEmpty ? nil : Head(batches: batches, isLatest: isLatest)
        known.withLock { $0[destination] = head }
    }
}

/// A record for sending, or what is wrong with its row.
typealias FoundItem = (row: RowID, item: OutboxItem?, fault: String)
