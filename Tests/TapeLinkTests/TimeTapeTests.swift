import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// One tape for each way in which devices keep their time, written from the rules alone.
@Suite struct TimeTapeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var expected: [String]
        var tapes: [TapeText]

        init(_ name: String, _ expected: [String], _ tapes: TapeText...) {
            testDescription = name
            self.expected = expected
            self.tapes = tapes
        }
    }

    /// A session at 08:15 whose clock is read at 08:15:01.
    static func session(
        _ name: String, clock: (String, String)? = nil, broadcast: String? = nil,
        _ rest: (inout TapeText) -> Void
    ) -> TapeText {
        tape {
            $0.device("08:15:00", name, broadcast: broadcast)
            if let clock { $0.read("08:15:01", clock.0, clock.1) }
            rest(&$0)
            $0.disconnected("08:17:00")
        }
    }

    @Test(arguments: counters + table + days + notified + coarse + people + gateways)
    func `a reading gets the time that the rules give it`(example: Case) throws {
        let found = try results(example.tapes, profiles: ClockProfiles.index).filter {
            $0.outcome != .reading(.deviceState)
        }
        #expect(found.map(\.shown) == example.expected)
    }

    // MARK: T10, T11

    static let counters: [Case] = [
        Case(
            "T10: a second before the read", ["70.0 2026-03-01T08:15:00 code 1 corrected"],
            session("ticker", clock: ("fff1", ticks(100_000))) {
                $0.weight("08:15:10", 700, ticks(92_000))
            }),
        Case(
            "T10: after the read", ["70.0 2026-03-01T08:15:09 code 1 corrected"],
            session("ticker", clock: ("fff1", ticks(100_000))) {
                $0.weight("08:15:10", 700, ticks(164_000))
            }),
        Case(
            "T10: the counter began again in between",
            ["70.0 2026-03-01T08:15:00 code 1 corrected"],
            session("ticker", clock: ("fff1", ticks(0x10))) {
                $0.weight("08:15:10", 700, ticks(0xFFFF_FFF0))
            }),
        Case(
            "T10: days ago", ["70.0 2026-02-27T08:15:01 code 1 corrected"],
            session("ticker", clock: ("fff1", ticks(5))) {
                $0.weight("08:15:10", 700, ticks(5 &- 172_800 * 8_000))
            }),
        Case(
            "T2, T10: a counter that nobody can compare", ["70.0 quarantined time-unknown"],
            session("ticker") { $0.weight("08:15:10", 700, ticks(92_000)) }),
        Case(
            "T10: a counter of 48 bits", ["70.0 2026-03-01T08:14:01 code 1 corrected"],
            session("elapsed", clock: ("2bf2", elapsed(0x29, count: 90_000) + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x29, count: 30_000))
            }),
        Case(
            "T11: a counter that the device says was restarted",
            ["70.0 quarantined not-current-timeline"],
            session("elapsed", clock: ("2bf2", elapsed(0x29, count: 90_000) + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x09, count: 30_000))
            }),
        Case(
            "T11: a counter that is smaller now than then",
            ["70.0 quarantined not-current-timeline"],
            session("elapsed", clock: ("2bf2", elapsed(0x21, count: 1_000) + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x21, count: 5_000_000))
            }),
    ]

    // MARK: the table of 5.2

    static let table: [Case] = [
        Case(
            "UTC, current, synchronised", ["70.0 2026-03-01T07:00:00 code 0 synchronised"],
            session("elapsed", clock: ("2bf2", elapsed(0x22, "2026-02-28T23:09:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x22, "2026-02-28T22:00:00", source: 1))
            }),
        Case(
            "UTC, current, not synchronised", ["70.0 2026-03-01T07:06:00 code 1 corrected"],
            session("elapsed", clock: ("2bf2", elapsed(0x22, "2026-02-28T23:09:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x22, "2026-02-28T22:00:00", source: 4))
            }),
        Case(
            "UTC, current, right", ["70.0 2026-03-01T07:00:00 code 0 device-clock"],
            session("elapsed", clock: ("2bf2", elapsed(0x22, "2026-02-28T23:15:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x22, "2026-02-28T22:00:00"))
            }),
        Case(
            "UTC, not current, synchronised", ["70.0 2026-01-01T00:00:00 code 0 synchronised"],
            session("elapsed") {
                $0.weight("08:15:10", 700, elapsed(0x02, "2025-12-31T15:00:00", source: 2))
            }),
        Case(
            "UTC, not current, not synchronised", ["70.0 quarantined not-current-timeline"],
            session("elapsed", clock: ("2bf2", elapsed(0x22, "2026-02-28T23:15:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x02, "2025-12-31T15:00:00"))
            }),
        Case(
            "local, current, six minutes slow", ["70.0 2026-03-01T07:06:00 code 1 corrected"],
            session("elapsed", clock: ("2bf2", elapsed(0x20, "2026-03-01T08:09:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x20, "2026-03-01T07:00:00"))
            }),
        Case(
            "local, not current, synchronised", ["70.0 2026-03-01T07:00:00 code 0 synchronised"],
            session("elapsed") {
                $0.weight("08:15:10", 700, elapsed(0x00, "2026-03-01T07:00:00", source: 6))
            }),
        Case(
            "local, not current, not synchronised", ["70.0 quarantined not-current-timeline"],
            session("elapsed") {
                $0.weight("08:15:10", 700, elapsed(0x00, "2026-03-01T07:00:00"))
            }),
        Case(
            "T19: the device's own zone wins", ["70.0 2026-03-01T08:10:00 code 0 device-clock"],
            session(
                "elapsed",
                clock: ("2bf2", elapsed(0x30, "2026-03-01T00:15:01", quarters: 4) + "0000")
            ) { $0.weight("08:15:10", 700, elapsed(0x30, "2026-03-01T00:10:00", quarters: 4)) }),
        Case(
            "T20: tenths of a second are cut", ["70.0 2026-03-01T08:14:59 code 0 device-clock"],
            session(
                "elapsed", clock: ("2bf2", elapsed(0x26, count: 8_256_357_010) + "0000")
            ) { $0.weight("08:15:10", 700, elapsed(0x26, count: 8_256_356_999)) }),
        Case(
            "T8: Elapsed Time indicated after the person set the clock",
            [
                "70.0 2026-03-01T08:06:00 code 1 corrected",
                "71.0 2026-03-01T08:15:50 code 0 device-clock",
            ],
            session("elapsed", clock: ("2bf2", elapsed(0x20, "2026-03-01T08:09:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x20, "2026-03-01T08:00:00"))
                $0.notify("08:15:40", "2bf2", elapsed(0x20, "2026-03-01T08:15:40"))
                $0.weight("08:15:55", 710, elapsed(0x20, "2026-03-01T08:15:50"))
            }),
        Case(
            "T12: five minutes ahead, stored", ["70.0 quarantined future"],
            session("elapsed", clock: ("2bf2", elapsed(0x20, "2026-03-01T08:15:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x20, "2026-03-01T08:20:10"))
            }),
        Case(
            "T13: older than the device can be", ["70.0 quarantined too-old"],
            session("elapsed", clock: ("2bf2", elapsed(0x20, "2026-03-01T08:15:01") + "0000")) {
                $0.weight("08:15:10", 700, elapsed(0x20, "2021-03-01T08:20:10"))
            }),
    ]

    // MARK: days counted back

    static let days: [Case] = [
        Case(
            "the running day and the one before",
            [
                "271 2026-03-01T00:00:00 code 1 received",
                "6000 2026-02-28T00:00:00 code 1 received",
            ],
            session("walker") {
                $0.notify("08:15:10", "fff2", "0f01" + "00")
                $0.notify("08:15:11", "fff2", "7017" + "01")
            }),
        Case(
            "T17: the running day grows, in its place",
            [
                "271 2026-03-01T00:00:00 code 1 received",
                "959 2026-03-01T00:00:00 code 1 received",
                "959 duplicate 2026-03-01T00:00:00 code 1 received",
            ],
            session("walker") { $0.notify("08:15:10", "fff2", "0f0100") },
            session("walker") { $0.notify("08:16:10", "fff2", "bf0300") },
            session("walker") { $0.notify("08:16:30", "fff2", "bf0300") }),
        Case(
            "today's first day is tomorrow's second",
            [
                "271 2026-03-01T00:00:00 code 1 received",
                "959 2026-03-01T00:00:00 code 1 received",
            ],
            session("walker") { $0.notify("08:15:10", "fff2", "0f0100") },
            tape {
                $0.day("2026-03-02")
                $0.device("00:00:05", "walker")
                $0.notify("00:00:10", "fff2", "bf0301")
            }),
    ]

    // MARK: T8

    static let notified: [Case] = [
        Case(
            "a clock that is set in answer to the device's own time, ten bytes",
            ["70.0 2026-03-01T08:06:00 code 1 corrected"],
            session("notifier") {
                $0.notify("08:15:10", "2a2b", stamp("2026-03-01T08:09:10") + "070000")
                $0.write("08:15:11.500", "2a2b", "ea070301080f0b078002")
                $0.weight("08:15:20", 700, stamp("2026-03-01T08:00:00"))
            }),
        Case(
            "stored records before the device told its time wait, those after it do not",
            [
                "70.0 quarantined time-unknown",
                "71.0 2026-03-01T08:15:15 code 0 device-clock",
            ],
            session("notifier") {
                $0.weight("08:15:05", 700, stamp("2026-03-01T08:00:00"))
                $0.notify("08:15:10", "2a2b", stamp("2026-03-01T08:09:10") + "070000")
                $0.write("08:15:11", "2a2b")
                $0.weight("08:15:20", 710, stamp("2026-03-01T08:15:15"))
            }),
        Case(
            "T0: no clock is set by a gateway that is not synchronised",
            ["70.0 2026-03-01T08:06:00 code 1 corrected"],
            session("notifier") {
                $0.gatewayClock("08:15:05", false)
                $0.notify("08:15:10", "2a2b", stamp("2026-03-01T08:09:10") + "070000")
                $0.weight("08:15:20", 700, stamp("2026-03-01T08:00:00"))
                $0.gatewayClock("08:16:00", true)
            }),
        Case(
            "the person put a slow clock right meanwhile",
            [
                "70.0 2026-03-01T08:11:00 code 1 corrected",
                "71.0 2026-03-01T08:15:45 code 0 device-clock",
            ],
            session("reader", clock: ("2a2b", stamp("2026-03-01T08:09:01") + "070000")) {
                $0.notify("08:15:40", "2a2b", stamp("2026-03-01T08:15:40") + "070001")
                $0.weight("08:15:50", 700, stamp("2026-03-01T08:05:00"))
                $0.weight("08:15:51", 710, stamp("2026-03-01T08:15:45"))
            }),
        Case(
            "the person put a fast clock right meanwhile",
            ["70.0 2026-03-01T08:12:00 code 1 corrected"],
            session("reader", clock: ("2a2b", stamp("2026-03-01T08:21:01") + "070000")) {
                $0.notify("08:15:40", "2a2b", stamp("2026-03-01T08:15:40") + "070001")
                $0.weight("08:15:50", 700, stamp("2026-03-01T08:18:00"))
            }),
        Case(
            "T9: a clock that tells its time again and again",
            ["70.0 2026-03-01T08:11:00 code 1 corrected"],
            session("reader", clock: ("2a2b", stamp("2026-03-01T08:09:01") + "070000")) {
                $0.notify("08:15:40", "2a2b", stamp("2026-03-01T08:09:40") + "070000")
                $0.notify("08:15:45", "2a2b", stamp("2026-03-01T08:09:46") + "070000")
                $0.weight("08:15:50", 700, stamp("2026-03-01T08:05:00"))
            }),
        Case(
            "T7: a new battery between two sessions",
            [
                "70.0 2026-03-01T08:10:00 code 0 device-clock",
                "71.0 2026-03-02T08:40:00 code 1 corrected",
                "72.0 2026-03-01T20:00:00 code 0 device-clock",
                "73.0 quarantined not-current-timeline",
            ],
            session("reader", clock: ("2a2b", stamp("2026-03-01T08:15:01") + "070000")) {
                $0.weight("08:15:50", 700, stamp("2026-03-01T08:10:00"))
            },
            tape {
                $0.day("2026-03-02")
                $0.device("09:00:00", "reader")
                $0.read("09:00:00", "2a2b", stamp("2010-01-01T00:30:00") + "050000")
                $0.weight("09:00:10", 710, stamp("2010-01-01T00:10:00"))
                $0.weight("09:00:11", 720, stamp("2026-03-01T20:00:00"))
                $0.weight("09:00:12", 730, stamp("2025-12-01T20:00:00"))
            }),
    ]

    // MARK: coarse stamps, bases, unset clocks

    static let coarse: [Case] = [
        Case(
            "a date without a time", ["70.0 2026-02-28T00:00:00 code 0 device-clock"],
            session("dates", clock: ("2a08", stamp("2026-03-01T08:15:01"))) {
                $0.weight("08:15:10", 700, "ea07021c" + "000000")
            }),
        Case(
            "T4: minutes without seconds", ["70.0 2026-03-01T07:36:00 code 1 corrected"],
            session("minutes", clock: ("2a08", stamp("2026-03-01T08:09:01"))) {
                $0.weight("08:15:10", 700, "ea070301" + "071e00")
            }),
        Case(
            "T4: half a minute slow is as good as a minute tells",
            ["70.0 2026-03-01T07:30:00 code 0 device-clock"],
            session("minutes", clock: ("2a08", stamp("2026-03-01T08:14:31"))) {
                $0.weight("08:15:10", 700, "ea070301" + "071e00")
            }),
        Case(
            "T14: base time and offset", ["70.0 2025-12-31T14:59:58 code 0 device-clock"],
            session("based") {
                $0.weight("08:15:10", 700, stamp("2025-12-31T23:59:58") + "e4fd")
            }),
        Case(
            "T6: a clock that nobody has set, and that nobody can read",
            ["70.0 2026-03-01T08:15:10 code 1 received"],
            session("keys", broadcast: "04") {
                $0.weight("08:15:10", 700, stamp("2026-02-27T20:00:00") + "00")
            }),
        Case(
            "T5: the same stamp of a clock that may be right", ["70.0 quarantined time-unknown"],
            session("keys", broadcast: "00") {
                $0.weight("08:15:10", 700, stamp("2026-02-27T20:00:00") + "00")
            }),
        Case(
            "T6: a clock that nobody has set, but that runs",
            ["70.0 2026-03-01T08:10:01 code 1 corrected"],
            session("keys", clock: ("2a08", stamp("2016-01-01T00:10:00")), broadcast: "04") {
                $0.weight("08:15:10", 700, stamp("2016-01-01T00:05:00") + "00")
            }),
        Case(
            "T3, T2: zeros in a stored record", ["70.0 quarantined time-unknown"],
            session("notifier") { $0.weight("08:15:20", 700, "00000101000000") }),
        Case(
            "T3: a date that does not exist", ["none rejected"],
            session("notifier") { $0.weight("08:15:20", 700, "ea07021e000000") }),
    ]

    // MARK: T17, T18

    static let people: [Case] = [
        Case(
            "T18: typed into the device", ["70.0 2026-03-01T07:00:00 code 1 person"],
            session("keys", clock: ("2a08", stamp("2026-03-01T08:09:01"))) {
                $0.weight("08:15:10", 700, stamp("2026-03-01T07:00:00") + "01")
            }),
        Case(
            "T17: edited on the device", ["70.0 2026-03-01T07:06:00 code 1 corrected"],
            session("keys", clock: ("2a08", stamp("2026-03-01T08:09:01"))) {
                $0.weight("08:15:10", 700, stamp("2026-03-01T07:00:00") + "02")
            }),
    ]

    @Test func `typed and edited values say so in the data input code`() throws {
        let found = try results(Self.people.flatMap(\.tapes), profiles: ClockProfiles.index)
        #expect(found.map { $0.entry.record?.dataInputCode } == [.typed, .edited])
    }

    @Test func `what a wrong clock measured is not what the next session compares with`() throws {
        let wrong = session(at: "2020-01-01", synchronised: false, device: "2026-03-01T08:15:01")
        let right = session(at: "2026-03-02", synchronised: true, device: "2026-03-02T08:15:01")
        let found = try results([wrong, right], profiles: ClockProfiles.index).filter {
            $0.outcome != .reading(.deviceState)
        }
        // The second session sees no jump: its clock is compared with no offset of five years.
        #expect(found.last?.shown == "70.0 2026-03-02T08:00:00 code 0 device-clock")
        #expect(found.last?.entry.record?.time?.uncertainty == .seconds(1))
    }

    private func session(at day: String, synchronised: Bool, device: String) -> TapeText {
        tape {
            $0.day(day)
            $0.gatewayClock("08:14:00", synchronised)
            $0.device("08:15:00", "reader")
            $0.read("08:15:01", "2a2b", stamp(device) + "070000")
            $0.weight("08:15:10", 700, stamp(String(device.prefix(10)) + "T08:00:00"))
            $0.disconnected("08:16:00")
        }
    }
}
