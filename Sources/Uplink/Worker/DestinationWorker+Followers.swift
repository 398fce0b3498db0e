import EventLoop
import Measurement

/// A backlog leaves without waiting for the disk between two batches.
///
/// While one travels, the next is formed and is on the disk with its key. As soon as the receiver has
/// taken all of the first, the next one leaves, and the arrival of the first is written down meanwhile. A
/// crash in between sends both once more, in their order and under their keys.
extension DestinationWorker {
    /// Has the batch formed that goes after this one, where others wait behind it.
    ///
    /// Only while the receiver takes what it gets: what is formed waits no longer than it must, so
    /// that an older record that comes meanwhile goes before it.
    func lookAhead(behind batch: OutboxBatch) {
        guard following == nil, isFlowing, batch.items.count == learnedMaximum else { return }
        let maximum = learnedMaximum
        following = spawn { [store, destination] in
            try await store.formFollower(
                of: batch, destination.name, maximum: maximum, at: Self.now())
        }
    }

    /// Waits for what the store is doing beside the sending; gives the batch that it has formed.
    ///
    /// - Throws: what kept the store from writing down an arrival.
    @discardableResult
    func settled() async throws -> FormedBatch? {
        defer { following = nil }
        return try await following?.value
    }

    /// The batch that may leave, while the arrival of the one before it is being written down.
    func takeFollower() async -> OutboxBatch? {
        guard let next = follower else { return nil }
        follower = nil
        return await store.leaves(next, for: destination.name) ? next : nil
    }

    /// Begins to write down that all of a batch has arrived and lets its follower leave; false where
    /// not all has arrived.
    func goesOn(behind batch: OutboxBatch, _ results: [OutboxResult]) async throws -> Bool {
        guard results.count == batch.items.count,
            results.allSatisfy({ $0.outcome == .accepted })
        else {
            try await settled()
            return false
        }
        let maximum = learnedMaximum
        let previous = following
        // At once, so that the store has it when it is done with the arrival before.
        following = spawn { [self] in
            do {
                let next = try await store.settle(
                    batch, results, at: Self.now(), next: maximum)
                note(results)
                return next
            } catch {
                unwritten[batch.id] = results
                throw error
            }
        }
        // Only one arrival is written down beside the sending.
        if let formed = try await previous?.value, formed.behind == batch.id {
            follower = formed.batch
        } else if let formed = try await settled(), formed.behind == nil {
            follower = formed.batch
        }
        return true
    }
}
