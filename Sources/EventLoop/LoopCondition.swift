/// Wakes the tasks that wait for something on the loop to have changed.
///
/// It holds no state of its own: a waiter looks at what it waits for before and after each wait, and
/// nothing can change between the look and the wait because both are on the loop.
@LoopActor package final class LoopCondition {
    private var waiters: [Int: Waiter] = [:]
    private var nextNumber = 0

    package nonisolated init() {}

    /// Wakes every task that waits now.
    package func broadcast() {
        let woken = waiters
        waiters = [:]
        for waiter in woken.values { waiter.resume(.woken) }
    }

    /// Waits for the next broadcast; false when the time is over first.
    ///
    /// - Throws: at once when the task is cancelled.
    package func wait(for limit: Duration? = nil) async throws(CancellationError) -> Bool {
        guard !Task.isCancelled else { throw CancellationError() }
        nextNumber += 1
        let number = nextNumber
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(number, Waiter(continuation), limit)
            }
        } onCancel: {
            spawn { self.end(number, .cancelled) }
        }
        switch outcome {
        case .woken: return true
        case .timeOver: return false
        case .cancelled: throw CancellationError()
        }
    }

    /// Waits until the predicate holds; false when the time is over first.
    package func wait(
        for limit: Duration, until predicate: @LoopActor () -> Bool
    ) async throws(CancellationError) -> Bool {
        let end = ContinuousClock.now + limit
        while !predicate() {
            let left = end - ContinuousClock.now
            guard left > .zero, try await wait(for: left) else { return predicate() }
        }
        return true
    }

    private func start(_ number: Int, _ waiter: Waiter, _ limit: Duration?) {
        waiters[number] = waiter
        guard let limit else { return }
        waiter.timer = EventLoop.shared.after(limit) { self.end(number, .timeOver) }
        if waiter.timer == nil { end(number, .cancelled) }
    }

    private func end(_ number: Int, _ outcome: Outcome) {
        waiters.removeValue(forKey: number)?.resume(outcome)
    }

    private enum Outcome { case woken, timeOver, cancelled }

    @LoopActor private final class Waiter {
        private let continuation: CheckedContinuation<Outcome, Never>
        var timer: EventSource?

        init(_ continuation: CheckedContinuation<Outcome, Never>) {
            self.continuation = continuation
        }

        /// Called once: whoever takes the waiter out of the table resumes it.
        func resume(_ outcome: Outcome) {
            timer = nil
            continuation.resume(returning: outcome)
        }
    }
}
