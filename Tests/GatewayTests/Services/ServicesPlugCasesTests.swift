import DataFiles
import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Testing
import USBLink

@testable import Gateway

/// What happens to a plugged device, in the words of a case file, played on the code that serves it.
///
/// `HAKARU_CABLE_CASE` names a file with one such case; else those of the fixtures are played.
@Suite("Plugs and pulls as the case files tell them", .timeLimit(.minutes(1)))
struct ServicesPlugCasesTests {
    static let cases: [JSONValue] = {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        let own = getenv("HAKARU_CABLE_CASE").map { String(cString: $0) }
        let text = try? FileReader.read(own ?? root + "/Tests/Fixtures/cases/usb.json")
        let document = text.flatMap { try? JSONValue.parse($0) }
        let all = document?.array ?? document.map { [$0] } ?? []
        return all.filter { $0["protocol"]?.string == "hotplug-state" }
    }()

    @Test func `every case of plugs and pulls ends as it says`() async throws {
        #expect(!Self.cases.isEmpty)
        for example in Self.cases {
            let words = try #require(example["sequence"]?.string)
            let rule = try #require(example["expected"]?["rule"]?.string)
            let events = PlugWords.events(words)
            #expect(events != nil, "'\(words)' has words that are not known")
            let failures = try await LoopThread.run {
                let bench = PlugBench()
                try await bench.play(events ?? [])
                return bench.broken(rule)
            }
            #expect(failures == [], "\(example["id"]?.string ?? words)")
        }
    }

    @Test func `a rule that does not hold is seen, whatever its numbers are`() async throws {
        for (words, rule) in [
            ("open fails repeatedly", "back-off 2 s doubling, capped at 16 s"),
            ("open fails repeatedly", "back-off 1 s doubling, capped at 8 s"),
            ("attach, open succeeds", "device never becomes ready"),
            ("attach, open succeeds, unplug", "handle is closed twice"),
            ("attach, open succeeds", "the lamp is green"),
        ] {
            let events = try #require(PlugWords.events(words))
            let failures = try await LoopThread.run {
                let bench = PlugBench()
                try await bench.play(events)
                return bench.broken(rule)
            }
            #expect(!failures.isEmpty, "\(words): \(rule)")
        }
        #expect(PlugWords.events("attach, dance") == nil)
    }
}

/// The words of a sequence.
enum PlugWords {
    enum Event: Equatable {
        case plug
        case openBegins
        case openSucceeds
        case openFails(times: Int)
        case configurationFails
        case readFails
        case unplug
    }

    static func events(_ words: String) -> [Event]? {
        var out: [Event] = []
        for part in words.lowercased().split(separator: ",") {
            guard let event = event(String(part)) else { return nil }
            out.append(event)
        }
        return out
    }

    private static func event(_ words: String) -> Event? {
        func has(_ any: String...) -> Bool { any.contains { words.contains($0) } }
        if has("unplug", "pull", "remove", "detach", "left") { return .unplug }
        if has("config") { return has("fail") ? .configurationFails : .openSucceeds }
        if has("read", "transfer") { return has("fail") ? .readFails : nil }
        if has("open") {
            if has("start", "begin") { return .openBegins }
            if has("succe", "late") { return .openSucceeds }
            guard has("fail", "refus") else { return nil }
            let number = words.split(separator: " ").compactMap { Int($0) }.first
            return .openFails(times: number ?? (has("repeat", "again") ? 8 : 1))
        }
        return has("attach", "plug", "arriv") ? .plug : nil
    }
}

/// A device that is plugged, opened and pulled as told, and what the gateway does with it.
@LoopActor final class PlugBench {
    @LoopActor private final class Device: WireTransport {
        var opening: LoopCondition?
        var refusal: USBError?
        var failsToRead = false
        private(set) var opened = 0
        private(set) var closed = 0
        private(set) var wasHeld = 0
        private let changed = LoopCondition()

        func open() async throws(USBError) {
            if let opening { _ = try? await opening.wait() }
            opened += 1
            wasHeld = max(wasHeld, opened - closed)
            if let refusal { throw refusal }
        }
        func receive() async throws(USBError) -> [UInt8] {
            if failsToRead { throw .failed("the transfer failed") }
            do { _ = try await changed.wait() } catch { throw .cancelled }
            throw .cancelled
        }
        func send(_ bytes: [UInt8]) async throws(USBError) {}
        func close() async {
            // A second close of what is closed does nothing.
            if closed < opened { closed += 1 }
            changed.broadcast()
        }
    }

