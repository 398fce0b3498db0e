/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z.
package struct Instant: Sendable, Hashable, Comparable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }
    package init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    /// Whole seconds, rounded towards the past.
    package var seconds: Int64 {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return rest < 0 ? whole - 1 : whole
    }

    package static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }
    package static func - (a: Instant, b: Instant) -> Interval {
        Interval(microseconds: a.microseconds - b.microseconds)
    }
    package static func + (a: Instant, b: Interval) -> Instant {
        Instant(microseconds: a.microseconds + b.microseconds)
    }
    package static func - (a: Instant, b: Interval) -> Instant {
        Instant(microseconds: a.microseconds - b.microseconds)
    }
}

/// A signed length of time in microseconds.
package struct Interval: Sendable, Hashable, Comparable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }
    package static func seconds(_ n: Int64) -> Interval { Interval(microseconds: n * 1_000_000) }
    package static func milliseconds(_ n: Int64) -> Interval { Interval(microseconds: n * 1_000) }
    package static func minutes(_ n: Int64) -> Interval { .seconds(n * 60) }
    package static let zero = Interval(microseconds: 0)

    package var magnitude: Interval { Interval(microseconds: Swift.abs(microseconds)) }
    /// Seconds with exactly the digits needed: `360`, `-1.5`.
    package var secondsDecimal: ExactDecimal {
        var mantissa = microseconds
        var exponent = -6
        while exponent < 0, mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        return ExactDecimal(mantissa, exponent: exponent)
    }

    package static func < (a: Interval, b: Interval) -> Bool { a.microseconds < b.microseconds }
    package static func + (a: Interval, b: Interval) -> Interval {
        Interval(microseconds: a.microseconds + b.microseconds)
    }
    package static prefix func - (a: Interval) -> Interval {
        Interval(microseconds: -a.microseconds)
    }
}

/// The gateway's clocks read at one moment.
///
/// `monotonic` counts nanoseconds since boot (CLOCK_BOOTTIME) and never steps; `utc` may be wrong
/// while `synchronised` is false.
package struct GatewayTime: Sendable, Hashable {
    package var utc: Instant
    package var monotonicNanoseconds: Int64
    package var synchronised: Bool

    package init(utc: Instant, monotonicNanoseconds: Int64, synchronised: Bool) {
        self.utc = utc
        self.monotonicNanoseconds = monotonicNanoseconds
        self.synchronised = synchronised
    }
}
