import JSON
import Measurement
import Testing

@testable import hakaru

/// A document of the daemon, as a test writes it.
func json(_ text: String) -> JSONValue {
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
