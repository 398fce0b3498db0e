import DataFiles
import JSON
import Measurement
import Testing

@testable import hakaru

private func json(_ text: String) -> JSONValue {
    guard let value = try? JSONValue.parse(Array(text.utf8)) else {
        preconditionFailure("no JSON: \(text)")
    }
    return value
}

/// What stands on the screen of a station, and for whose eyes.
@Suite("The screen of a station") struct StationScreenTests {
    static let noon = Instant(iso8601: "2026-03-01T12:00:00+09:00") ?? Instant(seconds: 0)

    static func after(_ seconds: Int64) -> Instant { noon + .seconds(seconds) }

    static func session(
        _ participant: String?, at station: String = "table-1", state: String = "open",
        end: String? = nil
    ) -> JSONValue {
        json(
            """
            {"id":1,"station":"\(station)","participant":\(participant.map { "\"\($0)\"" } ?? "null"),
             "guest":\(participant == nil),"state":"\(state)",
             "end":\(end.map { "\"\($0)\"" } ?? "null")}
            """)
    }

    static func record(
        of participant: String?, _ values: String = #"{"weight":{"value":72.5,"unit":"kg"}}"#,
        kind: String = "weight", at station: String = "table-1", state: String = "waiting",
        taken: String? = "2026-03-01T12:00:05+09:00"
    ) -> JSONValue {
        json(
            """
            {"key":"aa","kind":"\(kind)","values":\(values),"station":"\(station)","state":"\(state)",
             "participant":\(participant.map { "\"\($0)\"" } ?? "null"),
             "observation_time":\(taken.map { "\"\($0)\"" } ?? "null"),
             "received_at":"2026-03-01T12:00:09.5+09:00"}
            """)
    }

