import CLinux
import Glibc

/// A thread of its own for an actor whose work blocks, such as the one that writes to the disk.
///
/// An actor uses it through `unownedExecutor`; jobs run one after the other, in order. The queue is
/// as long as the calls that await an answer, so its callers bound it.
package final class ThreadExecutor: SerialExecutor, @unchecked Sendable {
    // Unchecked: `mutex` guards `queue` and `stopping`; `thread` is set once before it is used.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [UnownedJob] = []
    private var isStopping = false
    private let name: String
    /// How long the thread looks out for the next job before it sleeps, in nanoseconds.
    private let linger: Int64
    /// How far the thread has come with what it was given.
    package let work = WorkMeter()
    private var thread = pthread_t()

    /// Starts the thread; all signals are blocked in it.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes; longer names are cut.
    ///   - linger: how long it stays awake for a caller who comes back at once; to be woken costs both
    ///     of them about as much. Not on a machine with one processor.
    package init(name: String, linger: Duration = .zero) {
        self.name = name
        self.linger =
            sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? Int64(linger / .nanoseconds(1)) : 0
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        // The thread holds the executor until `stop()`.
        let me = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context {
                    Unmanaged<ThreadExecutor>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, me.toOpaque())
        precondition(result == 0, "pthread_create: \(String(cString: strerror(result)))")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        work.take()
        queue.append(unowned)
        pthread_cond_signal(condition)
    }

    package func checkIsolated() {
        precondition(
            pthread_equal(pthread_self(), thread) != 0, "called outside the thread's actor")
    }

    package func isIsolatingCurrentContext() -> Bool? {
        pthread_equal(pthread_self(), thread) != 0
    }

    /// Runs what is queued, ends the thread and waits for that; not to be called on the thread.
    ///
    /// The actor that uses the executor must not be called afterwards: its calls would never return.
    package func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        pthread_join(thread, nil)
    }

    private func run() {
        linux_name_this_thread(name)
        var jobs: [UnownedJob] = []
        while take(&jobs) {
            for job in jobs {
                job.runSynchronously(on: asUnownedSerialExecutor())
                work.finish()
            }
            jobs.removeAll(keepingCapacity: true)
        }
    }

    /// Waits for jobs; false when the thread is to end and none are left.
    private func take(_ jobs: inout [UnownedJob]) -> Bool {
        lookOut()
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while queue.isEmpty && !isStopping { pthread_cond_wait(condition, mutex) }
        swap(&jobs, &queue)
        return !jobs.isEmpty
    }

    private func lookOut() {
        guard linger > 0, work.reading.done > 0 else { return }
        let end = GatewayClock.monotonicNanoseconds() + linger
        while !work.reading.isBusy, GatewayClock.monotonicNanoseconds() < end {}
    }
}
