package import EventLoop
package import StationInput

/// A reader at a station, open or not yet; it reads until it is pulled out or stopped.
@LoopActor package protocol StationReader: AnyObject {
    /// Opens the device and hands over what it reads, in order.
    ///
    /// - Parameter opened: called once the device is the gateway's.
    /// - Returns: why it ended; `cancelled` after `stop`.
    func run(
        opened: @escaping @LoopActor () -> Void,
        _ give: @escaping @LoopActor (ReaderInput) -> Void
    ) async -> USBError
    /// Ends the reading; the device is given back before `run` returns.
    func stop()
}

/// Calls back when nothing has come for the length of a code's pause; sleeps while nothing is open.
@LoopActor final class PauseTimer {
    private var source: EventSource?
    private let handler: @LoopActor () -> Void

    init(_ handler: @escaping @LoopActor () -> Void) { self.handler = handler }

    /// Counts the pause from now where something is open, else waits for nothing.
    func touch(isOpen: Bool) {
        guard isOpen else { return source = nil }
        if let source { return source.rearm(after: CodeAssembler.pause) }
        source = EventLoop.shared.after(CodeAssembler.pause, tolerance: .milliseconds(100)) {
            [weak self] in self?.handler()
        }
    }
}
