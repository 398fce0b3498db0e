import Measurement

/// Entries on their way to the store: one commit at a time, what comes meanwhile goes together.
struct CommitQueue: Sendable {
    private var waiting: [SessionEntry] = []
    private var inFlight: Int?
    private var number = 0
    /// The memory differs from what is stored; it goes with the next entries, or at the end.
    var memoryChanged = false

    /// A commit is under way or due.
    var isBusy: Bool { inFlight != nil || !waiting.isEmpty }

    mutating func append(_ entry: SessionEntry) { waiting.append(entry) }

    /// The next commit; nil while one is under way or nothing is due.
    mutating func next(
        memory: DeviceMemory, device: DeviceDescription, closing: Bool
    ) -> SessionCommit? {
        guard inFlight == nil, !waiting.isEmpty || (closing && memoryChanged) else { return nil }
        number += 1
        inFlight = number
        memoryChanged = false
        defer { waiting = [] }
        return SessionCommit(number: number, entries: waiting, memory: memory, device: device)
    }

    mutating func ended(_ number: Int) {
        if inFlight == number { inFlight = nil }
    }
}
