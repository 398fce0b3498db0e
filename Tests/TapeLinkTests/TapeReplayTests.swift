import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// The time rules seen from outside: tapes as somebody writes them who knows only the contract.
@Suite struct TapeReplayTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var tapes: [TapeText]
        var expected: [String]

        init(_ name: String, _ expected: [String], _ tapes: TapeText...) {
            testDescription = name
            self.tapes = tapes
            self.expected = expected
        }
    }

    @Test(arguments: cuffs) func `a cuff's reading gets the time that the rules give it`(
        example: Case
    ) throws {
        #expect(try results(example.tapes).map(\.shown) == example.expected)
    }

    /// One session of a cuff whose clock shows this at 08:15:01, with a set and some readings.
    static func cuff(
        clock: String? = "2026-03-01T08:15:01", sets: Bool = true,
        readings: (inout TapeText) -> Void
    ) -> TapeText {
        tape {
            $0.cuff("08:15:00", clock: clock == nil ? nil : "read write")
            if let clock { $0.readClock("08:15:01", clock) }
            if clock != nil, sets { $0.write("08:15:02") }
            readings(&$0)
            $0.disconnected("08:16:00")
        }
    }

    static let cuffs: [Case] = [
        Case(
            "T1: live without a stamp", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff { $0.pressure("08:15:30", 125, nil) }),
        Case(
            "T3: live with a stamp of zeros", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff { $0.pressure("08:15:30", 125, "unknown") }),
        Case(
            "T4: six minutes slow", ["125 2026-03-01T07:36:00 code 1 corrected"],
            cuff(clock: "2026-03-01T08:09:01") {
                $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
            }),
        Case(
            "T4: six minutes fast", ["125 2026-03-01T07:24:00 code 1 corrected"],
            cuff(clock: "2026-03-01T08:21:01") {
                $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
            }),
        Case(
            "T4: a second off", ["125 2026-03-01T07:30:00 code 0 device-clock"],
            cuff(clock: "2026-03-01T08:15:00") {
                $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
            }),
        Case(
            "T4: three seconds off", ["125 2026-03-01T07:30:03 code 1 corrected"],
            cuff(clock: "2026-03-01T08:14:58") {
                $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
            }),
        Case(
            "T5: a clock that nobody can read, live", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff(clock: nil) { $0.pressure("08:15:30", 125, "2026-03-01T08:09:00") }),
        Case(
            "T5: a clock of zeros, live", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff(clock: "unknown") { $0.pressure("08:15:30", 125, "2026-03-01T08:14:00") }),
        Case(
            "T5: the rest of a backlog whose clock nobody can read",
            [
                "121 quarantined time-unknown", "122 quarantined time-unknown",
                "123 2026-03-01T08:15:32 code 1 received",
            ],
            cuff(clock: nil) {
                $0.pressure("08:15:30", 121, "2026-02-27T20:00:00")
                $0.pressure("08:15:31", 122, "2026-02-28T20:00:00")
                $0.pressure("08:15:32", 123, "2026-03-01T08:14:00")
            }),
        Case(
            "T6: never set, but it runs", ["125 2026-03-01T08:10:01 code 1 corrected"],
            cuff(clock: "2010-01-01T00:10:00") {
                $0.pressure("08:15:30", 125, "2010-01-01T00:05:00")
            }),
        Case(
            "T8: from before the set and from after it",
            [
                "121 2026-03-01T07:36:00 code 1 corrected",
                "122 2026-03-01T08:15:20 code 0 device-clock",
            ],
            cuff(clock: "2026-03-01T08:09:01") {
                $0.pressure("08:15:30", 121, "2026-03-01T07:30:00")
                $0.pressure("08:15:31", 122, "2026-03-01T08:15:20")
            }),
        Case(
            "T8: a live stamp of a tape that does not play the set",
            ["125 2026-03-01T08:15:25 code 1 corrected"],
            cuff(clock: "2026-03-01T08:09:01") {
                $0.pressure("08:15:30", 125, "2026-03-01T08:09:25")
            }),
        Case(
            "T12: a stamp five minutes ahead, live", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff { $0.pressure("08:15:30", 125, "2026-03-01T08:20:30") }),
        Case(
            "T12: a stamp one minute ahead", ["125 2026-03-01T08:16:30 code 0 device-clock"],
            cuff { $0.pressure("08:15:30", 125, "2026-03-01T08:16:30") }),
        Case(
            "T13: a stamp of 2001", ["125 quarantined too-old"],
            cuff { $0.pressure("08:15:30", 125, "2001-01-01T00:00:00") }),
        Case(
            "T20: parts of a second are cut", ["125 2026-03-01T08:15:30 code 1 received"],
            cuff { $0.pressure("08:15:30.999", 125, nil) }),
        Case(
            "a value in kilopascal", ["16.7 2026-03-01T08:14:00 code 0 device-clock"],
            cuff {
                let value = "17 a7f0 6af0 88f0 ea070301080e00 4000 0000"
                $0.at("08:15:30", #""indicate":{"uuid":"2a35","value":"\#(value)"}"#)
            }),
        Case(
            "a value that no person has", ["20 quarantined implausible"],
            cuff { $0.pressure("08:15:30", 20, "2026-03-01T08:14:00") }),
    ]

    @Test(arguments: meters) func `a meter's stored record gets the time that the rules give it`(
        example: Case
    ) throws {
        #expect(try results(example.tapes).map(\.shown) == example.expected)
    }

    static func meter(_ readings: (inout TapeText) -> Void) -> TapeText {
        tape {
            $0.meter("08:15:00")
            $0.write("08:15:01", "2a52")
            readings(&$0)
            $0.answer("08:15:50")
            $0.disconnected("08:16:00")
        }
    }

    static let meters: [Case] = [
        Case(
            "T14: base time and offset", ["104 2026-02-01T14:34:00 code 0 device-clock"],
            meter { $0.glucose("08:15:30", 4, "2026-02-01T09:00:00", offset: 334) }),
        Case(
            "T14: an offset backwards", ["104 2026-01-31T23:59:58 code 0 device-clock"],
            meter { $0.glucose("08:15:30", 4, "2026-02-01T08:59:58", offset: -540) }),
        Case(
            "T14: an offset that ran over", ["104 quarantined time-unknown"],
            meter { $0.glucose("08:15:30", 4, "2026-02-01T09:00:00", offset: 0x7FFF) }),
        Case(
            "T2: out of memory without a date", ["104 quarantined time-unknown"],
            meter { $0.glucose("08:15:30", 4, "unknown") }),
        Case(
            "T5: the meter calls its clock faulty", ["104 quarantined time-fault"],
            meter { $0.glucose("08:15:30", 4, "2026-02-01T09:00:00", status: 0x0800) }),
        Case(
            "T12: stored in the future", ["104 quarantined future"],
            meter { $0.glucose("08:15:30", 4, "2026-03-01T08:20:30") }),
        Case(
            "T7: the clock fell back between two records",
            [
                "104 quarantined not-current-timeline",
                "104 2026-02-01T00:00:00 code 0 device-clock",
            ],
            meter {
                $0.glucose("08:15:30", 5, "2026-02-20T00:00:00")
                $0.glucose("08:15:31", 6, "2026-02-01T00:00:00")
            }),
    ]

    // MARK: the gateway's own clock

    @Test func `a reading that came while the gateway's clock was wrong is not dated`() throws {
        let text = tape {
            $0.gatewayClock("08:14:00", false)
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.pressure("08:15:30", 125, "2026-03-01T08:08:00")
            $0.disconnected("08:16:00")
        }
        #expect(try replay(text) == ["125 quarantined no-clock-sync"])
    }

    @Test func `it is dated when the gateway's clock is right at last, under the same key`() throws
    {
        func text(_ synchronises: Bool) -> TapeText {
            tape {
                $0.gatewayClock("08:14:00", false)
                $0.cuff("08:15:00")
                $0.readClock("08:15:01", "2026-03-01T08:09:01")
                $0.pressure("08:15:30", 125, "2026-03-01T08:08:00")
                $0.pressure("08:15:31", 126, nil)
                $0.disconnected("08:16:00")
                if synchronises { $0.gatewayClock("09:00:00", true) }
            }
        }
        let dated = try results([text(true)])
        #expect(
            dated.map(\.shown) == [
                "125 2026-03-01T08:14:00 code 1 corrected",
                "126 2026-03-01T08:15:31 code 1 received",
            ])
        let waiting = try results([text(false)])
        #expect(waiting.map(\.entry.key) == dated.map(\.entry.key))
        #expect(dated.map { $0.entry.record?.key } == dated.map(\.entry.key))
    }

    @Test func `a clock line between connection and read is heeded`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.gatewayClock("08:15:00", false)
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.pressure("08:15:30", 125, "2026-03-01T08:08:00")
        }
        #expect(try replay(text) == ["125 quarantined no-clock-sync"])
    }

    @Test func `an unsynchronised gateway sets no clock, even where a tape expects it`() throws {
        let text = tape {
            $0.gatewayClock("08:14:00", false)
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.write("08:15:02", "2a08", "00")
            $0.pressure("08:15:30", 125, "2026-03-01T08:08:00")
            $0.gatewayClock("08:16:00", true)
        }
        #expect(try replay(text) == ["125 2026-03-01T08:14:00 code 1 corrected"])
    }

    @Test func `what waits when a tape fails is told before the failure`() throws {
        let text = tape {
            $0.gatewayClock("08:14:00", false)
            $0.cuff("08:15:00")
            $0.pressure("08:15:30", 125, nil)
            $0.write("08:15:40", "2a35")
        }
        var shown: [String] = []
        var replay = TapeReplay(profiles: shipped, zone: tokyo)
        let tape = try TapeParser.parse(text.bytes, file: "x")
        #expect(throws: TapeError.self) {
            try replay.play(tape, file: "x", each: { shown.append($0.shown) }, note: { _ in })
        }
        #expect(shown == ["125 quarantined no-clock-sync"])
    }
}
