import EventLoop

/// The batch that the last transaction formed, and what was read of the one after it.
///
/// The next transaction, whatever it does, ends both: then only the store itself can tell.
final class Outlook: Sendable {
    private struct State {
        var batch: Batch?
        var ahead: ReadAhead?
    }
    private let state = Locked(State())

    /// The batch, as long as no transaction has begun since it was formed.
    var batch: Batch? { state.withLock { $0.batch } }

    /// A transaction begins.
    func forget() { state.withLock { $0 = State() } }

    /// A transaction has ended with this batch under way.
    func formed(_ batch: Batch?) { state.withLock { $0.batch = batch } }

    func read(_ ahead: ReadAhead) {
        state.withLock { state in
            guard state.batch?.id == ahead.behind else { return }
            state.ahead = ahead
        }
    }

    /// What follows a batch, where it was read for one of that size.
    func ahead(behind batch: Int64, max: Int?) -> [FoundItem]? {
        state.withLock { state in
            guard let ahead = state.ahead, ahead.behind == batch, ahead.max == max else {
                return nil
            }
            return ahead.items
        }
    }
}

/// The records that waited behind a batch, in the order in which they are sent.
struct ReadAhead {
    var behind: Int64
    /// How many were asked for.
    var max: Int
    var items: [FoundItem]
}

/// A record for sending, or what is wrong with its row.
typealias FoundItem = (row: RowID, item: OutboxItem?, fault: String)
