import EventLoop
import Measurement

extension GatewayTime {
    /// The gateway's clocks, read now.
    static func now() -> GatewayTime {
        let clocks = GatewayClock.now()
        return GatewayTime(
            utc: Instant(microseconds: clocks.utcMicroseconds),
            monotonicNanoseconds: clocks.monotonicNanoseconds,
            synchronised: clocks.synchronised)
    }

    /// A time that no clock step moves.
    var steady: Instant { Instant(microseconds: monotonicNanoseconds / 1_000) }
}
