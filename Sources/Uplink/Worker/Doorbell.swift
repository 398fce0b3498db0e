import EventLoop

/// A wait that ends when the bell is rung, when the time is over, or when the task is cancelled.
///
/// A ring that nobody waits for is kept for the next wait. One waiter at a time.
@LoopActor final class Doorbell {
    private var isRung = false
    private var continuation: CheckedContinuation<Bool, Never>?
    private var timer: EventSource?

    nonisolated init() {}

    func ring() {
        isRung = true
        finish()
    }

    /// Returns true when the bell was rung, false when the time is over or the task cancelled.
    func wait(for duration: Duration?) async -> Bool {
        guard !isRung, !Task.isCancelled else { return take() }
        await withTaskCancellationHandler {
            _ = await withCheckedContinuation { start($0, duration) }
        } onCancel: {
            // Runs on any thread, even before `start`: the job below comes after it on the loop.
            spawn { self.finish() }
        }
        return take()
    }

    private func start(_ continuation: CheckedContinuation<Bool, Never>, _ duration: Duration?) {
        self.continuation = continuation
        guard !Task.isCancelled else { return finish() }
        guard let duration else { return }
        timer = EventLoop.shared.after(duration) { [unowned self] in finish() }
        if timer == nil { finish() }
    }

    private func finish() {
        timer?.cancel()
        timer = nil
        continuation?.resume(returning: true)
        continuation = nil
    }

    private func take() -> Bool {
        defer { isRung = false }
        return isRung
    }
}
