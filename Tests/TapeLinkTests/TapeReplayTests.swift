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

    // MARK: sessions that remember each other

    @Test func `a record that comes again under another offset is a duplicate with its first time`()
        throws
    {
        func session(_ day: String, _ clock: String) -> TapeText {
            tape {
                $0.day(day)
                $0.cuff("08:15:00")
                $0.readClock("08:15:00", "\(day)T\(clock)")
                $0.write("08:15:02")
                $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
                $0.disconnected("08:16:00")
            }
        }
        let found = try results([
            session("2026-03-01", "08:09:00"), session("2026-03-02", "08:08:56"),
        ])
        #expect(
            found.map(\.shown) == [
                "125 2026-03-01T07:36:00 code 1 corrected",
                "125 duplicate 2026-03-01T07:36:00 code 1 corrected",
            ])
        #expect(Set(found.map(\.entry.key)).count == 1)
    }

    @Test func `a tape that is played twice changes nothing`() throws {
        let text = Self.cuff {
            $0.pressure("08:15:30", 121, nil)
            $0.pressure("08:15:31", 122, "2026-03-01T08:14:00")
        }
        let once = try replay(text)
        let twice = try replay(text, text)
        #expect(Array(twice.prefix(2)) == once)
        #expect(twice.suffix(2).allSatisfy { $0.contains("duplicate") })
    }

    @Test func `the same live value within a minute is the same reading, later it is a new one`()
        throws
    {
        func session(_ time: String) -> TapeText {
            tape {
                $0.cuff(time)
                $0.pressure(time, 125, nil)
                $0.disconnected(time)
            }
        }
        let found = try results([session("08:15:00"), session("08:15:40"), session("09:15:00")])
        #expect(
            found.map(\.shown) == [
                "125 2026-03-01T08:15:00 code 1 received",
                "125 duplicate 2026-03-01T08:15:00 code 1 received",
                "125 2026-03-01T09:15:00 code 1 received",
            ])
    }

    @Test func `a clock that was set between two sessions leaves both timelines right`() throws {
        let first = Self.cuff(clock: "2026-03-01T08:09:01") {
            $0.pressure("08:15:30", 121, "2026-03-01T07:30:00")
        }
        let second = tape {
            $0.day("2026-03-02")
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-02T08:15:01")
            $0.write("08:15:02")
            $0.pressure("08:15:30", 122, "2026-03-01T08:08:30")
            $0.pressure("08:15:31", 123, "2026-03-02T08:14:00")
            $0.disconnected("08:16:00")
        }
        #expect(
            try replay(first, second) == [
                "121 2026-03-01T07:36:00 code 1 corrected",
                "122 2026-03-01T08:14:30 code 1 corrected",
                "123 2026-03-02T08:14:00 code 0 device-clock",
            ])
    }

    @Test func `after a battery change each record keeps to its own timeline`() throws {
        let first = Self.cuff { $0.pressure("08:15:30", 121, "2026-03-01T08:14:00") }
        let second = tape {
            $0.day("2026-03-10")
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2010-01-02T00:00:00")
            $0.write("08:15:02")
            $0.pressure("08:15:30", 122, "2026-03-05T20:00:00")
            $0.pressure("08:15:31", 123, "2010-01-01T12:00:00")
            $0.pressure("08:15:32", 124, "2026-02-01T20:00:00")
            $0.disconnected("08:16:00")
        }
        let found = try results([first, second])
        #expect(
            found.dropFirst().map(\.shown) == [
                "122 2026-03-05T20:00:00 code 0 device-clock",
                "123 2026-03-09T20:15:01 code 1 corrected",
                "124 quarantined not-current-timeline",
            ])
        #expect(found.map { $0.entry.record?.flags } == [[], ["time-fault"], [], []])
    }

    @Test func `a meter is asked only for what is new, and gives it`() throws {
        let first = Self.meter { $0.glucose("08:15:30", 4, "2026-02-01T09:00:00") }
        let second = tape {
            $0.day("2026-03-02")
            $0.meter("08:15:00")
            $0.write("08:15:01", "2a52", "01 03 01 0500")
            $0.glucose("08:15:30", 5, "2026-03-01T09:00:00")
            $0.answer("08:15:31")
            $0.disconnected("08:15:32")
        }
        #expect(
            try replay(first, second) == [
                "104 2026-02-01T09:00:00 code 0 device-clock",
                "104 2026-03-01T09:00:00 code 0 device-clock",
            ])
    }

    @Test func `two devices do not share a memory`() throws {
        let one = Self.cuff(clock: "2026-03-01T08:09:01") {
            $0.pressure("08:15:30", 121, "2026-03-01T07:30:00")
        }
        let other = tape(address: "00:09:1F:0A:1B:3D") {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:15:01")
            $0.pressure("08:15:30", 121, "2026-03-01T07:30:00")
        }
        #expect(
            try replay(one, other) == [
                "121 2026-03-01T07:36:00 code 1 corrected",
                "121 2026-03-01T07:30:00 code 0 device-clock",
            ])
    }

    @Test func `a failed measurement that comes again is a duplicate, too`() throws {
        let failed = "16 ff07ff07ff07 ea07030108 0e00 ff07 0000"
        let text = Self.cuff {
            $0.at("08:15:30", #""indicate":{"uuid":"2a35","value":"\#(failed)"}"#)
        }
        #expect(
            try replay(text, text) == ["none failed-measurement", "none duplicate undated"])
    }

    @Test func `the tolerance of the command line counts for every profile`() throws {
        let text = Self.cuff(clock: "2026-03-01T08:15:00", sets: false) {
            $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
        }
        #expect(try replay(text) == ["125 2026-03-01T07:30:00 code 0 device-clock"])
        // The step of the clock is a second: less than that no tolerance can ask for.
        #expect(
            try replay(text, tolerance: .zero) == ["125 2026-03-01T07:30:00 code 0 device-clock"])
        let more = Self.cuff(clock: "2026-03-01T08:14:31") {
            $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
        }
        #expect(try replay(more) == ["125 2026-03-01T07:30:30 code 1 corrected"])
        #expect(
            try replay(more, tolerance: .minutes(1)) == [
                "125 2026-03-01T07:30:00 code 0 device-clock"
            ])
    }

    @Test func `a broadcast is one record, with its fuller frame`() throws {
        let text = tape(address: "5C:CA:D3:00:00:01") {
            // Service data 181B of 13 bytes: stable, then with an impedance of 428 Ω, 85.15 kg.
            let alone = "10161b18 0224 ea070301080f00 0000 8642"
            let full = "10161b18 0226 ea070301080f00 ac01 8642"
            for second in 0..<9 {
                let data = second < 5 ? alone : full
                $0.at("08:15:0\(second)", #""advertisement":{"data":"\#(data)","rssi":-60}"#)
            }
        }
        let found = try results([text]).filter { $0.outcome == .reading(.measurement) }
        #expect(found.map(\.shown) == ["85.150 2026-03-01T08:15:05 code 1 received"])
        #expect(found.first?.entry.record?.quantity(.impedance)?.number?.text == "428")
    }
}
