import CLinux
import CSystemd
import Glibc
import Synchronization

/// One thread, one sd_event: the executor of everything isolated to `LoopActor`.
///
/// Jobs may be enqueued from any thread; they run in order on the thread that called `run()`. All
/// sources are added on that thread. There is one loop in a process.
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    // Unchecked: `pending` has its lock, `threadID` is atomic, `running` belongs to the loop's
    // thread, the rest is constant.
    package static let shared = EventLoop()

    /// The sd_event, for libraries that attach themselves to it (sd-bus). Loop thread only.
    package let event: OpaquePointer

    private let wakeDescriptor: Int32
    private let pending = Locked<[UnownedJob]>([])
    private let threadID = Atomic<UInt>(0)
    private let exitCode = Locked<Int32?>(nil)
    private var running: [UnownedJob] = []

    private init() {
        var created: OpaquePointer?
        let result = sd_event_new(&created)
        guard result >= 0, let created else {
            preconditionFailure("sd_event_new: \(String(cString: strerror(-result)))")
        }
        event = created
        wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeDescriptor >= 0, "eventfd: \(String(cString: strerror(errno)))")
        addExecutorSources()
    }

    /// Jobs run from a "post" source: after every dispatched source and before the next sleep, so
    /// that a job enqueued on the loop's own thread needs no system call.
    private func addExecutorSources() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        var post: OpaquePointer?
        let results = [
            sd_event_add_io(
                event, nil, wakeDescriptor, EPOLLIN.rawValue,
                { _, descriptor, _, context in
                    var count: UInt64 = 0
                    _ = read(descriptor, &count, 8)
                    if let context {
                        Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue().exitIfAsked()
                    }
                    return 0
                }, me),
            sd_event_add_post(
                event, &post,
                { _, context in
                    guard let context else { return 0 }
                    Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue().drain()
                    return 0
                }, me),
            // Resumed jobs run before the next descriptor is looked at.
            sd_event_source_set_priority(post, Int64(SD_EVENT_PRIORITY_IMPORTANT)),
        ]
        precondition(results.allSatisfy { $0 >= 0 }, "the loop's own sources were refused")
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let isFirst = pending.withLock { queue in
            queue.append(unowned)
            return queue.count == 1
        }
        if isFirst && !isOnLoop { wake() }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    /// Whether the calling thread is the one that runs this loop.
    package var isOnLoop: Bool {
        threadID.load(ordering: .relaxed) == UInt(pthread_self())
    }

    package func checkIsolated() {
        precondition(isOnLoop, "called outside the event loop's thread")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    /// Runs what is queued; bounded, so that jobs that enqueue jobs cannot starve descriptors.
    private func drain() {
        for _ in 0..<64 {
            pending.withLock { swap(&$0, &running) }
            guard !running.isEmpty else { return }
            for job in running {
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            running.removeAll(keepingCapacity: true)
        }
        if pending.withLock({ !$0.isEmpty }) { wake() }
    }

    // MARK: Life

    /// Runs the loop on the calling thread until `stop` and returns its code.
    ///
    /// A loop that has ended cannot be run again.
    package func run() -> Int32 {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        return sd_event_loop(event)
    }

    /// Ends `run()` with a code; callable from any thread, also before `run()`.
    package func stop(_ code: Int32 = 0) {
        exitCode.withLock { $0 = $0 ?? code }
        if isOnLoop { exitIfAsked() } else { wake() }
    }

    private func exitIfAsked() {
        guard let code = exitCode.withLock({ $0 }) else { return }
        sd_event_exit(event, code)
    }
}
