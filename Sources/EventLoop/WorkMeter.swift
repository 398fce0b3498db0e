import Synchronization

/// What a worker thread was given and how far it has come, readable from any thread without waking it.
package final class WorkMeter: Sendable {
    private let given = Atomic<Int>(0)
    private let steps = Atomic<Int>(0)
    private let done = Atomic<Int>(0)

    package init() {}

    package func take() { given.add(1, ordering: .relaxed) }
    package func finish() { done.add(1, ordering: .relaxed) }
    /// A part of a long job is behind the worker.
    package func step() { steps.add(1, ordering: .relaxed) }

    package var reading: Reading {
        // What is done is read first: work that comes in between makes the worker look busy, not stuck.
        let done = done.load(ordering: .acquiring)
        return Reading(
            done: done, steps: steps.load(ordering: .relaxed),
            isBusy: given.load(ordering: .acquiring) > done)
    }

    /// The state of a worker at one moment.
    package struct Reading: Sendable, Equatable {
        package var done: Int
        package var steps: Int
        /// Something was given to it that it has not finished.
        package var isBusy: Bool

        package init(done: Int, steps: Int, isBusy: Bool) {
            self.done = done
            self.steps = steps
            self.isBusy = isBusy
        }

        /// Whether nothing at all was done between an earlier moment and this one, with work at both.
        package func isStuck(since earlier: Reading) -> Bool {
            isBusy && earlier.isBusy && done == earlier.done && steps == earlier.steps
        }
    }
}
