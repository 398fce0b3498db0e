import CSystemd
import Glibc

@LoopActor extension EventLoop {
    /// Timers count the time that the machine was suspended: a back-off does not start anew.
    nonisolated static var clock: clockid_t { CLOCK_BOOTTIME }

    /// Calls the handler whenever the descriptor is ready; the source does not own the descriptor.
    ///
    /// Level-triggered: a handler that leaves data unread is called again at once. Cancel the source
    /// before the descriptor is closed.
    package func onReadable(
        _ descriptor: Int32, events: IOEvents = .readable,
        _ handler: @escaping @LoopActor (IOEvents) -> Void
    ) throws(EventLoopError) -> EventSource {
        try EventSource.descriptor(descriptor, events, handler)
    }

    /// Calls the handler once, after the delay, unless the source ends before.
    ///
    /// - Parameter tolerance: how much later it may be, so that wake-ups can be shared.
    /// - Returns: nil once the loop has ended.
    package func after(
        _ delay: Duration, tolerance: Duration = .milliseconds(1),
        _ handler: @escaping @LoopActor () -> Void
    ) -> EventSource? {
        EventSource.timer(after: delay, every: nil, tolerance: tolerance, handler)
    }

    /// Calls the handler at every interval until the source ends; missed intervals are left out.
    ///
    /// - Returns: nil once the loop has ended.
    package func every(
        _ interval: Duration, tolerance: Duration = .milliseconds(50),
        _ handler: @escaping @LoopActor () -> Void
    ) -> EventSource? {
        EventSource.timer(after: interval, every: interval, tolerance: tolerance, handler)
    }

    /// Calls the handler for each arrival of a signal, on the loop, outside signal context.
    ///
    /// The signal has to be blocked in every thread: see `SignalMask`.
    package func onSignal(
        _ number: Int32, _ handler: @escaping @LoopActor () -> Void
    ) throws(EventLoopError) -> EventSource {
        try EventSource.signal(number, handler)
    }
}
