import EventLoop
import Measurement

/// One call of `append`.
struct AppendRequest: Sendable {
    var entries: [SpoolEntry]
    var now: Instant
    var failures: [FailedMeasurement]
    var memory: (DeviceID, DeviceMemory)?
}

/// Calls of `append` that wait for the disk, in order; whoever comes to the store first takes all.
final class AppendQueue: Sendable {
    private struct State {
        var next = 0
        var waiting: [(ticket: Int, request: AppendRequest)] = []
    }
    private let state = Locked(State())

    /// So much goes into one transaction: a longer one would keep the first callers waiting.
    static let maximumRequests = 64

    /// Puts a call at the end; returns the number under which its result will stand.
    func add(_ request: AppendRequest) -> Int {
        state.withLock { state in
            state.next += 1
            state.waiting.append((state.next, request))
            return state.next
        }
    }

    /// How many calls wait.
    var count: Int { state.withLock { $0.waiting.count } }

    /// The calls of the next transaction.
    func take() -> [(ticket: Int, request: AppendRequest)] {
        state.withLock { state in
            let group = Array(state.waiting.prefix(Self.maximumRequests))
            state.waiting.removeFirst(group.count)
            return group
        }
    }
}
