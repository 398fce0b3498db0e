import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// What a tape expects of a session, and how freely it may be written.
@Suite struct TapePlayerTests {
    /// A meter's session whose writes are given by a closure.
    private func meterTape(_ writes: (inout TapeText) -> Void) -> TapeText {
        tape {
            $0.meter("08:15:00")
            writes(&$0)
            $0.glucose("08:15:05", 1, "2026-02-01T08:00:00")
            $0.answer("08:15:06")
            $0.disconnected("08:15:07")
        }
    }

    private func failure(_ tapes: TapeText...) -> TapeError? {
        #expect(throws: TapeError.self) { try results(tapes) }
    }

    // MARK: writes

    @Test(arguments: ["*", "0101", "01 01"]) func `the write that is expected is met`(value: String)
        throws
    {
        let text = meterTape { $0.write("08:15:01", "2a52", value) }
        #expect(try replay(text) == ["104 2026-02-01T08:00:00 code 0 device-clock"])
    }

    @Test func `another value than the expected one fails the tape with both`() {
        let error = failure(meterTape { $0.write("08:15:01", "2a52", "0103010500") })
        #expect(error?.line == 5)
        #expect(
            error?.message
                == "a write of 01 03 01 05 00 to 2a52 is expected; the session wrote 01 01")
    }

    @Test func `a write that the session does not make fails the tape`() {
        let text = meterTape {
            $0.write("08:15:01", "2a52")
            $0.write("08:15:02", "2a08")
        }
        let error = failure(text)
        #expect(error?.line == 6)
        #expect(
            error?.message
                == "a write to 2a08 is expected here; the session wrote nothing to it")
    }

    @Test func `a write to another characteristic is named where the expected one is missing`() {
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:15:01")
            $0.write("08:15:02", "2a2b")
            $0.disconnected("08:15:03")
        }
        let error = failure(text)
        #expect(
            error?.message
                == "a write to 2a2b is expected here; the session wrote nothing to it; "
                + "it wrote to 2a08, of which the tape says nothing")
    }

    @Test func `a second write where one is expected fails the tape`() {
        let first = meterTape { $0.write("08:15:01", "2a52", "0101") }
        let refused = tape {
            $0.day("2026-03-02")
            $0.meter("08:15:00")
            $0.write("08:15:01", "2a52", "0103010200")
            $0.answer("08:15:02", 4)
            $0.disconnected("08:15:03")
        }
        let error = failure(first, refused)
        #expect(error?.file == "2.tape")
        #expect(
            error?.message
                == "no further write to 2a52 is expected; the session wrote 01 01")
    }

    @Test func `a write that is expected after the end fails the tape`() {
        let text = tape {
            $0.cuff("08:15:00")
            $0.disconnected("08:15:01")
            $0.write("08:15:02", "2a35")
        }
        #expect(failure(text)?.line == 6)
    }

    @Test func `the bytes of the clock can be given, and are those of the write's own moment`()
        throws
    {
        func text(_ second: String) -> TapeText {
            tape {
                $0.cuff("08:15:00")
                $0.readClock("08:15:01", "2026-03-01T08:09:01")
                $0.write("08:15:02", "2a08", "ea070301080f\(second)")
                $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
                $0.disconnected("08:15:04")
            }
        }
        #expect(try replay(text("02")) == ["125 2026-03-01T08:14:00 code 1 corrected"])
        #expect(
            failure(text("07"))?.message
                == "a write of ea 07 03 01 08 0f 07 to 2a08 is expected; "
                + "the session wrote ea 07 03 01 08 0f 02")
    }

    @Test func `a clock that is set although the tape says nothing of it was taken by the device`()
        throws
    {
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
        }
        #expect(try replay(text) == ["125 2026-03-01T08:14:00 code 1 corrected"])
    }

    // MARK: order

    @Test func `the set may stand below the records that were sent before it`() throws {
        // Read, drain, set: the order that the time rules themselves give.
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.pressure("08:15:02", 121, "2026-02-28T20:00:00")
            $0.pressure("08:15:30", 122, "2026-03-01T08:09:20")
            $0.pressure("08:15:31", 123, nil)
            $0.write("08:15:40")
            $0.disconnected("08:15:41")
        }
        #expect(
            try replay(text) == [
                "121 2026-02-28T20:06:00 code 1 corrected",
                "122 2026-03-01T08:15:20 code 1 corrected",
                "123 2026-03-01T08:15:31 code 1 received",
            ])
    }

    @Test func `a clock that was ahead kept running until it was set`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T09:15:01")
            $0.pressure("08:15:30", 122, "2026-03-01T09:15:20")
            $0.write("08:15:40")
            $0.disconnected("08:15:41")
        }
        #expect(try replay(text) == ["122 2026-03-01T08:15:20 code 1 corrected"])
    }

    @Test func `the records may stand above the read of the clock`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.pressure("08:15:02", 121, "2026-02-28T20:00:00")
            $0.readClock("08:15:10", "2026-03-01T08:09:10")
            $0.write("08:15:11")
            $0.disconnected("08:15:12")
        }
        #expect(try replay(text) == ["121 2026-02-28T20:06:00 code 1 corrected"])
    }

    @Test func `a value stands from its line on, a later one replaces it`() throws {
        let text = tape {
            $0.advertise("08:14:00", name: "A&D_UA-651BLE_0A1B2C")
            $0.readClock("08:14:30", "2026-03-01T08:08:30")
            $0.at("08:15:00", #""connected":{}"#)
            $0.at(
                "08:15:00",
                #""services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]},{"uuid":"2a08","properties":["read","write"]}]}]"#
            )
            $0.write("08:15:02")
            $0.readClock("08:15:03", "2026-03-01T08:15:03")
            $0.pressure("08:15:04", 121, "2026-02-28T20:00:00")
        }
        // The clock was read as it stood when the session asked for it.
        #expect(try replay(text) == ["121 2026-02-28T20:06:00 code 1 corrected"])
    }

    @Test func `services and a bond may stand above the connection`() throws {
        let text = tape {
            $0.advertise("08:14:00", name: "A&D_UA-651BLE_0A1B2C")
            $0.at(
                "08:15:00",
                #""services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]}]}]"#
            )
            $0.at("08:15:00", #""bonded":{"method":"just-works"}"#)
            $0.at("08:15:00", #""connected":{}"#)
            $0.pressure("08:15:04", 121, "2026-03-01T08:14:50")
        }
        #expect(try replay(text) == ["121 2026-03-01T08:15:04 code 1 received"])
    }

    @Test func `lines may not go back in time`() {
        var text = TapeText()
        text.cuff("08:15:00")
        text.disconnected("08:14:59")
        #expect(failure(text)?.message == "\"at\" is before the line above")
    }

    @Test func `lines of one moment keep their order`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:00", "2026-03-01T08:15:00")
            for number in 121...125 {
                $0.pressure("08:15:00", number, "2026-03-01T08:0\(number - 120):00")
            }
        }
        #expect(
            try replay(text).map { String($0.prefix(3)) } == ["121", "122", "123", "124", "125"])
    }

    // MARK: what may be left out

    @Test func `a tape without services shows them by what its device does`() throws {
        let text = tape {
            $0.advertise("08:15:00", name: "A&D_UA-651BLE_0A1B2C")
            $0.at("08:15:00", #""connected":{}"#)
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.write("08:15:02")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
        }
        #expect(try replay(text) == ["125 2026-03-01T08:14:00 code 1 corrected"])
    }

    @Test func `a tape without an advertisement is known by its model number`() throws {
        let text = tape {
            $0.at("08:15:00", #""connected":{}"#)
            $0.at("08:15:00", #""read":{"uuid":"2a24","value":"55412d363531424c4500"}"#)
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.write("08:15:02")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
        }
        let found = try results([text])
        #expect(found.map(\.profile) == ["and-ua-651ble"])
    }

    @Test func `a tape without advertisement and model is played by the standard's profile`() throws
    {
        let text = tape {
            $0.at("08:15:00", #""connected":{}"#)
            $0.at(
                "08:15:00",
                #""services":[{"uuid":"1810","characteristics":[{"uuid":"2a35","properties":["indicate"]}]}]"#
            )
            $0.pressure("08:15:03", 125, nil)
        }
        let found = try results([text])
        #expect(found.map(\.profile) == ["sig"])
        #expect(found.map(\.shown) == ["125 2026-03-01T08:15:03 code 1 received"])
    }

    @Test func `a tape that never says connected is connected when its device speaks`() throws {
        let text = tape {
            $0.advertise("08:15:00", name: "A&D_UA-651BLE_0A1B2C")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
        }
        #expect(try replay(text) == ["125 2026-03-01T08:14:00 code 1 corrected"])
    }

    @Test func `a value behind the end of the connection fails the tape, it is not lost silently`()
    {
        let text = tape {
            $0.cuff("08:15:00")
            $0.disconnected("08:15:01")
            $0.pressure("08:15:03", 125, "2026-03-01T08:08:00")
        }
        #expect(failure(text)?.message == "a value of 2a35 outside of a connection")
    }

    @Test func `two sessions in one tape remember each other`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.readClock("08:15:01", "2026-03-01T08:09:01")
            $0.write("08:15:02")
            $0.pressure("08:15:03", 121, "2026-03-01T08:08:00")
            $0.disconnected("08:15:04")
            $0.cuff("08:30:00")
            $0.readClock("08:30:01", "2026-03-01T08:30:01")
            $0.write("08:30:02")
            $0.pressure("08:30:03", 121, "2026-03-01T08:08:00")
            $0.pressure("08:30:04", 122, "2026-03-01T08:09:00")
            $0.disconnected("08:30:05")
        }
        #expect(
            try replay(text) == [
                "121 2026-03-01T08:14:00 code 1 corrected",
                "121 duplicate 2026-03-01T08:14:00 code 1 corrected",
                "122 2026-03-01T08:15:00 code 1 corrected",
            ])
    }

    @Test func `a connection that begins again without an end was cut off`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.pressure("08:15:03", 121, nil)
            $0.cuff("08:30:00")
            $0.pressure("08:30:03", 122, nil)
        }
        #expect(try replay(text).count == 2)
    }

    // MARK: tapes that give nothing

    @Test func `a device that no profile knows fails the tape`() {
        let text = tape {
            $0.advertise("08:15:00", name: "Toaster", service: "0112")
            $0.at("08:15:00", #""connected":{}"#)
            $0.pressure("08:15:03", 121, nil)
        }
        #expect(failure(text)?.message == "no profile fits this device")
    }

    @Test func `a tape that shows no device says so`() {
        #expect(failure(TapeText())?.message == "nothing shows which device this is")
    }

    @Test func `a broken advertisement fails the tape with the place where it breaks`() {
        let text = tape { $0.at("08:15:00", #""advertisement":{"data":"0201061"}"#) }
        #expect(failure(text)?.message.hasPrefix("\"data\" is due") ?? false)
        let short = tape { $0.at("08:15:00", #""advertisement":{"data":"02010609"}"#) }
        #expect(failure(short)?.message.hasPrefix("the advertisement is broken: ") ?? false)
    }

    @Test func `a usb tape of a device that nothing fits says so`() {
        let text = """
            {"tape":1,"transport":"usb","vendor-id":"ffff","product-id":"6002"}
            {"at":"2026-03-01T08:15:00Z","in":{"endpoint":"0x81","data":"00"}}
            """
        var replay = TapeReplay(profiles: shipped, zone: tokyo)
        let error = #expect(throws: TapeError.self) {
            try replay.play(
                try TapeParser.parse(Array(text.utf8), file: "u.tape"), file: "u.tape",
                each: { _ in }, note: { _ in })
        }
        #expect(error?.description == "u.tape:1: no profile fits this device")
    }

    @Test func `a tape that lasts for thousands of years is played to its end`() throws {
        let text = tape {
            $0.day("0001-01-01")
            $0.gatewayClock("00:00:00", true)
            $0.day("9999-12-31")
            $0.cuff("23:00:00")
            $0.pressure("23:59:59", 121, "9999-12-31T23:00:00")
        }
        #expect(try replay(text).count == 1)
    }

    // MARK: the store's answers

    @Test func `when the store takes nothing the session ends and the rest is not played as taken`()
        throws
    {
        let text = tape {
            $0.cuff("08:15:00")
            $0.pressure("08:15:03", 121, nil)
            $0.pressure("08:15:04", 122, nil)
        }
        var player = TapePlayer(
            try TapeParser.parse(text.bytes, file: "x"), file: "x", profiles: shipped, zone: tokyo,
            memory: DeviceMemory())
        var ends: [SessionEnd] = []
        var entries = 0
        play: while true {
            switch try? player.next() {
            case .commit(let commit)?:
                entries += commit.entries.count
                player.commitFailed(commit.number)
            case .sessionEnded(let end)?: ends.append(end)
            case .finished?, nil: break play
            default: break
            }
        }
        #expect(entries == 1)
        #expect(ends == [.interrupted("the store takes nothing")])
    }

    @Test func `a simulated record says that it is simulated`() throws {
        let text = tape {
            $0.cuff("08:15:00")
            $0.pressure("08:15:03", 121, nil)
        }
        #expect(try results([text]).allSatisfy { $0.entry.record?.simulated ?? false })
    }
}
