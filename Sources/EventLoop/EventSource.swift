import CSystemd
import Glibc

/// Something that the loop waits for; it ends with `cancel()` or with the last reference to it.
@LoopActor package final class EventSource {
    private var source: OpaquePointer?
    private let handler: @LoopActor (UInt32) -> Void
    /// The distance of a repeating timer, in microseconds.
    private var interval: UInt64?

    private init(_ handler: @escaping @LoopActor (UInt32) -> Void) { self.handler = handler }

    isolated deinit { sd_event_source_disable_unref(source) }

    /// Ends the source; its handler is not called again. Idempotent.
    package func cancel() {
        sd_event_source_disable_unref(source)
        source = nil
    }

    /// Changes what a descriptor is watched for; an empty set only reports errors and hang-up.
    package func watch(for events: IOEvents) {
        guard let source else { return }
        sd_event_source_set_io_events(source, events.rawValue)
    }

    /// Lets a timer fire once more, counted from now.
    package func rearm(after delay: Duration) {
        guard let source else { return }
        sd_event_source_set_time(source, Self.deadline(after: delay))
        sd_event_source_set_enabled(source, Int32(SD_EVENT_ONESHOT))
    }

    fileprivate func fire(_ events: UInt32) {
        scheduleNext()
        handler(events)
    }

    /// Keeps a repeating timer on its grid; intervals that were missed are left out.
    private func scheduleNext() {
        guard let interval, let source else { return }
        var due: UInt64 = 0
        sd_event_source_get_time(source, &due)
        let now = Self.deadline(after: .zero)
        let missed = now > due ? (now - due) / interval : 0
        sd_event_source_set_time(source, due + (missed + 1) * interval)
        sd_event_source_set_enabled(source, Int32(SD_EVENT_ONESHOT))
    }

    /// Counted from the clock itself: sd-event's relative times count from the moment the loop woke
    /// up, so a timer made after long work would fire too early.
    private static func deadline(after delay: Duration) -> UInt64 {
        let now = UInt64(GatewayClock.monotonicNanoseconds()) / 1000
        let (sum, overflow) = now.addingReportingOverflow(delay.wholeMicroseconds)
        return overflow ? .max : sum
    }

    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// The handler may drop the last reference to its own source: the reference here outlives it.
    private nonisolated static func fire(_ context: UnsafeMutableRawPointer?, _ events: UInt32) {
        guard let context else { return }
        nonisolated(unsafe) let onLoop = context  // the loop calls this on its own thread
        LoopActor.assumeIsolated {
            Unmanaged<EventSource>.fromOpaque(onLoop).takeUnretainedValue().fire(events)
        }
    }
}

extension EventSource {
    static func descriptor(
        _ descriptor: Int32, _ events: IOEvents, _ handler: @escaping @LoopActor (IOEvents) -> Void
    ) throws(EventLoopError) -> EventSource {
        let made = EventSource { handler(IOEvents(rawValue: $0)) }
        try EventLoopError.check(
            "sd_event_add_io",
            sd_event_add_io(
                EventLoop.shared.event, &made.source, descriptor, events.rawValue,
                { _, _, events, context in
                    EventSource.fire(context, events)
                    return 0
                }, made.context))
        return made
    }

    /// Nil once the loop has ended.
    static func timer(
        after delay: Duration, every interval: Duration?, tolerance: Duration,
        _ handler: @escaping @LoopActor () -> Void
    ) -> EventSource? {
        let made = EventSource { _ in handler() }
        made.interval = interval.map { max(1, $0.wholeMicroseconds) }
        let result = sd_event_add_time(
            EventLoop.shared.event, &made.source, EventLoop.clock, deadline(after: delay),
            max(1, tolerance.wholeMicroseconds),
            { _, _, context in
                EventSource.fire(context, 0)
                return 0
            }, made.context)
        return result < 0 ? nil : made
    }

    static func signal(
        _ number: Int32, _ handler: @escaping @LoopActor () -> Void
    ) throws(EventLoopError) -> EventSource {
        let made = EventSource { _ in handler() }
        SignalMask.block(number)
        try EventLoopError.check(
            "sd_event_add_signal",
            sd_event_add_signal(
                EventLoop.shared.event, &made.source, number,
                { _, _, context in
                    EventSource.fire(context, 0)
                    return 0
                }, made.context))
        return made
    }
}

/// What a descriptor is ready for (EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP).
package struct IOEvents: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = IOEvents(rawValue: EPOLLIN.rawValue)
    package static let writable = IOEvents(rawValue: EPOLLOUT.rawValue)
    package static let error = IOEvents(rawValue: EPOLLERR.rawValue)
    package static let hangUp = IOEvents(rawValue: EPOLLHUP.rawValue)
}

extension Duration {
    /// Microseconds, rounded up and never negative.
    package var wholeMicroseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let fraction = UInt64((attoseconds + 999_999_999_999) / 1_000_000_000_000)
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow || product > UInt64.max - fraction ? .max : product + fraction
    }
}