    private let device = Device()
    private var port = PluggedPort(
        info: USBDeviceInfo(path: USBPath(bus: 1, ports: [1]), vendor: 1, product: 2))
    private var runner: WireSessionRunner?
    private var task: Task<Void, Never>?
    private var ends: [SessionEnd] = []
    private var pauses: [Duration] = []
    private var ready = 0

    func play(_ events: [PlugWords.Event]) async throws {
        for (index, event) in events.enumerated() {
            let next = index + 1 < events.count ? events[index + 1] : nil
            switch event {
            case .plug: break
            case .openBegins:
                device.opening = LoopCondition()
                try begin()
                for _ in 0..<5 { await Task.yield() }
            case .openSucceeds:
                // An open that succeeds and cannot be configured is one attempt.
                if next == .configurationFails { continue }
                if runner == nil { try begin() }
                device.opening?.broadcast()
                for _ in 0..<300 where ends.isEmpty { await Task.yield() }
                if ends.isEmpty, device.opened > device.closed { ready += 1 }
            case .openFails(let times):
                device.refusal = .failed("it cannot be opened")
                for _ in 0..<times { try await attempt() }
                device.refusal = nil
            case .configurationFails:
                device.refusal = .failed("the speed cannot be set")
                for _ in 0..<2 { try await attempt() }
                device.refusal = nil
            case .readFails:
                device.failsToRead = true
                if runner == nil { try begin() }
                await settle()
            case .unplug: runner?.unplugged()
            }
        }
        runner?.unplugged()
        await settle()
    }

    private func attempt() async throws {
        try begin()
        await settle()
        if case .interrupted? = ends.last { pauses.append(port.failed()) }
    }

    private func settle() async {
        await task?.value
        (task, runner) = (nil, nil)
    }

    private func begin() throws {
        let profile = try #require(ServicesPortRulesTests.index[id: "omron-hbp-9030"])
        let now = GatewayTime(
            utc: Instant(seconds: 1_800_000_000), monotonicNanoseconds: 0, synchronised: true)
        let session = try #require(
            WireSession(
                candidates: [profile], device: DeviceDescription(id: DeviceID("usb:x")),
                memory: DeviceMemory(),
                zone: TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600),
                simulated: false, now: now))
        let runner = WireSessionRunner(
            session: session, transport: device,
            surroundings: .init(clock: { now }, commit: { _ in true }))
        self.runner = runner
        task = spawn {
            let end = await runner.run()
            self.ends.append(end)
        }
    }

    // MARK: the rule

    /// The parts of a rule that do not hold.
    func broken(_ rule: String) -> [String] {
        let parts = rule.lowercased().split(separator: ",").map {
            $0.drop { $0 == " " }
        }
        var broken: [String] = []
        var first = 1
        for part in parts {
            let numbers = part.split { !$0.isNumber }.compactMap { Int($0) }
            let holds: Bool
            if part.contains("back-off") {
                first = numbers.first ?? 0
                holds = grow(from: first, to: nil)
            } else if part.contains("capped") {
                holds = grow(from: first, to: numbers.first)
            } else if part.contains("reset after success") {
                port.succeeded()
                holds = port.failed() == .seconds(first)
            } else if part.contains("never becomes ready") {
                holds = ready == 0
            } else if part.contains("retry waits until closed") {
                holds = device.wasHeld <= 1 && device.opened == device.closed
            } else if part.contains("closed") {
                let times = part.contains("once") ? 1 : part.contains("twice") ? 2 : device.opened
                holds = times > 0 && device.opened == times && device.closed == times
            } else {
                holds = false
            }
            if !holds { broken.append("\(part): \(pauses) \(device.opened) \(device.closed)") }
        }
        return broken
    }

    /// Doubling from the first pause up to the longest, and staying there.
    private func grow(from first: Int, to cap: Int?) -> Bool {
        guard pauses.count > 1, pauses[0] == .seconds(first), let last = pauses.last else {
            return false
        }
        let doubles = zip(pauses, pauses.dropFirst()).allSatisfy { $1 == min($0 * 2, last) }
        return doubles && (cap.map { last == .seconds($0) } ?? true)
    }
}
