import DataFiles
import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Register
import Registry
import Spool
import StationInput
import Testing
import USBLink

@testable import Gateway

/// Scanners on terminals at two stations, on a real store.
@Suite("Readers of stations", .timeLimit(.minutes(1))) struct ServicesReaderServiceTests {
    init() { LoopThread.start() }

    @LoopActor private final class Hall {
        let people: People
        let service: ReaderService
        let desk: Desk
        var events: [String] = []

        init(_ desk: Desk, readers: [ReaderBinding]) async throws {
            self.desk = desk
            var configuration = Configuration(
                gateway: .init(id: "gw", consortiumID: "C00001", timeZone: .utc))
            configuration.stations = [.init(name: "one"), .init(name: "two")]
            people = People(
                configuration, spool: desk.spool, roster: Roster(ownerships: [], grants: []),
                profiles: { [unowned desk] in desk.profiles }, boot: "this boot",
                clock: { [unowned desk] in desk.now })
            let list = "consortium_id,participant_id\nC00001,MDM-001\nC00001,MDM-002\n"
            _ = try await people.importLists(
                Array(list.utf8), file: "p.csv", isYAML: false, kind: nil, by: .user(0))
            service = ReaderService(
                people: people, counters: desk.counters,
                bindings: ReaderBindings(stateDirectory: desk.directory, configured: readers))
            service.onEvent = { [unowned self] in
                events.append(String(decoding: $0, as: UTF8.self))
            }
            service.start()
        }

        func state(_ node: String) -> String? {
            service.seats.values.first { "\($0.binding.settings.place)" == node }?.state
        }
        func whoIsAt(_ station: String) -> SessionPerson? {
            people.book.open(station, at: people.now)?.person
        }
    }

    private static func binding(_ node: String, _ station: String = "one") throws -> ReaderBinding {
        let place = try #require(ReaderPlace(node))
        return ReaderBinding(
            station: station, settings: ReaderSettings(kind: .serial, place: place),
            isConfigured: true)
    }

    @Test("a scanned code begins the session at its own station, the next one ends it")
    func sessions() async throws {
        let one = Terminal()
        let two = Terminal()
        let (first, second) = (one.node, two.node)
        let (a, b) = (one.device, two.device)
        try await Desk.run { desk in
            let hall = try await Hall(
                desk, readers: [try Self.binding(first), try Self.binding(second, "two")])
            #expect(
                await eventually { hall.state(first) == "ready" && hall.state(second) == "ready" })
            Self.say("mdm-001\r", a)
            #expect(await eventually { hall.whoIsAt("one") == .participant("MDM-001") })
            #expect(hall.whoIsAt("two") == nil, "another station's reader is another matter")
            Self.say("MDM-002\r", b)
            #expect(await eventually { hall.whoIsAt("two") == .participant("MDM-002") })
            Self.say("MDM-002\r", a)
            #expect(await eventually { hall.whoIsAt("one") == .participant("MDM-002") })
            let stored = try await desk.spool.sessions(after: 0, limit: 10)
            #expect(stored.map(\.participant) == ["MDM-001", "MDM-002", "MDM-002"])
            #expect(stored.first?.end == "next-card")
            let actors = try await desk.spool.ledger(limit: 100).map(\.actor)
            #expect(actors.contains("reader \(first)"))
            #expect(hall.events.first == "{\"station\":\"one\",\"session\":1,\"refused\":null}")
            #expect(desk.counters.values["reader_sessions"] == 3)
            await hall.service.stop()
        }
    }

    /// Types from the loop, where the terminal itself cannot be taken along.
    private static func say(_ text: String, _ descriptor: Int32) {
        let bytes = Array(text.utf8)
        write(descriptor, bytes, bytes.count)
    }

    @Test("a card that nobody knows ends the session, is counted and told, and is written nowhere")
    func unknownCard() async throws {
        let scanner = Terminal()
        let (node, line) = (scanner.node, scanner.device)
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [try Self.binding(node)])
            #expect(await eventually { hall.state(node) == "ready" })
            Self.say("MDM-001\r", line)
            #expect(await eventually { hall.whoIsAt("one") != nil })
            Self.say("4912345678904\r", line)
            #expect(await eventually { desk.counters.values["reader_unknown_card"] == 1 })
            #expect(hall.whoIsAt("one") == nil, "somebody else stands there now")
            let seat = try #require(hall.service.seats.values.first)
            #expect(seat.reads == 2 && seat.refusals == 1)
            #expect(seat.lastRefusal?.refusal.code == "unknown-card")
            #expect(
                hall.events.last
                    == "{\"station\":\"one\",\"session\":null,\"refused\":\"unknown-card\"}")
            await hall.service.stop()
            await desk.spool.close()
            #expect(try Self.holds("4912345678904", desk.directory) == [])
        }
    }

    @Test("half a code and a document in a QR code end the session and begin none")
    func noCodes() async throws {
        let scanner = Terminal()
        let (node, line) = (scanner.node, scanner.device)
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [try Self.binding(node)])
            #expect(await eventually { hall.state(node) == "ready" })
            for (text, counter) in [
                ("MDM-00", "reader_incomplete"),
                (String(repeating: "9", count: 200) + "\r", "reader_too_long"),
                ("\u{1}\r", "reader_unreadable"),
            ] {
                Self.say("MDM-001\r", line)
                #expect(await eventually { hall.whoIsAt("one") != nil })
                Self.say(text, line)
                #expect(await eventually { desk.counters.values[counter] == 1 }, "\(counter)")
                #expect(hall.whoIsAt("one") == nil)
            }
            await hall.service.stop()
        }
    }

    @Test("a label that is read again and again means it once; after another one it counts anew")
    func bounce() async throws {
        let scanner = Terminal()
        let (node, line) = (scanner.node, scanner.device)
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [try Self.binding(node)])
            #expect(await eventually { hall.state(node) == "ready" })
            Self.say("MDM-001\rMDM-001\rMDM-001\rMDM-002\rMDM-001\r", line)
            #expect(await eventually { desk.counters.values["reader_sessions"] == 3 })
            #expect(desk.counters.values["reader_repeated"] == 2)
            let stored = try await desk.spool.sessions(after: 0, limit: 10)
            #expect(stored.map(\.participant) == ["MDM-001", "MDM-002", "MDM-001"])
            await hall.service.stop()
        }
    }

    @Test(
        "a card is registered where it is read, and then opens its owner's session; only a hash is kept"
    )
    func registered() async throws {
        let scanner = Terminal()
        let (node, line) = (scanner.node, scanner.device)
        let identifier: [UInt8] = [0x01, 0x14, 0xB3, 0x4C, 0x5D, 0x6E, 0x7F, 0x80]
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [try Self.binding(node)])
            #expect(await eventually { hall.state(node) == "ready" })
            let place = try #require(ReaderPlace(node))
            let waiting = spawn { await hall.service.nextCard(at: "one") }
            try await sleep(for: .milliseconds(20))
            hall.service.desk.take(.card(identifier), from: place, at: "one")
            let number = try #require(await waiting.value)
            #expect(number == "0114b34c5d6e7f80")
            _ = try await hall.people.registerCard(number, of: "MDM-002", by: .user(0))
            #expect(hall.whoIsAt("one") == nil, "the card that is registered begins no session")
            hall.service.desk.take(.card(identifier), from: place, at: "one")
            #expect(await eventually { hall.whoIsAt("one") == .participant("MDM-002") })
            Self.say("01:14:B3:4C:5D:6E:7F:80\r", line)
            #expect(
                await eventually { desk.counters.values["reader_sessions"] == 2 },
                "typed in any spelling it is the same card")
            await hall.service.stop()
            await desk.spool.close()
            for spelling in ["0114b34c5d6e7f80", "0114B34C5D6E7F80", "01:14:B3:4C"] {
                #expect(try Self.holds(spelling, desk.directory) == [])
            }
            #expect(try Self.holds(identifier, desk.directory) == [])
        }
    }

    @Test(
        "nobody who does not come is waited for without end, and a second desk takes the place of the first"
    )
    func secondRegistration() async throws {
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [])
            let first = spawn { await hall.service.nextCard(at: "one") }
            try await sleep(for: .milliseconds(20))
            let second = spawn { await hall.service.nextCard(at: "one") }
            #expect(await first.value == nil)
            let place = try #require(ReaderPlace("1-1"))
            hall.service.desk.take(.code("12345"), from: place, at: "one")
            #expect(await second.value == "12345")
            await hall.service.stop()
        }
    }

    @Test("a reader that is not there is waited for, and its station's name has to be one")
    func absent() async throws {
        try await Desk.run { desk in
            let hall = try await Hall(
                desk,
                readers: [
                    try Self.binding("/dev/ttyUSB250"), try Self.binding("1-1.7"),
                    try Self.binding("05e0:1200@1-1.8", "three"),
                ])
            #expect(hall.state("/dev/ttyUSB250") == "not plugged in")
            #expect(hall.state("1-1.7") == "not plugged in")
            #expect(
                hall.state("05e0:1200@1-1.8")
                    == "needs-person: the configuration names no station three")
            await hall.service.stop()
        }
    }

    @Test("a reader is bound and given back while the daemon runs, and is there after a restart")
    func bound() async throws {
        let scanner = Terminal()
        let (node, line) = (scanner.node, scanner.device)
        try await Desk.run { desk in
            let former = try await Hall(desk, readers: [])
            #expect(!former.service.isWatching, "without a reader nothing wakes the gateway")
            let settings = try Self.binding(node).settings
            let seat = try #require(try await former.service.bind(settings, to: "two"))
            #expect(seat.state == "ready" && former.service.isWatching)
            await former.service.stop()
            let hall = try await Hall(desk, readers: [])
            #expect(await eventually { hall.state(node) == "ready" })
            Self.say("MDM-001\r", line)
            #expect(await eventually { hall.whoIsAt("two") == .participant("MDM-001") })
            try await hall.service.unbind(settings.place)
            #expect(hall.service.seats.isEmpty && hall.service.bindings.bindings.isEmpty)
            #expect(!hall.service.isWatching)
            await hall.service.stop()
        }
    }

    @Test(
        "a changed configuration opens its new readers, leaves the others alone and gives up the rest"
    )
    func reconfigured() async throws {
        let one = Terminal()
        let two = Terminal()
        let three = Terminal()
        let nodes = [one.node, two.node, three.node]
        let line = one.device
        try await Desk.run { desk in
            let first = try Self.binding(nodes[0])
            let second = try Self.binding(nodes[1])
            let third = try Self.binding(nodes[2], "two")
            let hall = try await Hall(desk, readers: [first, second])
            #expect(
                await eventually {
                    hall.state(nodes[0]) == "ready" && hall.state(nodes[1]) == "ready"
                })
            await hall.service.take([first, third])
            #expect(await eventually { hall.state(nodes[2]) == "ready" })
            #expect(hall.state(nodes[1]) == nil && hall.service.seats.count == 2)
            #expect(desk.counters.values["reader_opened"] == 3, "the first one was not opened anew")
            Self.say("MDM-001\r", line)
            #expect(await eventually { hall.whoIsAt("one") == .participant("MDM-001") })
            await hall.service.take([])
            #expect(hall.service.seats.isEmpty && !hall.service.isWatching)
            await hall.service.stop()
        }
    }

    @Test("more reads than anybody can hold cards for are counted, not kept")
    func overrun() async throws {
        try await Desk.run { desk in
            let hall = try await Hall(desk, readers: [])
            let place = try #require(ReaderPlace("1-1"))
            for number in 0..<100 {
                hall.service.desk.take(.code("MDM-00\(number % 2 + 1)"), from: place, at: "one")
            }
            #expect(desk.counters.values["reader_overrun"] == 36)
            await hall.service.stop()
        }
    }

    // MARK: what the store holds

    /// The files of a directory in which a text stands.
    private static func holds(_ text: String, _ directory: String) throws -> [String] {
        try holds(Array(text.utf8), directory)
    }

    private static func holds(_ wanted: [UInt8], _ directory: String) throws -> [String] {
        let files = try FileReader.list(directory, suffix: "")
        #expect(!files.isEmpty)
        return try files.filter { file in
            let bytes = try FileReader.read(file)
            guard bytes.count >= wanted.count else { return false }
            return bytes.withUnsafeBytes { bytes in
                (0...(bytes.count - wanted.count)).contains { start in
                    bytes[start] == wanted[0]
                        && bytes[start..<(start + wanted.count)].elementsEqual(wanted)
                }
            }
        }
    }
}
