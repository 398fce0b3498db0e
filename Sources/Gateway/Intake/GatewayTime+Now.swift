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
}
