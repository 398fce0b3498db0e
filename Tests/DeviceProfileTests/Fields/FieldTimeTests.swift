import DeviceProfile
import Measurement
import Testing

@Suite("Time stamps of a layout") struct FieldTimeTests {
    private func layout(_ time: String, length: Int) throws -> FrameLayout {
        try fieldLayout(
            """
            length: \(length)
            outcome: device-state
            time: \(time)
            """)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var time: String
        var hex: String
        /// `none` for a clock that was never set, `rejected` for a date that does not exist.
        var shown: String
        var testDescription: String { "\(time) of \(hex)" }
    }

    static let parts =
        "{ format: parts, year: { at: 2, base: 2000 }, month: { at: 1 }, day: { at: 0 },"
        + " hour: { at: 3 }, minute: { at: 4 } }"

    @Test(
        "Each format gives the device's own wall clock",
        arguments: [
            Case(
                time: "{ format: date-time, at: 0 }", hex: "E9070C1F173B3A",
                shown: "2025-12-31T23:59:58"),
            Case(
                time: "{ format: date-time-be, at: 0 }", hex: "07E30815081F37",
                shown: "2019-08-21T08:31:55"),
            Case(time: "{ format: date-time-be, at: 0 }", hex: "07E30000081F37", shown: "none"),
            Case(time: "{ format: date-time-be, at: 0 }", hex: "07E30D15081F37", shown: "rejected"),
            Case(
                time: "{ format: epoch, epoch-year: 2010, at: 0 }", hex: "800FF40D",
                shown: "2017-06-02T11:22:40"),
            Case(
                time: "{ format: epoch, epoch-year: 2000, at: 0 }", hex: "121B1032",
                shown: "2026-08-13T06:05:06"),
            Case(
                time: "{ format: epoch-be, epoch-year: 1970, at: 0 }", hex: "5F5E1000",
                shown: "2020-09-13T12:26:40"),
            Case(
                time: "{ format: epoch, epoch-year: 1970, at: 0 }", hex: "00000000", shown: "none"),
            Case(
                time: "{ format: epoch, epoch-year: 1970, at: 0 }", hex: "FFFFFFFF", shown: "none"),
            Case(
                time: "{ format: bcd-6, at: 0 }", hex: "260301081500", shown: "2026-03-01T08:15:00"),
            Case(
                time: "{ format: bcd-7, at: 0 }", hex: "20260301081500",
                shown: "2026-03-01T08:15:00"),
            Case(time: "{ format: bcd-6, at: 0 }", hex: "26030108150A", shown: "rejected"),
            Case(time: "{ format: bcd-6, at: 0 }", hex: "260230081500", shown: "rejected"),
            Case(time: parts, hex: "190B181312", shown: "2024-11-25T19:18:00"),
            Case(time: parts, hex: "1E02181312", shown: "rejected"),
            Case(time: parts, hex: "0000181312", shown: "none"),
        ])
    func formats(_ one: Case) throws {
        let frame = bytes(one.hex)
        let reading = try layout(one.time, length: frame.count).decode(frame)
        let shown =
            reading.outcome == .rejected ? "rejected" : reading.deviceTime?.description ?? "none"
        #expect(shown == one.shown)
        #expect(reading.deviceTimeUnusable == (one.shown == "none"))
    }

    @Test("Where the clock is known to be wrong, a date that does not exist costs no measurement")
    func impossible() throws {
        let strict = try layout("{ format: date-time, at: 0 }", length: 7)
        let lenient = try layout("{ format: date-time, at: 0, impossible: unknown }", length: 7)
        let frame = bytes("E9070D1F173B3A")
        #expect(strict.decode(frame).outcome == .rejected)
        #expect(lenient.decode(frame).outcome == .deviceState)
        #expect(lenient.decode(frame).deviceTime == nil)
        #expect(lenient.decode(frame).deviceTimeUnusable)
    }

    @Test("A stamp that only some frames have is read only from those")
    func conditional() throws {
        let layout = try fieldLayout(
            """
            length: 8
            outcome: device-state
            bits:
              has-time: { byte: 0, bit: 1 }
            time: { format: date-time, at: 1, when: has-time }
            """)
        #expect(layout.decode(bytes("02 E9070C1F173B3A")).deviceTime != nil)
        let without = layout.decode(bytes("00 E9070D1F173B3A"))
        #expect(without.outcome == .deviceState)
        #expect(without.deviceTime == nil)
        #expect(!without.deviceTimeUnusable)
    }

    @Test("Seconds that run past a minute in a packed record are the minute's last one")
    func clamped() throws {
        let layout = try fieldLayout(
            """
            length: 4
            outcome: device-state
            time:
              format: parts
              year: { bit: 0, width: 6, base: 2020 }
              month: { bit: 6, width: 4 }
              day: { bit: 10, width: 5 }
              hour: { bit: 15, width: 5 }
              minute: { bit: 20, width: 6 }
              second: { bit: 26, width: 6, maximum: 59 }
            """)
        // 2026, March, 1st, 8, 15, 63
        #expect(
            layout.decode(bytes("18 C2 83 FF")).deviceTime?.description == "2026-03-01T08:15:59")
    }
}
