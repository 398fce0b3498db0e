import Measurement
import Testing

@testable import TapeLink

/// Rule T0: tapes of a gateway whose own clock was wrong for a while.
extension TimeTapeTests {
    /// A reading at 08:15:10 by a clock that is not synchronised.
    static func unsynchronised(_ rest: (inout TapeText) -> Void = { _ in }) -> TapeText {
        session("reader", clock: ("2a2b", stamp("2026-03-01T08:15:01") + "070000")) {
            $0.gatewayClock("08:15:02", false)
            $0.weight("08:15:10", 700, stamp("2026-03-01T08:10:00"))
            rest(&$0)
        }
    }

    static let gateways: [Case] = [
        Case("T0: it waits", ["70.0 quarantined no-clock-sync"], unsynchronised()),
        Case(
            "T0: the gateway is told the time",
            ["70.0 2026-03-01T08:10:00 code 0 device-clock"],
            unsynchronised { $0.gatewayClock("08:16:00", true) }),
        Case(
            "T0: the gateway is told the time in a later tape",
            [
                "70.0 quarantined no-clock-sync", "70.0 2026-03-01T08:10:00 code 0 device-clock",
                "71.0 2026-03-01T09:10:00 code 0 device-clock",
            ],
            unsynchronised(),
            tape {
                $0.device("09:15:00", "reader")
                $0.read("09:15:01", "2a2b", stamp("2026-03-01T09:15:01") + "070000")
                $0.weight("09:15:10", 710, stamp("2026-03-01T09:10:00"))
            }),
        Case(
            "T0: told twice that it waits, it is dated once",
            [
                "70.0 quarantined no-clock-sync",
                "70.0 duplicate undated", "70.0 2026-03-01T08:10:00 code 0 device-clock",
            ],
            unsynchronised(),
            tape {
                $0.gatewayClock("08:30:00", false)
                $0.device("08:30:01", "reader")
                $0.weight("08:30:10", 700, stamp("2026-03-01T08:10:00"))
                $0.gatewayClock("08:31:00", true)
            }),
        Case(
            "T0: nine hours of step are no time that passed",
            ["70.0 2026-03-01T17:15:10 code 1 received"],
            tape {
                $0.gatewayClock("08:14:00", false)
                $0.device("08:15:00", "keys", broadcast: "04")
                $0.weight("08:15:10", 700, stamp("2026-02-27T20:00:00") + "00")
                $0.disconnected("08:15:20")
                $0.at("17:15:30", #""gateway-clock":{"synchronised":true,"stepped":32400}"#)
            }),
        Case(
            "T0: a session holds no pause of nine hours; the clock was put forward",
            ["70.0 2026-03-01T17:15:20 code 1 received"],
            tape {
                $0.gatewayClock("08:14:00", false)
                $0.device("08:15:00", "keys", broadcast: "04")
                $0.weight("08:15:10", 700, stamp("2026-02-27T20:00:00") + "00")
                $0.disconnected("08:15:20")
                $0.gatewayClock("17:15:30", true)
            }),
        Case(
            "T0: a tape may say that the nine hours did pass",
            ["70.0 2026-03-01T08:15:10 code 1 received"],
            tape {
                $0.gatewayClock("08:14:00", false)
                $0.device("08:15:00", "keys", broadcast: "04")
                $0.weight("08:15:10", 700, stamp("2026-02-27T20:00:00") + "00")
                $0.disconnected("08:15:20")
                $0.at("17:15:30", #""gateway-clock":{"synchronised":true,"stepped":0}"#)
            }),
        Case(
            "T0: a gateway that starts in 1970",
            ["70.0 2026-03-01T08:59:50 code 1 received"],
            tape {
                $0.day("1970-01-01")
                $0.gatewayClock("09:00:05", false)
                $0.device("09:00:06", "keys", broadcast: "04")
                $0.weight("09:00:10", 700, stamp("2026-02-27T20:00:00") + "00")
                $0.disconnected("09:00:20")
                $0.day("2026-03-01")
                $0.gatewayClock("09:00:00", true)
            }),
    ]
}
