import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

@Suite("A session with a TRUE METRIX meter") struct TrueMetrixSessionTests {
    private static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
    /// 2026-06-15 15:00:00 in Tokyo.
    private static let start = Instant(seconds: 1_781_503_200)

    private func profile() throws -> DeviceProfile {
        let text = """
            profile: 1
            id: meter
            revision: 1
            title: Test
            class: glucose
            transport: usb-hid
            confidence: unverified
            confidence-note: Test
            manufacturer-code: Example
            models: [ { name: TRUE METRIX }, { name: TRUE METRIX AIR } ]
            match: [ { usb: "0001:0002" } ]
            wire: { procedure: true-metrix, reply-timeout: 2s }
            layouts: [ { source: usb, protocol: true-metrix } ]
            time: { clock: local, readings: stored, resolution: minute }
            codes: { same-record: { family: true-metrix, resolution: minute } }
            """
        let problems = ProblemList()
        let profile = ProfileLoader.load(Array(text.utf8), file: "test.yaml", problems: problems)
        #expect(problems.problems.map(\.description) == [])
        return try #require(profile)
    }

    /// Runs a session on a clock that goes on with every silence; returns records and the end.
    private func run(
        _ meter: inout TrueMetrixMeter, port: String = "usb:1-1"
    ) throws -> (records: [SessionEntry], end: SessionEnd?) {
        var now = Self.start
        func time() -> GatewayTime {
            GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: true)
        }
        var session = try #require(
            WireSession(
                candidates: [try profile()], device: DeviceDescription(id: DeviceID(port)),
                memory: DeviceMemory(), zone: Self.zone, simulated: false, now: time()))
        var events: [WireEvent] = [.opened(at: time())]
        var entries: [SessionEntry] = []
        var end: SessionEnd?
        var pause: Interval?
        for _ in 0..<1_000 where end == nil {
            if events.isEmpty {
                now = now + (pause ?? .seconds(1))
                pause = nil
                events = [.timer(.pause, at: time())]
            }
            for action in session.handle(events.removeFirst()) {
                switch action {
                case .send(let bytes):
                    events += meter.answer(bytes).map { .received($0, at: time()) }
                case .startTimer(.pause, let length): pause = length
                case .cancelTimer: pause = nil
                case .commit(let commit):
                    entries += commit.entries
                    events.append(.committed(commit.number, at: time()))
                case .finished(let reached): end = reached
                default: break
                }
            }
        }
        return (entries, end)
    }

    @Test(
        "Each result is a record of the model that the meter says it is, with the time of its own clock"
    )
    func records() throws {
        var meter = TrueMetrixMeter()
        // The clock is read 8 s after the start.
        meter.clock = "t080015150626"
        meter.results += ["g565F659D2BC00", "g565F659D07801"]
        let (entries, end) = try run(&meter)
        #expect(end == .complete)
        let records = entries.compactMap(\.record)
        #expect(entries.count == 5 && records.count == 3)
        #expect(Set(records.map(\.key)).count == 3)
        #expect(Set(records.compactMap(\.device.model)) == ["TRUE METRIX AIR"])
        #expect(Set(records.compactMap(\.device.serial)) == ["TA12345678"])
        #expect(records.allSatisfy { $0.quarantine == nil && $0.time != nil })
        #expect(
            records.map { $0.quantities.map { $0.number?.text } } == [["120"], ["120"], ["95"]])
    }

    @Test("A clock that is ten minutes slow is corrected by what it showed when it was read")
    func slowClock() throws {
        var right = TrueMetrixMeter()
        right.clock = "t080015150626"
        var slow = TrueMetrixMeter()
        slow.clock = "t085014150626"
        let times = try [run(&right), run(&slow)].map {
            try #require($0.records[0].record?.time).observed
        }
        #expect(times[1] - times[0] == .minutes(10))
    }

    @Test("In another socket it is the same meter: its records have the same keys")
    func otherSocket() throws {
        var meter = TrueMetrixMeter()
        let first = try run(&meter).records.map(\.key)
        let second = try run(&meter, port: "usb:2-3").records.map(\.key)
        #expect(first == second)
        meter.serial = "z1TA99999999"
        #expect(Set(try run(&meter).records.map(\.key)).isDisjoint(with: first))
    }
}
