import EventLoop

/// Answers the service manager's watchdog while every part with a thread of its own gets on.
///
/// It runs on the loop, so a loop that hangs does not answer either. A part that has work and did
/// nothing between two looks is stuck: the answer stays out and the service manager restarts the
/// daemon. Idle parts are not woken for it.
@LoopActor final class Vitals {
    private struct Part {
        var name: String
        var ask: @LoopActor () -> WorkMeter.Reading?
        var last: WorkMeter.Reading?
    }

    private var parts: [Part] = []
    private var timer: EventSource?
    private let alive: @LoopActor () -> Void
    /// Parts that were stuck at the last look.
    private(set) var stuck: [String] = []

    nonisolated init(alive: @escaping @LoopActor () -> Void = { ServiceManager.alive() }) {
        self.alive = alive
    }

    func watch(_ name: String, _ ask: @escaping @LoopActor () -> WorkMeter.Reading?) {
        parts.append(Part(name: name, ask: ask))
    }

    /// Begins, where the service manager asks for it: twice in its time, so that one answer may be late.
    func start(_ limit: Duration? = ServiceManager.watchdog) {
        guard let limit else { return }
        look()
        timer = EventLoop.shared.every(limit / 2, tolerance: limit / 8) { [weak self] in
            self?.look()
        }
    }

    func look() {
        var found: [String] = []
        for index in parts.indices {
            let now = parts[index].ask()
            if let now, let last = parts[index].last, now.isStuck(since: last) {
                found.append(parts[index].name)
            }
            parts[index].last = now
        }
        for name in found where !stuck.contains(name) {
            Log.error(
                "part-hangs", ["part": name, "remedy": "the service manager restarts hakarud"])
            ServiceManager.status("\(name) hangs")
        }
        if found.isEmpty, !stuck.isEmpty { ServiceManager.status("running") }
        stuck = found
        if found.isEmpty { alive() }
    }
}