    static let free = json(#"{"name":"table-1","session":null}"#)

    /// A screen at which a participant has the turn.
    static func turn(of participant: String? = "MDM-001") -> StationScreen {
        var screen = StationScreen(station: "table-1")
        screen.connected(free, now: noon)
        screen.session(session(participant), now: noon)
        return screen
    }

    @Test(
        "while the gateway is away nothing of anybody is shown, and afterwards only who has the turn"
    )
    func away() {
        var screen = Self.turn()
        screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        #expect(screen.face == .values)
        screen.disconnected()
        #expect(screen == StationScreen(station: "table-1"))
        // What comes while it is away is not believed.
        screen.session(Self.session("MDM-002"), now: Self.after(8))
        screen.reader(json(#"{"station":"table-1","refused":"unknown-code"}"#), now: Self.after(8))
        let isShown1 = screen.record(Self.record(of: "MDM-001"), now: Self.after(8))
        #expect(!isShown1)
        #expect(screen.face == .away)
        screen.connected(
            json(#"{"name":"table-1","session":{"participant":"MDM-002","guest":false}}"#),
            now: Self.after(9))
        #expect(screen.face == .turn)
        #expect(screen.person == .participant("MDM-002"))
        #expect(screen.records.isEmpty)
    }

    @Test("a second answer of the same connection changes nothing that stands there")
    func connectedTwice() {
        var screen = Self.turn()
        screen.connected(Self.free, now: Self.after(1))
        #expect(screen.face == .turn)
    }

    @Test("the person sees the value at once, and the next person sees it no more")
    func next() {
        var screen = Self.turn()
        let isShown2 = screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        #expect(isShown2)
        #expect(screen.face == .values)
        screen.session(Self.session("MDM-002"), now: Self.after(7))
        #expect(screen.face == .turn)
        #expect(screen.person == .participant("MDM-002"))
        #expect(screen.records.isEmpty)
    }

    @Test("a value that comes late for the person before is not shown to the one who stands there")
    func late() {
        var screen = Self.turn()
        screen.session(Self.session("MDM-002"), now: Self.after(7))
        let isShown3 = screen.record(Self.record(of: "MDM-001"), now: Self.after(8))
        #expect(!isShown3)
        #expect(screen.face == .turn)
        #expect(screen.records.isEmpty)
    }

    @Test("nor is one after the turn was ended, nor one of a person while nobody has the turn")
    func afterTheEnd() {
        var screen = Self.turn()
        screen.session(Self.session("MDM-001", state: "ended", end: "ended"), now: Self.after(3))
        #expect(screen.face == .free)
        let isShown4 = screen.record(Self.record(of: "MDM-001"), now: Self.after(4))
        #expect(!isShown4)
        #expect(screen.face == .free)
    }

    @Test("another station's people, values and refusals are another screen's")
    func others() {
        var screen = Self.turn()
        screen.session(Self.session("MDM-009", at: "table-2"), now: Self.after(1))
        screen.reader(json(#"{"station":"table-2","refused":"unknown-code"}"#), now: Self.after(1))
        let isShown5 = screen.record(Self.record(of: "MDM-001", at: "table-2"), now: Self.after(2))
        #expect(!isShown5)
        #expect(screen.person == .participant("MDM-001"))
        #expect(screen.face == .turn)
    }

    struct End: CustomTestStringConvertible {
        let end: String
        let keeps: Bool
        var testDescription: String { end }
    }

    @Test(
        "a turn that ends because all has come leaves the value there to be read; any other end takes it",
        arguments: [
            End(end: "complete", keeps: true), End(end: "next-card", keeps: false),
            End(end: "ended", keeps: false), End(end: "time", keeps: false),
        ])
    func ends(_ test: End) {
        var screen = Self.turn()
        screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        screen.session(
            Self.session("MDM-001", state: "ended", end: test.end), now: Self.after(7))
        #expect((screen.face == .values) == test.keeps)
        #expect(screen.records.isEmpty != test.keeps)
        screen.tick(now: Self.after(200))
        #expect(screen.face == .free)
        #expect(screen.person == nil)
    }

    @Test("a value goes after a minute without anything new; a turn without a value stays")
    func time() {
        var screen = Self.turn()
        screen.tick(now: Self.after(3_000))
        #expect(screen.face == .turn)
        screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        screen.tick(now: Self.after(65))
        #expect(screen.face == .values)
        screen.tick(now: Self.after(66))
        #expect(screen.face == .free)
        #expect(screen.records.isEmpty)
    }

    @Test("a refused card ends what stands there and says so, for a minute")
    func refused() {
        var screen = Self.turn()
        screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        screen.reader(
            json(#"{"station":"table-1","session":7,"refused":null}"#), now: Self.after(7))
        #expect(screen.face == .values)
        screen.reader(
            json(#"{"station":"table-1","session":null,"refused":"unknown-card"}"#),
            now: Self.after(8))
        #expect(screen.face == .refused)
        #expect(screen.person == nil)
        #expect(screen.records.isEmpty)
        screen.tick(now: Self.after(67))
        #expect(screen.face == .refused)
        screen.tick(now: Self.after(68))
        #expect(screen.face == .free)
    }

    @Test("what a device brings from its memory is not what was measured before this screen")
    func memory() {
        var screen = Self.turn()
        for taken in ["2026-02-01T08:00:00+09:00", "2026-03-01T11:49:00+09:00", "no time"] {
            let isShown6 = screen.record(
                Self.record(of: "MDM-001", taken: taken), now: Self.after(6))
            #expect(!isShown6)
        }
        #expect(screen.face == .turn)
        // Where the device's time is not known it counts when it came.
        let isShown7 = screen.record(
            Self.record(of: "MDM-001", state: "quarantined", taken: nil), now: Self.after(12))
        #expect(
            isShown7)
        #expect(screen.needsStaff)
    }

    @Test("of two values of a kind the later measured one stays, in whatever order they come")
    func order() {
        var screen = Self.turn()
        let second = Self.record(
            of: "MDM-001", #"{"weight":{"value":72.6,"unit":"kg"}}"#,
            taken: "2026-03-01T12:00:30+09:00")
        screen.record(second, now: Self.after(31))
        let isShown8 = screen.record(Self.record(of: "MDM-001"), now: Self.after(32))
        #expect(!isShown8)
        #expect(screen.records == [second])
        let cuff = Self.record(
            of: "MDM-001", #"{"systolic":{"value":125,"unit":"mm[Hg]"}}"#, kind: "blood-pressure")
        let isShown9 = screen.record(cuff, now: Self.after(40))
        #expect(isShown9)
        #expect(screen.records == [cuff, second])
    }

    @Test("a value that is nobody's for certain is not shown to anybody: staff is asked")
    func doubt() {
        for person in ["MDM-001", nil] {
            var screen = Self.turn(of: person)
            let isShown = screen.record(
                Self.record(of: nil, state: "unassigned"), now: Self.after(6))
            #expect(!isShown)
            #expect(screen.face == .unsure)
            #expect(screen.needsStaff)
            #expect(screen.records.isEmpty)
            screen.tick(now: Self.after(66))
            #expect(screen.face == .free)
        }
        // The same where nobody has scanned a card at all.
        var free = StationScreen(station: "table-1")
        free.connected(Self.free, now: Self.noon)
        let isShown = free.record(Self.record(of: nil, state: "unassigned"), now: Self.after(6))
        #expect(!isShown)
        #expect(free.face == .unsure)
    }

    @Test(
        "a value of theirs is shown in every state, and staff is asked where its time is not known",
        arguments: [
            ("quarantined", true), ("waiting", false), ("held", false), ("delivered", false),
        ])
    func states(_ state: String, _ asks: Bool) {
        var screen = Self.turn()
        let isShown = screen.record(Self.record(of: "MDM-001", state: state), now: Self.after(6))
        #expect(isShown)
        #expect(screen.needsStaff == asks)
    }

    @Test("a guest has a turn without a code")
    func guest() {
        var screen = Self.turn(of: nil)
        #expect(screen.person == .guest)
        let isShown11 = screen.record(Self.record(of: nil, state: "guest"), now: Self.after(6))
        #expect(isShown11)
        #expect(!screen.needsStaff)
    }

    @Test("events without what they should have change nothing")
    func broken() {
        let before = Self.turn()
        for text in [
            "{}", "[]", "null", "7", #"{"station":7}"#, #"{"station":null,"state":"open"}"#,
        ] {
            var screen = before
            screen.session(json(text), now: Self.after(1))
            screen.reader(json(text), now: Self.after(1))
            let isShown12 = screen.record(json(text), now: Self.after(1))
            #expect(!isShown12)
            #expect(screen == before, "\(text)")
        }
    }

    @Test("each change is a line for another program that draws it")
    func asJSON() throws {
        var screen = Self.turn()
        let turn = try JSONValue.parse(screen.json)
        #expect(turn["state"]?.string == "turn")
        #expect(turn["participant"]?.string == "MDM-001")
        #expect(turn["guest"]?.bool == false)
        screen.record(Self.record(of: "MDM-001"), now: Self.after(6))
        let values = try JSONValue.parse(screen.json)
        #expect(values["state"]?.string == "values")
        #expect(values["records"]?.array?.count == 1)
        #expect(values["records"]?.array?.first?["key"]?.string == "aa")
    }
}

@Suite("The screen of a station, drawn") struct ScreenTextTests {
    private func text(
        _ screen: StationScreen, _ language: Language = .english, width: Int = 80, height: Int = 24
    ) -> [String] {
        ScreenText(language: language, width: width, height: height).lines(screen)
    }

    static let pressure = """
        {"systolic":{"value":125,"unit":"mm[Hg]"},"diastolic":{"value":80,"unit":"mm[Hg]"},
         "mean_arterial_pressure":{"value":95,"unit":"mm[Hg]"},"pulse_rate":{"value":64,"unit":"/min"}}
        """

    private func measured(_ values: String, state: String = "waiting") -> StationScreen {
        var screen = StationScreenTests.turn()
        screen.record(
            StationScreenTests.record(of: "MDM-001", values, state: state),
            now: StationScreenTests.after(6))
        return screen
    }

    @Test("every state has its sentence in both languages")
    func sentences() {
        var screen = StationScreen(station: "table-1")
        #expect(text(screen).contains { $0.contains("does not answer") })
        #expect(text(screen, .japanese).contains { $0.contains("応答しません") })
        screen.connected(StationScreenTests.free, now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("scan your card") })
        #expect(text(screen, .japanese).contains { $0.contains("読み取ってください") })
        screen.session(StationScreenTests.session("MDM-001"), now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("MDM-001") })
        #expect(text(screen).contains { $0.contains("Please measure.") })
        #expect(text(screen, .japanese).contains { $0.contains("MDM-001 さん") })
        screen.session(StationScreenTests.session(nil), now: StationScreenTests.noon)
        #expect(text(screen, .japanese).contains { $0.contains("ゲスト") })
        screen.reader(
            json(#"{"station":"table-1","refused":"unknown-code"}"#), now: StationScreenTests.noon)
        #expect(text(screen).contains { $0.contains("not known") })
    }

    @Test("pressure is one large number, the pulse another, and no word judges them")
    func large() {
        let lines = text(measured(Self.pressure), height: 40)
        #expect(lines.count { $0.contains("█") } == 10)
        #expect(lines.contains { $0.contains("Blood pressure  mmHg") })
        #expect(lines.contains { $0.contains("Pulse  per minute") })
        #expect(!lines.contains { $0.contains("95") }, "what nobody asked for is not on the screen")
        for word in ["high", "low", "normal", "高", "低", "正常"] {
            #expect(!lines.contains { $0.lowercased().contains(word) })
        }
    }

    @Test(
        "what does not fit is smaller, then plain, and nothing is ever wider or longer than the screen",
        arguments: [200, 100, 60, 47, 20, 4, 1], [60, 24, 14, 6, 3, 1])
    func sizes(_ width: Int, _ height: Int) {
        let lines = text(measured(Self.pressure), width: width, height: height)
        #expect(lines.count <= height)
        for line in lines where line.contains("█") { #expect(TextTable.width(line) <= width) }
        if width >= 60, height >= 24 { #expect(lines.contains { $0.contains("█") }) }
        if width < 48 { #expect(!lines.contains { $0.contains("█") && $0.count > width }) }
    }

    @Test("a narrow screen still has every number, in plain digits")
    func plain() {
        let lines = text(measured(Self.pressure), width: 30, height: 24)
        #expect(lines.contains { $0.contains("125/80 mmHg") })
        #expect(lines.contains { $0.contains("64 per minute") })
    }

    @Test("a value that the device did not give is a dash, never a number")
    func absent() {
        let lines = text(
            measured(
                #"{"systolic":{"value":125,"unit":"mm[Hg]"},"diastolic":{"value":null,"unit":"mm[Hg]"}}"#
            ))
        #expect(lines.contains { $0.contains("125/–") })
    }

    @Test("digits are kept as the device sent them, units are those of people")
    func units() {
        let scale = text(measured(#"{"weight":{"value":36.0,"unit":"kg"}}"#), width: 20)
        #expect(scale.contains { $0.contains("36.0 kg") })
        let steps = text(
            measured(#"{"steps":{"value":8123,"unit":"{steps}"}}"#), .japanese, width: 20)
        #expect(steps.contains { $0.contains("歩数  8123 歩") })
        let warm = text(measured(#"{"body_temperature":{"value":36.5,"unit":"Cel"}}"#), width: 10)
        #expect(warm.contains { $0.contains("36.5 ℃") })
    }

    @Test("where it is not certain when it was taken, staff is named below the value")
    func staff() {
        #expect(
            text(measured(Self.pressure, state: "quarantined"), .japanese).last?
                .contains("係員にお声がけください") == true)
        #expect(!text(measured(Self.pressure)).contains { $0.contains("staff") })
    }

    @Test("a code that would steer the terminal is made harmless")
    func hostile() {
        var screen = StationScreenTests.turn()
        screen.session(StationScreenTests.session("M\\u001B[2J"), now: StationScreenTests.noon)
        #expect(!text(screen).contains { $0.contains("\u{1B}") })
    }

    // MARK: digits

    @Test("every digit has a shape of its own, five rows high")
    func digits() {
        var seen: Set<[String]> = []
        for digit in "0123456789./-" {
            let rows = BigText.rows(String(digit), scale: 1, width: 80)
            #expect(rows?.count == 5)
            seen.insert(rows ?? [])
        }
        #expect(seen.count == 13)
    }

    @Test("a large number is as wide as it says at each scale, or it is not drawn")
    func scales() {
        #expect(BigText.rows("125/80", scale: 1, width: 46)?.map(\.count) == [46, 46, 46, 46, 46])
        #expect(BigText.rows("125/80", scale: 1, width: 45) == nil)
        #expect(BigText.rows("125/80", scale: 2, width: 92)?.count == 10)
        #expect(BigText.rows("8", scale: 3, width: 18)?.allSatisfy { $0.count == 18 } == true)
        for text in ["", "–", "12a", "1 2", "١"] {
            #expect(BigText.rows(text, scale: 1, width: 80) == nil, "\(text)")
        }
        #expect(BigText.rows("1", scale: 0, width: 80) == nil)
    }

    @Test("a one is drawn as a one")
    func one() {
        #expect(
            BigText.rows("1", scale: 1, width: 6) == [
                "  ██  ", "████  ", "  ██  ", "  ██  ", "██████",
            ])
    }
}

@Suite("The daemon's event stream") struct EventLinesTests {
    static let stream = """
        : 

        id: 1
        event: record
        data: {"key":"aa"}

        id: 2
        event: session
        data: {"station":"one",
        data: "state":"open"}


        """

    @Test("events come whole, in whatever pieces the bytes come")
    func pieces() {
        let bytes = Array(Self.stream.utf8)
        let expected = [
            ServerEvent(name: "record", data: json(#"{"key":"aa"}"#)),
            ServerEvent(name: "session", data: json(#"{"station":"one","state":"open"}"#)),
        ]
        for size in 1...bytes.count {
            var lines = EventLines()
            var events: [ServerEvent] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += lines.take(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(events == expected, "in pieces of \(size)")
            #expect(lines.dropped == 0)
        }
    }

    @Test("an event that is no JSON is counted and passed over; the next one is read")
    func broken() {
        var lines = EventLines()
        let events = lines.take("event: record\ndata: {\"key\n\nevent: record\ndata: 7\n\n".utf8)
        #expect(events == [ServerEvent(name: "record", data: json("7"))])
        #expect(lines.dropped == 1)
    }

    @Test("an event without an end takes no more memory than its limit, and what follows is read")
    func endless() {
        var lines = EventLines()
        let piece = [UInt8](repeating: 0x41, count: 10_000)
        let found13 = lines.take("data: ".utf8)
        #expect(found13.isEmpty)
        for _ in 0..<50 {
            let found14 = lines.take(piece)
            #expect(found14.isEmpty)
        }
        let found15 = lines.take("\n\nevent: x\ndata: 1\n\n".utf8)
        #expect(
            found15 == [
                ServerEvent(name: "x", data: json("1"))
            ])
        #expect(lines.dropped == 1)
        // The same in many short lines.
        for _ in 0..<50 {
            let found16 = lines.take(Array("data: ".utf8) + piece + [0x0A])
            #expect(found16.isEmpty)
        }
        let found17 = lines.take("\ndata: 2\n\n".utf8)
        #expect(found17 == [ServerEvent(name: "", data: json("2"))])
        #expect(lines.dropped == 2)
    }

    @Test("no stream of random bytes ends the screen", arguments: 0..<40 as Range<UInt64>)
    func random(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let words = [
            "data: ", "event: ", "\n", "\n\n", "{}", ":", "id: 1", "\u{0}", "é", "[", "\"",
        ]
        var lines = EventLines()
        for _ in 0..<400 { _ = lines.take(words[Int(next() % UInt64(words.count))].utf8) }
        // An unfinished event may swallow the first; the second stands alone.
        _ = lines.take("\n\n".utf8)
        let found18 = lines.take("event: last\ndata: 1\n\n".utf8)
        #expect(
            found18 == [
                ServerEvent(name: "last", data: json("1"))
            ])
    }
}
