import Measurement
import Testing

@testable import DeviceProfile

/// The bytes that set a device's clock, and the clocks that say themselves what they are.
@Suite struct ClockSettingTests {
    @Test(arguments: [
        ("2026-03-01T08:15:02", "ea070301080f02"), ("2026-03-01T08:15:02.499", "ea070301080f02"),
        ("2026-03-01T08:15:02.500", "ea070301080f03"),
        ("2026-12-31T23:59:59.700", "eb070101000000"),
    ]) func `seven bytes say the nearest second`(time: String, expected: String) {
        let setting = ClockSetting(.local)
        #expect(hexadecimal(setting.bytes(moment(time), local: tokyo)) == expected)
    }

    @Test(arguments: [
        ("2026-03-01T08:15:02", "ea070301080f02" + "07" + "00"),
        ("2026-03-02T08:15:02.500", "ea070302080f02" + "01" + "80"),
        ("2026-12-31T23:59:59.999", "ea070c1f173b3b" + "04" + "ff"),
        ("1969-12-31T23:59:59", "b1070c1f173b3b" + "03" + "00"),
    ]) func `ten bytes say the day of the week and the fraction too`(
        time: String, expected: String
    ) {
        let setting = ClockSetting(.local, form: .currentTime, reasons: [])
        #expect(hexadecimal(setting.bytes(moment(time), local: tokyo)) == expected + "00")
    }

    @Test func `the reason is told bit by bit`() {
        func last(_ reasons: [ClockSetting.Reason]) -> UInt8? {
            ClockSetting(.utc, form: .currentTime, reasons: reasons)
                .bytes(moment("2026-03-01T08:15:02"), local: tokyo).last
        }
        #expect(last([.manual]) == 1)
        #expect(last([.externalReference]) == 2)
        #expect(last([.timeZone, .summerTime]) == 12)
        #expect(last([]) == 0)
    }

    @Test func `a clock in UTC gets UTC`() {
        let setting = ClockSetting(.utc, form: .currentTime)
        #expect(
            hexadecimal(setting.bytes(moment("2026-03-01T08:15:02"), local: tokyo))
                == "ea07021c170f0206" + "0002")
    }

    struct Clock: Sendable {
        var hex: String
        var expected: String
    }

    @Test(arguments: [
        Clock(hex: "22 7E75E8300000 01 00", expected: "wall utc current better"),
        Clock(hex: "22 7E75E8300000 04 00", expected: "wall utc current"),
        Clock(hex: "30 7E75E8300000 00 24", expected: "wall local current +540"),
        Clock(hex: "00 7E75E8300000 07 24", expected: "wall local"),
        Clock(hex: "29 A08601000000 00 00", expected: "ticks 100000 of 1000 current"),
        Clock(hex: "20 000000000000 00 00", expected: "nothing"),
    ]) func `elapsed time says what the rules ask for`(clock: Clock) throws {
        let time = try ElapsedTime(parsing: bytes(clock.hex))
        var shown: String
        switch time.reading {
        case nil: shown = "nothing"
        case .wall: shown = "wall " + (time.clockState.isUTC ?? false ? "utc" : "local")
        case .ticks(let count, let length, _): shown = "ticks \(count) of \(length.microseconds)"
        }
        if time.reading != nil {
            if time.clockState.isCurrent ?? false { shown += " current" }
            if time.clockState.isSynchronised { shown += " better" }
            if let minutes = time.clockState.utcOffsetMinutes { shown += " +\(minutes)" }
        }
        #expect(shown == clock.expected)
    }
}

/// Two lower-case digits a byte.
private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
