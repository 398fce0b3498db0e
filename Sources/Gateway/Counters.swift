import EventLoop

/// Named counters of this run: every refusal and every drop has one.
@LoopActor final class Counters {
    private(set) var values: [String: Int] = [:]

    nonisolated init() {}

    func count(_ name: String, by amount: Int = 1) {
        values[name, default: 0] += amount
    }
}
