import EventLoop

/// One reason for which discovery is stopped; it ends by itself at its limit, and only once.
@LoopActor final class DiscoveryPause {
    private var onEnd: (@LoopActor () -> Void)?
    private var limit: EventSource?

    init(limit: Duration, onEnd: @escaping @LoopActor () -> Void) {
        self.onEnd = onEnd
        self.limit = EventLoop.shared.after(limit) { [weak self] in self?.end() }
    }

    func end() {
        limit = nil
        onEnd?()
        onEnd = nil
    }
}
