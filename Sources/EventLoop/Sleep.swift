/// Waits on the loop's own timers, without Dispatch.
///
/// - Throws: `CancellationError` at once when the task is cancelled, before or during the wait, and
///   when the loop has ended.
@LoopActor package func sleep(
    for duration: Duration, tolerance: Duration = .milliseconds(1)
) async throws(CancellationError) {
    guard !Task.isCancelled else { throw CancellationError() }
    let sleeper = Sleeper()
    let finished = await withTaskCancellationHandler {
        await withCheckedContinuation { sleeper.start($0, duration, tolerance) }
    } onCancel: {
        // Runs on any thread, even before `start`: the job below comes after it on the loop.
        spawn { sleeper.finish(false) }
    }
    guard finished else { throw CancellationError() }
}

/// One wait: a continuation that either its timer or the cancellation resumes.
@LoopActor private final class Sleeper {
    private var continuation: CheckedContinuation<Bool, Never>?
    private var timer: EventSource?

    nonisolated init() {}

    func start(
        _ continuation: CheckedContinuation<Bool, Never>, _ duration: Duration,
        _ tolerance: Duration
    ) {
        self.continuation = continuation
        timer = EventLoop.shared.after(duration, tolerance: tolerance) { self.finish(true) }
        if timer == nil { finish(false) }
    }

    func finish(_ elapsed: Bool) {
        timer = nil
        continuation?.resume(returning: elapsed)
        continuation = nil
    }
}
