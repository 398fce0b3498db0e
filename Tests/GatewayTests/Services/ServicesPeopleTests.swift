import DataFiles
import DeviceLink
import EventLoop
import GatewayTestKit
import Measurement
import Register
import Registry
import Spool
import Testing

@testable import Gateway

/// Whose a reading is and where it may go, on a real store.
@Suite("People", .timeLimit(.minutes(1))) struct ServicesPeopleTests {
    init() { LoopThread.start() }

    static let staff = LedgerActor.user(1_000)

    /// A desk with two tables and a list of three people.
    @LoopActor private static func people(_ desk: Desk) async throws -> People {
        desk.profiles = Cuff.profiles()
        var configuration = Configuration(
            gateway: .init(id: "gw", consortiumID: "C00001", timeZone: .utc))
        configuration.stations = [
            .init(
                name: "one", devices: ["A4:C1:38:00:00:01"], expected: [.bloodPressure],
                setting: .checkup, testLabID: "000000000001", measuredBy: .staff),
            .init(name: "two", devices: ["5180200002"]),
        ]
        let people = People(
            configuration, spool: desk.spool, roster: Roster(ownerships: [], grants: []),
            profiles: { [unowned desk] in desk.profiles }, boot: "this boot",
            clock: { [unowned desk] in desk.now })
        desk.intake.people = people
        let list = """
            consortium_id,participant_id,participation_start,participation_end
            C00001,P1,,
            C00001,P2,,
            C00001,P3,2026-01-01,2026-02-28
            """
        _ = try await people.importLists(
            Array(list.utf8), file: "p.csv", isYAML: false, kind: nil, by: staff)
        return people
    }

    /// The gateway's clock at a second after noon; values of the desk are taken on it.
    @LoopActor private static func clock(_ desk: Desk, _ second: Int64) {
        desk.now = GatewayTime(
            utc: Desk.noon + .seconds(second), monotonicNanoseconds: second * 1_000_000_000 + 1,
            synchronised: true)
    }

    private static func pressure(_ second: Int) -> SessionEntry {
        var entry = Desk.pressure(second)
        let received = GatewayTime(
            utc: Desk.noon + .seconds(Int64(second) + 5),
            monotonicNanoseconds: Int64(second + 5) * 1_000_000_000 + 1, synchronised: true)
        entry.record?.received = received
        entry.received = received
        return entry
    }

    @LoopActor private static func grant(
        _ people: People, _ person: String, isGrant: Bool = true, sendsHeld: Bool = false
    ) async throws -> ConsentEffect {
        try await people.note(
            StoredConsent(
                participant: person, destination: "common-db", kinds: [.bloodPressure],
                isGrant: isGrant, at: people.clock().utc), sendsHeld: sendsHeld, by: staff)
    }

    @Test("a value belongs to who held the table, with where and by whom it was measured")
    func session() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            _ = try await people.begin(
                .code("ｐ１"), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            _ = await desk.take([Self.pressure(60)])
            let stored = try #require(try await desk.stored().first)
            #expect(stored.participant == "P1")
            #expect(stored.participantRule == "station-session")
            #expect(stored.context?.station == "one")
            #expect(stored.context?.setting == "checkup")
            #expect(stored.context?.testLabID == "000000000001")
            #expect(stored.context?.measuredBy == "staff")
            #expect(stored.context?.isMedicalDevice == true)
            #expect(stored.context?.sensitivity == "sensitive")
            let sessions = try await desk.spool.sessions(after: 0, limit: 10)
            #expect(sessions.map(\.end) == ["complete"])
            let events = try await desk.spool.ledger(limit: 100).map(\.event)
            #expect(events.contains("session-begun") && events.contains("session-ended"))
        }
    }

    @Test("the sessions of before a restart decide after it, doubts included")
    func restart() async throws {
        try await Desk.run { desk in
            var people = try await Self.people(desk)
            for (person, second) in [("P1", Int64(0)), ("P2", 30)] {
                Self.clock(desk, second)
                _ = try await people.begin(
                    .code(person), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            }
            people = try await Self.people(desk)
            _ = await desk.take([Self.pressure(20), Self.pressure(60)])
            let stored = try await desk.stored()
            #expect(stored.map(\.participant) == ["P1", "P2"], "P1's came after all")
        }
        try await Desk.run { desk in
            var people = try await Self.people(desk)
            for (person, second) in [("P1", Int64(0)), ("P2", 30)] {
                Self.clock(desk, second)
                _ = try await people.begin(
                    .code(person), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            }
            people = try await Self.people(desk)
            _ = people
            _ = await desk.take([Self.pressure(60)])
            let stored = try #require(try await desk.stored().first)
            #expect(stored.participant == nil)
            #expect(stored.participantRule == "the person before may have measured only now")
        }
    }

    @Test(
        "a doubtful value is the next person's once the missing one of the person before has come")
    func doubt() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            for (person, second) in [("P1", Int64(0)), ("P2", 30), ("P3", 90)] {
                Self.clock(desk, second)
                _ = try await people.begin(
                    .code(person), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
                if person == "P2" { _ = await desk.take([Self.pressure(60)]) }
            }
            _ = await desk.take([Self.pressure(120)])
            #expect(try await desk.stored().map(\.participant) == [nil, nil])
            _ = await desk.take([Self.pressure(20)])
            let stored = try await desk.stored()
            #expect(stored.map(\.participant) == ["P2", "P3", "P1"], "each by its own time")
            #expect(stored.allSatisfy { $0.participantRule == "station-session" })
            let assigned = try await desk.spool.ledger(limit: 100).filter { $0.event == "assigned" }
            #expect(assigned.map(\.actor) == ["gateway", "gateway"])
            #expect(assigned.map(\.subject) == stored.prefix(2).map(\.record.key.hex))
        }
    }

    @Test("a doubt stays while anything is missing, and after the person before measured late")
    func doubtStays() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            for (person, second) in [("P1", Int64(0)), ("P2", 30)] {
                Self.clock(desk, second)
                _ = try await people.begin(
                    .code(person), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            }
            // Which of the two is P1's nobody can tell, however many come.
            _ = await desk.take([Self.pressure(60)])
            _ = await desk.take([Self.pressure(90)])
            #expect(try await desk.stored().allSatisfy { $0.participant == nil })
        }
    }

    @Test("a refused card ends the session of who stood there before")
    func refusedCard() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            _ = try await people.begin(
                .code("P1"), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            Self.clock(desk, 30)
            await #expect(
                throws: PeopleRefusal.unknown(
                    code: "unknown-code", "P9 is not registered; near to it: P1, P2, P3")
            ) {
                _ = try await people.begin(
                    .code("p９"), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            }
            _ = await desk.take([Self.pressure(60)])
            let stored = try #require(try await desk.stored().first)
            #expect(stored.participant == nil)
            #expect(stored.participantRule == "nobody had a session at one then")
        }
    }

    @Test("a guest's value is shown and cannot be sent or given to anybody")
    func guest() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            _ = try await people.begin(
                .guest, at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            _ = await desk.take([Self.pressure(60)])
            let stored = try #require(
                try await desk.spool.records(limit: 10, filter: .guest).first)
            #expect(stored.deliveries.map(\.reason) == ["guest"])
            #expect(try await desk.spool.counts().unassigned == 0)
            await #expect(throws: SpoolError.refused("record 1 is a guest's")) {
                try await desk.spool.assign(
                    stored.rowID, to: "P1", rule: "person", destinations: [], at: Desk.noon)
            }
        }
    }

    @Test("a card is known again by a keyed hash; its number is nowhere in the store")
    func card() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            let number = "0114B34D2A16C809"
            _ = try await people.registerCard(number, of: "P2", by: Self.staff)
            let session = try await people.begin(
                .card("01:14:b3:4d:2a:16:c8:09"), at: "one", since: nil, isPreviousGone: false,
                by: Self.staff)
            #expect(session.person == .participant("P2"))
            await #expect(throws: PeopleRefusal.self) {
                _ = try await people.begin(
                    .card("0114B34D2A16C80A"), at: "one", since: nil, isPreviousGone: false,
                    by: Self.staff)
            }
            await desk.spool.close()
            for file in ["hakaru.db", "hakaru.db-wal"] {
                let path = desk.directory + "/" + file
                let bytes = (try? FileReader.read(path)) ?? []
                for text in [number, number.lowercased(), "01:14:b3"] {
                    #expect(!bytes.holds(Array(text.utf8)), "\(file)")
                }
                #expect(!bytes.holds([0x01, 0x14, 0xB3, 0x4D, 0x2A, 0x16, 0xC8, 0x09]))
            }
        }
    }

    @Test("a withdrawal holds what waits; a new grant sends it only where the person says so")
    func withdrawal() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            _ = try await Self.grant(people, "P1")
            _ = try await people.begin(
                .code("P1"), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            _ = await desk.take([Self.pressure(60)])
            func states() async throws -> [DeliveryState] {
                try await desk.stored().flatMap { $0.deliveries.map(\.state) }
            }
            #expect(try await states() == [.waiting])
            #expect(try await Self.grant(people, "P1", isGrant: false).held == 1)
            #expect(try await states() == [.held])
            #expect(try await Self.grant(people, "P1") == ConsentEffect())
            #expect(try await states() == [.held])
            #expect(try await Self.grant(people, "P2", sendsHeld: true).released == 0)
            #expect(try await Self.grant(people, "P1", sendsHeld: true).released == 1)
            #expect(try await states() == [.waiting])
            let record = try #require(try await desk.stored().first)
            #expect(people.obstacle(record.record, "P1", to: "common-db") == nil)
            #expect(people.obstacle(record.record, "P1", to: "other") == "no consent")
            #expect(
                people.obstacle(record.record, "P3", to: "common-db") == "no consent")
        }
    }

    @Test("what was measured outside of the participation is held")
    func participation() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 0)
            _ = try await Self.grant(people, "P3")
            _ = try await people.begin(
                .code("P3"), at: "one", since: nil, isPreviousGone: false, by: Self.staff)
            _ = await desk.take([Self.pressure(60)])
            let stored = try #require(try await desk.stored().first)
            #expect(stored.participant == "P3")
            #expect(stored.deliveries.map(\.reason) == ["outside the participation period"])
        }
    }

    @Test("a list with a problem changes nothing; what is imported is there after a restart")
    func lists() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            await #expect(throws: People.ListRefusal.self) {
                _ = try await people.importLists(
                    Array("consortium_id,participant_id\nC1,P7\nC1,\n".utf8), file: "p.csv",
                    isYAML: false, kind: nil, by: Self.staff)
            }
            #expect(people.codes.sorted == ["P1", "P2", "P3"])
            let again = try await Self.people(desk)
            #expect(again.codes.sorted == ["P1", "P2", "P3"])
            #expect(try await again.table(.participants).rows.count == 3)
        }
    }

    @Test("sessions are refused in the future, before another one, and at no station")
    func refusals() async throws {
        try await Desk.run { desk in
            let people = try await Self.people(desk)
            Self.clock(desk, 100)
            func begin(_ station: String, _ second: Int64) async -> String? {
                do throws(PeopleRefusal) {
                    _ = try await people.begin(
                        .code("P1"), at: station, since: Desk.noon + .seconds(second),
                        isPreviousGone: false, by: Self.staff)
                    return nil
                } catch {
                    switch error {
                    case .unknown(let code, _), .wrong(let code, _): return code
                    case .store: return "store"
                    }
                }
            }
            #expect(await begin("three", 0) == "unknown-station")
            #expect(await begin("one", 500) == "future")
            #expect(await begin("one", 50) == nil)
            #expect(await begin("one", 20) == "out-of-order")
            #expect(await begin("two", 20) == nil)
        }
    }
}

extension [UInt8] {
    fileprivate func holds(_ other: [UInt8]) -> Bool {
        guard count >= other.count else { return false }
        return indices.dropLast(other.count - 1).contains {
            self[$0] == other[0] && self[$0..<($0 + other.count)].elementsEqual(other)
        }
    }
}
