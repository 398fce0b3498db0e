import EventLoop

/// One reason for which discovery is stopped; it ends by itself at its limit, and only once.
///
/// Its limit holds it: one that nobody holds any more ends all the same, or nobody would be looked for again.
@LoopActor final class DiscoveryPause {
    private var onEnd: (@LoopActor () -> Void)?
    private var limit: EventSource?

    init(limit: Duration, onEnd: @escaping @LoopActor () -> Void) {
        self.onEnd = onEnd
        self.limit = EventLoop.shared.after(limit) { self.end() }
    }

    func end() {
        limit = nil
        onEnd?()
        onEnd = nil
    }
}
