import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

/// A device on a cable that answers by a table, and a store that always takes.
private struct CableBench {
    var session: WireSession
    var sent: [[UInt8]] = []
    var commits: [SessionCommit] = []
    var end: SessionEnd?
    var notes: [SessionNote] = []
    var written: [[UInt8]] = []
    var now = Instant(seconds: 1_800_000_000)
    /// Commits are answered at once; off to see what waits for them.
    var stores = true
    var timers: [WireTimer: Interval] = [:]

    static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)

    init(_ profiles: [DeviceProfile]) throws {
        let time = GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: true)
        session = try #require(
            WireSession(
                candidates: profiles, device: DeviceDescription(id: DeviceID("usb:1-1")),
                memory: DeviceMemory(), zone: Self.zone, simulated: true, now: time))
    }

    var time: GatewayTime {
        GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: true)
    }

    var records: [SessionEntry] { commits.flatMap(\.entries) }

    /// Feeds events and does what they ask for; `answer` says what the device sends back.
    mutating func feed(_ event: WireEvent, answer: ([UInt8]) -> [[UInt8]] = { _ in [] }) {
        var events = [event]
        while !events.isEmpty {
            for action in session.handle(events.removeFirst()) {
                switch action {
                case .send(let bytes):
                    sent.append(bytes)
                    events += answer(bytes).map { .received($0, at: time) }
                case .setFeature, .setOutput: events.append(.done(at: time))
                case .writeBlock(_, let bytes): written.append(bytes)
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
}

@Suite("A session on a cable") struct WireSessionTests {
    private func profile(
        _ id: String, transport: String = "serial", wire: String, layout: String,
        readings: String = "live"
    ) throws -> DeviceProfile {
        let text = """
            profile: 1
            id: \(id)
            revision: 1
            title: Test
            class: any
            generic: true
            transport: \(transport)
            confidence: verified
            manufacturer-code: Example
            models: [ { name: \(id) } ]
            match: [ { usb: "0001:0002" } ]
            wire: \(wire)
            layouts: [ \(layout) ]
            time: { clock: \(readings == "live" ? "none" : "local"), readings: \(readings), unreadable-clock: unchanged }
            """
        let problems = ProblemList()
        let profile = ProfileLoader.load(Array(text.utf8), file: "test.yaml", problems: problems)
        #expect(problems.problems.map(\.description) == [])
        return try #require(profile)
    }

    private func scale() throws -> DeviceProfile {
        try profile(
            "scale", wire: "{ procedure: listen, plateau: 500ms, framing: { lines: {} } }",
            layout: """
                { source: serial, text: [ { template: "{h:text2},{weight:decimal} kg", kind: weight, \
                values: { weight: { field: weight, unit: kg } }, \
                outcomes: [ { field: h, is: US, outcome: not-final } ] } ] }
                """)
    }

    private func cuff() throws -> DeviceProfile {
        try profile(
            "cuff", transport: "usb-hid",
            wire: "{ procedure: omron-hhx, framing: { counted-reports: { maximum: 7, busy: 8 } } }",
            layout: "{ source: usb, protocol: omron-hhx }", readings: "stored")
    }

    // MARK: scales

    @Test("A scale that streams 50 lines a second gives one record per weighing")
    func plateau() throws {
        var bench = try CableBench([try scale()])
        bench.feed(.opened(at: bench.time))
        func line(_ text: String, _ bench: inout CableBench) {
            bench.now = bench.now + .milliseconds(20)
            bench.feed(.received(Array((text + "\r\n").utf8), at: bench.time))
        }
        for weight in ["61.20", "75.40"] {
            for _ in 0..<10 { line("US,+0031.00 kg", &bench) }
            for _ in 0..<100 { line("ST,+00\(weight) kg", &bench) }
            #expect(bench.timers[.pause] == .milliseconds(500))
            bench.feed(.timer(.pause, at: bench.time))
            for _ in 0..<100 { line("ST,+00\(weight) kg", &bench) }
            for _ in 0..<10 { line("ST,+0000.00 kg", &bench) }
        }
        let weights = bench.records.compactMap { $0.record?.quantity(.weight)?.number?.text }
        #expect(weights == ["61.20", "75.40"])
    }

    @Test("A value that moves away before it stood still is no record")
    func moving() throws {
        var bench = try CableBench([try scale()])
        bench.feed(.opened(at: bench.time))
        for text in ["ST,+0061.20 kg\r\n", "US,+0060.00 kg\r\n"] {
            bench.feed(.received(Array(text.utf8), at: bench.time))
        }
        #expect(bench.timers[.pause] == nil)
        bench.feed(.timer(.pause, at: bench.time))
        #expect(bench.records.isEmpty)
    }

    @Test("A line that is cut by an unplug is not half a weight")
    func cutLine() throws {
        var bench = try CableBench([try scale()])
        bench.feed(.opened(at: bench.time))
        bench.feed(.received(Array("ST,+0061".utf8), at: bench.time))
        bench.feed(.unplugged(at: bench.time))
        #expect(bench.records.isEmpty)
        #expect(bench.end == .complete)
    }

    // MARK: Omron's cable

    private static func report(_ bytes: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: 7).map { start in
            let part = bytes[start..<min(start + 7, bytes.count)]
            // What lies behind is left from older reports.
            return [UInt8(part.count)] + part + [UInt8](repeating: 0xCD, count: 7 - part.count)
        }
    }

    private static func ok(_ payload: [UInt8]) -> [UInt8] {
        [0x4F, 0x4B] + payload + [payload.reduce(0, ^)]
    }

    private static let record: [UInt8] = [0, 7, 1, 2, 0, 8, 0x26, 0, 0, 0x78, 0x49, 0x43, 0, 0]

    /// What a cuff with `count` records answers to the last report of a command.
    private static func answer(_ report: [UInt8], count: Int, version: String) -> [[UInt8]] {
        let text = String(decoding: report[1...], as: UTF8.self)
        let end: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0]
        if report == end { return [[2, 0x4F, 0x4B, 0, 0, 0, 0, 0]] }
        if text.hasPrefix("VER") { return Self.report(ok([0] + Array(version.utf8))) }
        if text.hasPrefix("SRL") { return Self.report(ok([0, 6, 0, 0, 0, 0, 0, 0])) }
        if text.hasPrefix("END") { return Self.report([0x4F, 0x4B]) }
        return []
    }

    /// Runs a whole session; `spoil` may change or swallow the answer to a record.
    private func run(
        _ bench: inout CableBench, count: Int, spoil: (Int) -> [UInt8]?
    ) {
        var command: [UInt8] = []
        var asked = 0
        bench.feed(.opened(at: bench.time)) { report in
            let known = Self.answer(report, count: count, version: "M7080IT 207")
            if !known.isEmpty { return known }
            if report[0] == 7, report[1] != 0 {
                command = Array(report[1...7])
                return []
            }
            guard report[0] == 1
            else { return [] }
            let name = String(decoding: command.prefix(3), as: UTF8.self)
            if name == "GDC" {
                return Self.report(Self.ok([0, 0, 0x13, 0, UInt8(count)]))
            }
            asked += 1
            return spoil(asked).map { Self.report($0) } ?? []
        }
    }

    @Test("Every record of a cuff is read, and the talk is ended only when they are on disk")
    func whole() throws {
        var bench = try CableBench([try cuff()])
        run(&bench, count: 2) { asked in
            var record = Self.record
            record[5] = UInt8(asked)
            return Self.ok(record)
        }
        #expect(bench.records.count == 2)
        #expect(bench.end == .complete)
        #expect(bench.sent.last.map { String(decoding: $0[1...3], as: UTF8.self) } == "END")
    }

    @Test("NO, another XOR and a reply of another length are asked again, not taken")
    func retries() throws {
        var bench = try CableBench([try cuff()])
        run(&bench, count: 1) { asked in
            switch asked {
            case 1: return [0x4E, 0x4F]
            case 2: return Self.ok(Self.record).dropLast() + [0xFF]
            default: return Self.ok(Self.record)
            }
        }
        #expect(bench.records.count == 1)
        let systolic = bench.records.first?.record?.quantity(.systolic)?.number
        #expect(systolic == ExactDecimal(120))
    }

    @Test("A record of which only a part ever comes ends the session without a reading of zeros")
    func partial() throws {
        var bench = try CableBench([try cuff()])
        run(&bench, count: 1) { _ in Array(Self.ok(Self.record).prefix(9)) }
        for _ in 0..<8 where bench.end == nil { bench.feed(.timer(.reply, at: bench.time)) }
        #expect(bench.records.isEmpty)
        guard case .interrupted? = bench.end else {
            Issue.record("\(String(describing: bench.end))")
            return
        }
    }

    @Test("An unplug at any moment ends the session once and doubles nothing")
    func unplugged() throws {
        var bench = try CableBench([try cuff()])
        bench.stores = false
        run(&bench, count: 1) { _ in Self.ok(Self.record) }
        #expect(bench.commits.count == 1)
        bench.feed(.unplugged(at: bench.time))
        #expect(bench.end == nil, "the commit is under way")
        bench.feed(.committed(bench.commits[0].number, at: bench.time))
        #expect(bench.end == .interrupted("the device was unplugged"))
        #expect(
            !bench.sent.contains {
                String(decoding: $0.dropFirst(), as: UTF8.self).hasPrefix("END")
            })
        bench.feed(.received([2, 0x4F, 0x4B], at: bench.time))
        #expect(bench.commits.count == 1)
    }

    // MARK: mass storage

    private func meter() throws -> DeviceProfile {
        try profile(
            "meter", transport: "usb-mass-storage", wire: "{ procedure: lifescan-storage }",
            layout: "{ source: usb, protocol: lifescan }", readings: "stored")
    }

    @Test(
        "A stick that only looks like a meter is never written to",
        arguments: [("SanDisk", "LifeScan MSC"), ("LifeScan", "Storage"), ("", "")])
    func lookAlike(vendor: String, interface: String) throws {
        var bench = try CableBench([try meter()])
        bench.feed(.opened(at: bench.time))
        bench.feed(
            .identity(
                StorageIdentity(vendor: vendor, product: "x", interface: interface), at: bench.time)
        )
        for _ in 0..<5 { bench.feed(.timer(.reply, at: bench.time)) }
        #expect(bench.written.isEmpty)
        guard case .needsPerson? = bench.end else {
            Issue.record("\(String(describing: bench.end))")
            return
        }
    }

    @Test("A meter that says nothing of itself is not written to either")
    func silent() throws {
        var bench = try CableBench([try meter()])
        bench.feed(.opened(at: bench.time))
        for _ in 0..<5 { bench.feed(.timer(.reply, at: bench.time)) }
        bench.feed(.done(at: bench.time))
        #expect(bench.written.isEmpty)
    }

    @Test("A meter with the right identity is asked for its clock first")
    func identified() throws {
        var bench = try CableBench([try meter()])
        bench.feed(.opened(at: bench.time))
        bench.feed(
            .identity(
                StorageIdentity(vendor: "LifeScan", product: "", interface: "LifeScan MSC"),
                at: bench.time))
        let block = try #require(bench.written.first)
        #expect(block.count == 512)
        #expect(Array(block.prefix(9)) == [2, 9, 0, 3, 0x20, 2, 3, 0xD4, 0x92])
    }

    @Test("Any events in any order end a session at most once", arguments: 1...30)
    func fuzz(seed: Int) throws {
        var generator = SystemSeed(UInt64(seed))
        for profile in [try cuff(), try meter(), try scale()] {
            var bench = try CableBench([profile])
            var ends = 0
            for _ in 0..<120 {
                let bytes = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let events: [WireEvent] = [
                    .opened(at: bench.time), .received(bytes, at: bench.time),
                    .block(bytes, at: bench.time), .done(at: bench.time),
                    .timer(.reply, at: bench.time), .timer(.pause, at: bench.time),
                    .refused("x", at: bench.time), .committed(1, at: bench.time),
                ]
                let event = events[Int.random(in: events.indices, using: &generator)]
                for case .finished in bench.session.handle(event) { ends += 1 }
            }
            #expect(ends <= 1)
        }
    }
}

/// A generator with a seed (SplitMix64).
private struct SystemSeed: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
