import EventLoop
import Measurement

extension GatewayTime {
    /// All clocks of the gateway, read at once.
    static func now() -> GatewayTime {
        let reading = GatewayClock.now()
        return GatewayTime(
            utc: Instant(microseconds: reading.utcMicroseconds),
            monotonicNanoseconds: reading.monotonicNanoseconds,
            synchronised: reading.synchronised)
    }

    /// The moment on a clock that nobody sets: for pauses, never for a record.
    var steady: Instant { Instant(microseconds: monotonicNanoseconds / 1_000) }
}
