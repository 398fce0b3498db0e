import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// Sessions that remember each other: what comes again, what a set clock leaves behind.
@Suite struct TapeMemoryTests {
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
        let text = TapeReplayTests.cuff {
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
        let first = TapeReplayTests.cuff(clock: "2026-03-01T08:09:01") {
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
        let first = TapeReplayTests.cuff { $0.pressure("08:15:30", 121, "2026-03-01T08:14:00") }
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
        let first = TapeReplayTests.meter { $0.glucose("08:15:30", 4, "2026-02-01T09:00:00") }
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
        let one = TapeReplayTests.cuff(clock: "2026-03-01T08:09:01") {
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
        let text = TapeReplayTests.cuff {
            $0.at("08:15:30", #""indicate":{"uuid":"2a35","value":"\#(failed)"}"#)
        }
        #expect(
            try replay(text, text) == ["none failed-measurement", "none duplicate undated"])
    }

    @Test func `the tolerance of the command line counts for every profile`() throws {
        let text = TapeReplayTests.cuff(clock: "2026-03-01T08:15:00", sets: false) {
            $0.pressure("08:15:30", 125, "2026-03-01T07:30:00")
        }
        #expect(try replay(text) == ["125 2026-03-01T07:30:00 code 0 device-clock"])
        // The step of the clock is a second: less than that no tolerance can ask for.
        #expect(
            try replay(text, tolerance: .zero) == ["125 2026-03-01T07:30:00 code 0 device-clock"])
        let more = TapeReplayTests.cuff(clock: "2026-03-01T08:14:31") {
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
