import EventLoop

/// Who connects first when several devices want the same adapter.
package enum ConnectionPriority: Int, Sendable, Comparable {
    /// Long downloads and other work that can wait.
    case background
    case normal
    /// Devices that are on the air for seconds after a measurement.
    case shortWindow

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Lets one connection attempt at a time through, the most urgent first, then in order of arrival.
@LoopActor final class ConnectionQueue {
    private struct Entry {
        var number: Int
        var priority: ConnectionPriority
    }
    private var waiting: [Entry] = []
    private var isBusy = false
    private var nextNumber = 0
    private let changed = LoopCondition()

    nonisolated init() {}

    var count: Int { waiting.count }

    /// Waits for the turn; false when the time is over first. Pair it with `leave()`.
    func enter(
        _ priority: ConnectionPriority, within limit: Duration
    ) async throws(CancellationError) -> Bool {
        nextNumber += 1
        let entry = Entry(number: nextNumber, priority: priority)
        waiting.append(entry)
        defer {
            waiting.removeAll { $0.number == entry.number }
            changed.broadcast()
        }
        guard
            try await changed.wait(
                for: limit, until: { !self.isBusy && self.first?.number == entry.number })
        else { return false }
        isBusy = true
        return true
    }

    func leave() {
        isBusy = false
        changed.broadcast()
    }

    private var first: Entry? {
        waiting.max {
            ($0.priority, -$0.number) < ($1.priority, -$1.number)
        }
    }
}
