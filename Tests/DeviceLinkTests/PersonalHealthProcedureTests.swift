import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

/// Sessions with personal health devices: what comes in and goes out, what is stored and when.
@Suite("PersonalHealthProcedure")
struct PersonalHealthProcedureTests {
    private static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter { $0 != " " }
        return stride(from: 0, to: digits.utf8.count, by: 2).map { start in
            let from = digits.index(digits.startIndex, offsetBy: start)
            return UInt8(digits[from..<digits.index(from, offsetBy: 2)], radix: 16)!
        }
    }

    private static func profile(_ wire: String = "") throws -> DeviceProfile {
        let text = """
            profile: 1
            id: health
            revision: 1
            title: Health
            class: any
            generic: true
            medical-device: false
            manufacturer-code: Unknown
            models: [{ name: health }]
            transport: usb-bulk
            confidence: unverified
            confidence-note: a profile of this test
            match: [{ interface-class: 15 }]
            wire: { procedure: ieee-11073-20601\(wire) }
            layouts: [{ source: usb, protocol: ieee-11073-20601 }]
            time: { clock: local, readings: mixed }
            """
        let problems = ProblemList()
        let loaded = ProfileLoader.load(Array(text.utf8), file: "health.yaml", problems: problems)
        return try #require(loaded, "\(problems)")
    }

    private struct Bench {
        var session: WireSession
        var sent: [[UInt8]] = []
        var commits: [SessionCommit] = []
        var end: SessionEnd?
        var notes: [SessionNote] = []
        var timers: [WireTimer: Interval] = [:]
        var stores = true
        var synchronised = true
        var now = Instant(seconds: 1_772_320_500)  // 2026-03-01 08:15:00 in Tokyo

        init(
            _ profile: DeviceProfile, synchronised: Bool = true, known: [KnownConfiguration] = []
        ) throws {
            self.synchronised = synchronised
            session = try #require(
                WireSession(
                    candidates: [profile], device: DeviceDescription(id: DeviceID("usb:1-1")),
                    memory: DeviceMemory(), known: known,
                    zone: PersonalHealthProcedureTests.zone,
                    simulated: true,
                    now: GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: synchronised))
            )
        }

        var time: GatewayTime {
            GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: synchronised)
        }
        var entries: [SessionEntry] { commits.flatMap(\.entries) }
        var records: [Record] { entries.compactMap(\.record) }

        mutating func feed(_ event: WireEvent) {
            var events = [event]
            while !events.isEmpty {
                for action in session.handle(events.removeFirst()) {
                    switch action {
                    case .send(let bytes): sent.append(bytes)
                    case .control(let transfer):
                        events.append(.control([0, 0], at: time))
                        #expect(transfer.requestType == 0x80 && transfer.request == 0)
                    case .commit(let commit):
                        commits.append(commit)
                        if stores { events.append(.committed(commit.number, at: time)) }
                    case .startTimer(let timer, let length): timers[timer] = length
                    case .cancelTimer(let timer): timers[timer] = nil
                    case .note(let note): notes.append(note)
                    case .finished(let end): self.end = end
                    default: break
                    }
                }
            }
        }

        mutating func receive(_ hex: String) {
            feed(.received(PersonalHealthProcedureTests.bytes(hex), at: time))
        }
    }

    private static let scale =
        "e2000032800000000001002a507900268000000080008000000000000000008000000008112233445566778805dc"
        + "0081010000000000"
    /// Model "Scale 1" of "Maker", its clock two minutes behind.
    private static let system =
        "e700002e 002c 0000 0203 0026 0000 0002 0020 0928 0010 0005 4d616b6572 0007 5363616c652031"
        + "0987 0008 2026030108130000"
    private static let weight =
        "e700002a 0028 1236 0101 0022 0000 ffffffff 0d1d 0018 f000 0000 0001 0010 0001 000c ff0002fa "
        + "20260301 08120000"

    @Test(
        "a weighing is corrected by the scale's own clock, kept with all it is read by, then confirmed"
    )
    func weighing() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(Self.scale)
        bench.receive(Self.system)
        bench.stores = false
        bench.receive(Self.weight)
        let beforeStore = bench.sent.count
        #expect(bench.entries.map(\.reading.outcome) == [.measurement])
        #expect(beforeStore == 2)
        bench.feed(.committed(try #require(bench.commits.last).number, at: bench.time))
        #expect(bench.sent.count == 3)
        #expect(bench.sent.last?.starts(with: Self.bytes("e7000012 0010 1236 0201")) == true)
        let record = try #require(bench.records.first)
        #expect(record.quantity(.weight)?.number?.text == "76.2")
        #expect(record.deviceTime?.description == "2026-03-01T08:12:00")
        #expect(record.time?.observed == Instant(seconds: 1_772_320_500 - 60))
        #expect(record.device.model == "Scale 1")
        #expect(record.device.manufacturer == "Maker")
        let frame = try #require(bench.entries.first?.frames.first)
        #expect(frame.bytes == Self.bytes(Self.scale) + Self.bytes(Self.weight))
        let again = try Self.profile().layouts[0].readings(frame.bytes)
        #expect(again.map(\.quantities) == [record.quantities])
        #expect(again[0].keyBytes == bench.entries[0].reading.keyBytes)
    }

    @Test("an unplugged device that was let go gave all it had; one cut off did not")
    func unplugged() throws {
        var atRest = try Bench(try Self.profile())
        atRest.feed(.opened(at: atRest.time))
        atRest.receive(Self.scale)
        atRest.receive(Self.system)
        atRest.receive("e40000020000")
        #expect(atRest.end == nil)
        atRest.feed(.unplugged(at: atRest.time))
        #expect(atRest.end == .complete)

        var cut = try Bench(try Self.profile())
        cut.feed(.opened(at: cut.time))
        cut.receive(Self.scale)
        cut.feed(.unplugged(at: cut.time))
        #expect(cut.end == .interrupted("the device was unplugged"))
    }

    @Test("a scale that weighs again and again is read each time without being plugged in anew")
    func associatesAgain() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        for minute in 12...14 {
            bench.receive(Self.scale)
            let id = minute - 12
            bench.receive(
                "e7000014 0012 000\(id) 0203 000c 0000 0001 0006 099c 0002 0055")
            bench.receive(Self.weight.replacing("08120000", with: "08\(minute)0000"))
            bench.receive("e40000020000")
        }
        #expect(bench.records.count == 3)
        #expect(Set(bench.records.map(\.key.hex)).count == 3)
        #expect(bench.end == nil)
    }

    @Test("the same weighing sent again has the same key")
    func sameKey() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(Self.scale)
        bench.receive(Self.system)
        bench.receive(Self.weight)
        bench.receive(Self.weight.replacing("1236", with: "1237"))
        #expect(bench.records.count == 2)
        #expect(Set(bench.records.map(\.key.hex)).count == 1)
    }

    @Test("a store that takes nothing ends the session before anything is confirmed")
    func storeFails() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(Self.scale)
        bench.receive(Self.system)
        bench.stores = false
        bench.receive(Self.weight)
        let sent = bench.sent.count
        bench.feed(.commitFailed(try #require(bench.commits.last).number, at: bench.time))
        #expect(bench.sent.count == sent)
        #expect(bench.end == .interrupted("the store takes nothing"))
    }

    @Test("malformed bytes are noted with their place, and no reading comes of them")
    func malformed() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(Self.scale)
        bench.receive(Self.system)
        bench.receive(Self.weight.replacing("0001 000c ff", with: "0009 000c ff"))
        #expect(bench.records.isEmpty)
        #expect(
            bench.notes.contains(
                .refused(
                    step: "ieee-11073-20601",
                    "malformed APDU, byte 30: the configuration has no object 9")))
        #expect(bench.sent.last == Self.bytes("e700000a 0008 1236 0400 0002 0002"))
    }

    @Test("an agent that falls silent is told why the association ends, and may come again")
    func silent() throws {
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(Self.scale)
        #expect(bench.timers[.reply] == .seconds(3))
        bench.feed(.timer(.reply, at: bench.time))
        #expect(bench.sent.last == Self.bytes("e60000020002"))
        #expect(bench.end == nil)
        bench.feed(.timer(.reply, at: bench.time))
        guard case .interrupted(let why)? = bench.end else {
            Issue.record("\(String(describing: bench.end))")
            return
        }
        #expect(why.contains("unplug it"))
    }

    @Test("the clock is set only where the profile says so, and the step is remembered")
    func setsClock() throws {
        let info = "0a45 0010 4000 1f00 00000000 0000 0000 00000000"
        let clock = "0987 0008 2026030108050000"
        let system = "e700002e 002c 0000 0203 0026 0000 0002 0020" + info + clock
        func run(_ wire: String, synchronised: Bool = true) throws -> Bench {
            var bench = try Bench(try Self.profile(wire), synchronised: synchronised)
            bench.feed(.opened(at: bench.time))
            bench.receive(Self.scale)
            bench.receive(system)
            return bench
        }
        var set = try run(", set-clock: true")
        #expect(
            set.sent.last
                == Self.bytes(
                    "e700001a 0018 0001 0107 0012 0000 0c17 000c 2026030108150000 00000000"))
        set.receive("e700000e 000c 0001 0207 0006 0000 0c17 0000")
        #expect(set.notes.contains(.clockSet(at: set.now)))
        set.receive("e40000020000")
        set.feed(.unplugged(at: set.time))
        let memory = try #require(set.commits.last?.memory)
        #expect(memory.clockSteps.map(\.offset) == [.seconds(600)])
        #expect(memory.clockSetAt == set.now)
        #expect(try run("").sent.count == 2)
        // A gateway that does not know the time tells none.
        let unknown = try run(", set-clock: true", synchronised: false)
        #expect(unknown.sent.count == 2)
        #expect(
            unknown.notes.contains(
                .clockNotSet(because: "the gateway's own clock is not synchronised")))
    }

    @Test("readings stamped by a counter are dated by what it shows when they are sent")
    func counter() throws {
        // A thermometer: one object, FLOAT and relative stamp; the counter stands at 0x14000.
        let association = Self.scale.replacing("05dc", with: "4000")
        let configuration = Self.fit(
            "4000 0001 0026 0006 0001 0003 001e 092f 0004 0002 4b5c 0996 0002 17a0"
                + "0a55 000c 0002 0008 0a56 0004 0991 0004", event: "0d1c", time: "ffffffff")
        var bench = try Bench(try Self.profile())
        bench.feed(.opened(at: bench.time))
        bench.receive(association)
        bench.receive(configuration)
        bench.receive("e7000014 0012 0000 0203 000c 0000 0001 0006 099c 0002 0055")
        // Eight seconds (64000 steps of 125 µs) before the report.
        bench.receive(
            Self.fit(
                "f000 0000 0001 000c 0001 0008 fe000e74 00004600", event: "0d1d", time: "00014000"))
        let record = try #require(bench.records.first)
        #expect(record.quantity(.bodyTemperature)?.number?.text == "37.00")
        #expect(record.time?.observed == Instant(seconds: 1_772_320_500 - 8))
        #expect(record.quarantine == nil)
    }

    @Test("what a device tells of itself is handed out to be kept, and the next session goes by it")
    func keepsConfiguration() throws {
        let association = Self.scale.replacing("05dc", with: "4000")
        let told = Self.fit(
            "4000 0001 0026 0006 0001 0003 001e 092f 0004 0002 e140 0996 0002 06c3"
                + "0a55 000c 0002 0008 0a56 0004 0990 0008", event: "0d1c", time: "ffffffff")
        let attributes = "e7000014 0012 0000 0203 000c 0000 0001 0006 099c 0002 0055"
        func kept(_ bench: Bench, _ isKept: Bool) -> [KnownConfiguration] {
            bench.notes.compactMap {
                if case .configuration(let known, isKept) = $0 { known } else { nil }
            }
        }
        var first = try Bench(try Self.profile())
        first.feed(.opened(at: first.time))
        first.receive(association)
        #expect(first.sent.last?.starts(with: Self.bytes("e300002c0003")) == true)
        first.receive(told)
        first.receive(attributes)
        let known = kept(first, true)
        #expect(known.map(\.id) == [0x4000])
        #expect(known.first?.apdu == Self.bytes(told))

        var second = try Bench(try Self.profile(), known: known)
        second.feed(.opened(at: second.time))
        second.receive(association)
        #expect(second.sent.last?.starts(with: Self.bytes("e700000e")) == true, "asked who it is")
        #expect(second.sent.first?.starts(with: Self.bytes("e300002c0000")) == true)
        second.receive(attributes)
        second.receive(Self.weight)
        let record = try #require(second.records.first)
        #expect(record.quantity(.weight)?.number?.text == "76.2")
        #expect(kept(second, true).isEmpty && kept(second, false).isEmpty)
        // The raw frame can be read again by itself: what was kept stands in it.
        let frame = try #require(second.entries.first?.frames.first)
        #expect(frame.bytes == Self.bytes(association) + Self.bytes(told) + Self.bytes(Self.weight))
        let again = try Self.profile().layouts[0].readings(frame.bytes)
        #expect(again.map(\.quantities) == [record.quantities])

        // Another object under the same number: nothing is confirmed, what was kept is to go.
        second.receive(Self.weight.replacing("0001 000c ff", with: "0009 000c ff"))
        #expect(second.records.count == 1)
        #expect(kept(second, false) == known)
        #expect(second.sent.last == Self.bytes("e60000020000"))
    }

    /// A confirmed event report around this information.
    private static func fit(_ information: String, event: String, time: String) -> String {
        func word(_ count: Int) -> String {
            let digits = String(count, radix: 16)
            return String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
        let info = information.filter { $0 != " " }
        let count = info.utf8.count / 2
        let body = "0000" + time + event + word(count) + info
        let message = "00010101" + word(count + 10) + body
        return "e700" + word(count + 18) + word(count + 16) + message
    }
}
