import CLinux
import CUSB
import EventLoop
import Glibc

/// The one thread of the USB library: it sleeps in libusb and is the executor of `USBHost`.
///
/// Jobs run between two calls of the library's event handler, so nothing else enters it, and the
/// thread wakes up only for a transfer, for a plug or for a job.
final class USBThread: SerialExecutor, @unchecked Sendable {
    // Unchecked: `state` has its own lock; `context` and `thread` are set before the thread starts.
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopping = false
    }
    let context: OpaquePointer
    let work = WorkMeter()
    private let state = Locked(State())
    private let thread = UnsafeMutablePointer<pthread_t>.allocate(capacity: 1)

    /// Starts the library and its thread; all signals are blocked in it.
    init() throws(USBError) {
        var made: OpaquePointer?
        _ = hakaru_usb_no_discovery()
        let result = libusb_init(&made)
        guard result == 0, let made else { throw USBError(result, node: nil) }
        context = made
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        // The thread holds the executor until `stop()`.
        let me = Unmanaged.passRetained(self)
        let started = pthread_create(
            thread, nil,
            { context in
                if let context {
                    Unmanaged<USBThread>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, me.toOpaque())
        guard started == 0 else {
            me.release()
            throw .failed("no thread: \(String(cString: strerror(started)))")
        }
    }

    deinit {
        libusb_exit(context)
        thread.deallocate()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        work.take()
        state.withLock { $0.jobs.append(unowned) }
        // Kept by the library until the thread looks, so a job is never overlooked.
        libusb_interrupt_event_handler(context)
    }

    func checkIsolated() {
        precondition(isCurrent, "called outside the USB thread")
    }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private var isCurrent: Bool { pthread_equal(pthread_self(), thread.pointee) != 0 }

    /// Runs what is queued, ends the thread and waits for that; not to be called on the thread.
    func stop() {
        state.withLock { $0.isStopping = true }
        libusb_interrupt_event_handler(context)
        pthread_join(thread.pointee, nil)
    }

    private func run() {
        linux_name_this_thread("hakaru-usb")
        while true {
            var jobs: [UnownedJob] = []
            let isStopping = state.withLock { state in
                swap(&jobs, &state.jobs)
                return state.isStopping
            }
            for job in jobs {
                job.runSynchronously(on: asUnownedSerialExecutor())
                work.finish()
            }
            if jobs.isEmpty, isStopping { return }
            guard jobs.isEmpty else { continue }
            // Without end, as far as the library allows one: time-outs of transfers have a timer of their own.
            var limit = timeval(tv_sec: 1_000_000, tv_usec: 0)
            libusb_handle_events_timeout_completed(context, &limit, nil)
        }
    }
}
