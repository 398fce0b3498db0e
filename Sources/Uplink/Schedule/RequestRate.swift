/// How many requests a destination may get: a bucket that fills with time, at most one second's worth.
///
/// A backlog and the halves of a refused batch go through it alike, so that a receiver that comes
/// back is not flooded.
package struct RequestRate: Sendable, Equatable {
    private let perSecond: Int
    private var filledAt: Duration?
    /// Millionths of a request.
    private var level: Int64

    package init(perSecond: Int) {
        self.perSecond = max(1, perSecond)
        level = Int64(self.perSecond) * 1_000_000
    }

    /// Takes one request out; returns when one will be there where there is none now.
    package mutating func take(now: Duration) -> Duration? {
        fill(now)
        guard level < 1_000_000 else {
            level -= 1_000_000
            return nil
        }
        let missing = 1_000_000 - level
        return now + .microseconds((missing + Int64(perSecond) - 1) / Int64(perSecond))
    }

    /// Puts back what was taken and not needed.
    package mutating func giveBack() { level = min(level + 1_000_000, full) }

    private var full: Int64 { Int64(perSecond) * 1_000_000 }

    private mutating func fill(_ now: Duration) {
        defer { filledAt = now }
        guard let filledAt, now > filledAt else { return }
        let passed = min((now - filledAt) / .microseconds(1), 1_000_000)
        level = min(full, level + Int64(passed) * Int64(perSecond))
    }
}
