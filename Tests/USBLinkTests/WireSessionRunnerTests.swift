import DataFiles
import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing
import YAML

@testable import USBLink

/// A device made of code: what it says is put into it, what it is told is kept.
@LoopActor final class FakeLink: WireTransport {
    private(set) var sent: [[UInt8]] = []
    private(set) var opened = 0
    private(set) var closed = 0
    private var inbox: [Result<[UInt8], USBError>] = []
    private let changed = LoopCondition()
    var refusal: USBError?
    /// Opening waits until this is said to be over.
    var opening: LoopCondition?
    var sendRefusal: USBError?
    var taken = 0

    func say(_ text: String) { say(.success(Array(text.utf8))) }
    func say(_ result: Result<[UInt8], USBError>) {
        inbox.append(result)
        changed.broadcast()
    }

    func open() async throws(USBError) {
        if let opening { _ = try? await opening.wait() }
        if let refusal { throw refusal }
        opened += 1
    }
    func receive() async throws(USBError) -> [UInt8] {
        while inbox.isEmpty {
            guard closed == 0 else { throw .cancelled }
            do { _ = try await changed.wait() } catch { throw .cancelled }
        }
        taken += 1
        return try inbox.removeFirst().get()
    }
    func send(_ bytes: [UInt8]) async throws(USBError) {
        if let sendRefusal { throw sendRefusal }
        sent.append(bytes)
    }
    func close() async {
        closed += 1
        changed.broadcast()
    }
}

@Suite("A session on a cable", .timeLimit(.minutes(1))) struct WireSessionRunnerTests {
    static let profile: DeviceProfile? = {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        return load(root + "/device-profiles/omron-hbp-9030.yaml")
    }()
    static let line = "2026,07,11,09,05,12345678901234567890,0,120,080,072,0\r\n"

    @LoopActor final class Desk {
        var commits: [SessionCommit] = []
        var notes: [SessionNote] = []
        var takes = true
        var end: SessionEnd?
    }

    @LoopActor static func start(
        _ link: FakeLink, _ desk: Desk, maximumEvents: Int = 64
    ) throws -> (WireSessionRunner, Task<Void, Never>) {
        let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
        let now = GatewayTime(
            utc: Instant(microseconds: 1_783_700_000_000_000), monotonicNanoseconds: 0,
            synchronised: true)
        let plan = try #require(profile)
        let session = try #require(
            WireSession(
                candidates: [plan],
                device: DeviceDescription(id: DeviceID("usb:x")), memory: DeviceMemory(),
                zone: zone, simulated: false, now: now))
        var surroundings = WireSessionRunner.Surroundings(
            clock: { now },
            commit: { commit in
                guard desk.takes else { return false }
                desk.commits.append(commit)
                return true
            },
            note: { desk.notes.append($0) })
        surroundings.maximumEvents = maximumEvents
        let runner = WireSessionRunner(
            session: session, transport: link, surroundings: surroundings)
        return (runner, spawn { desk.end = await runner.run() })
    }

    @Test(
        "a reading that comes in parts is stored once it is whole; the pull ends the session well")
    func parts() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let (runner, task) = try Self.start(link, desk)
            link.say(String(Self.line.prefix(20)))
            link.say(String(Self.line.dropFirst(20)))
            #expect(await eventually { !desk.commits.isEmpty })
            runner.unplugged()
            runner.unplugged()
            await task.value
            #expect(desk.commits.flatMap(\.entries).count == 1)
            #expect(desk.end == .complete)
            #expect(link.opened == 1 && link.closed == 1)
        }
    }

    @Test("a pull that only the transfers notice ends the session too, and closes once")
    func goneByTransfer() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let (runner, task) = try Self.start(link, desk)
            link.say(Self.line)
            link.say(.failure(.gone))
            await task.value
            runner.unplugged()
            #expect(desk.end == .complete)
            #expect(desk.commits.flatMap(\.entries).count == 1)
            #expect(link.closed == 1)
        }
    }

    @Test("a device that is pulled while it is opened never becomes ready, and is closed once")
    func openAfterUnplug() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let gate = LoopCondition()
            link.opening = gate
            let (runner, task) = try Self.start(link, desk)
            for _ in 0..<5 { await Task.yield() }
            runner.unplugged()
            link.say(Self.line)
            gate.broadcast()
            await task.value
            runner.unplugged()
            #expect(link.opened == 1 && link.closed == 1)
            #expect(desk.commits.isEmpty && link.sent.isEmpty)
            #expect(desk.end != .complete)
        }
    }

    @Test("a line that cannot be set is closed before anybody may try again")
    func configurationFails() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            link.refusal = .failed("/dev/ttyUSB0: the speed cannot be set")
            let (_, task) = try Self.start(link, desk)
            await task.value
            #expect(link.closed == 1, "closed when the session's end is told")
            #expect(desk.end == .interrupted("/dev/ttyUSB0: the speed cannot be set"))
        }
    }

    @Test("half a line before the pull is no reading")
    func half() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let (_, task) = try Self.start(link, desk)
            link.say(String(Self.line.dropLast(2)))
            link.say(.failure(.gone))
            await task.value
            #expect(desk.commits.flatMap(\.entries).isEmpty)
        }
    }

    @Test("a device that may not be opened needs a person, with the remedy in words")
    func permission() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            link.refusal = .permission(node: "/dev/bus/usb/001/004")
            let (_, task) = try Self.start(link, desk)
            await task.value
            guard case .needsPerson(let why) = desk.end else {
                Issue.record("ended with \(String(describing: desk.end))")
                return
            }
            #expect(why.contains("/dev/bus/usb/001/004") && why.contains("60-hakaru-devices.rules"))
            #expect(link.closed == 1)
        }
    }

    @Test("a device that is in use elsewhere is tried again, not given to a person")
    func busy() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            link.refusal = .busy("an interface is in use")
            let (_, task) = try Self.start(link, desk)
            await task.value
            guard case .interrupted = desk.end else {
                Issue.record("ended with \(String(describing: desk.end))")
                return
            }
        }
    }

    @Test("a store that takes nothing ends the session: what the device has stays in the device")
    func storeFails() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            desk.takes = false
            let (_, task) = try Self.start(link, desk)
            link.say(Self.line)
            await task.value
            #expect(desk.end == .interrupted("the store takes nothing"))
            #expect(link.closed == 1)
        }
    }

    @Test("reads that fail although the device is there are named, and end the link after a few")
    func failures() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let (_, task) = try Self.start(link, desk)
            for _ in 0..<2 { link.say(.failure(.overflow)) }
            link.say(.failure(.timeOut))
            link.say(Self.line)
            #expect(await eventually { !desk.commits.isEmpty })
            #expect(desk.end == nil, "a read that worked again forgives the failures before")
            for _ in 0..<3 { link.say(.failure(.overflow)) }
            await task.value
            #expect(desk.notes.count == 5)
            #expect(desk.end == .complete)
        }
    }

    @Test("a stopped session stores what has arrived and gives the device back")
    func stopped() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            let (runner, task) = try Self.start(link, desk)
            link.say(Self.line)
            #expect(await eventually { link.taken == 1 })
            runner.stop()
            await task.value
            #expect(desk.commits.flatMap(\.entries).count == 1)
            #expect(link.closed == 1)
        }
    }

    @Test("a device that floods is read no faster than it is worked off, and nothing is lost")
    func flood() async throws {
        try await LoopThread.run {
            let (link, desk) = (FakeLink(), Desk())
            for minute in 10..<60 {
                link.say("2026,07,11,09,\(minute),12345678901234567890,0,120,080,072,0\r\n")
            }
            let (_, task) = try Self.start(link, desk, maximumEvents: 2)
            #expect(await eventually { desk.commits.flatMap(\.entries).count == 50 })
            link.say(.failure(.gone))
            await task.value
            #expect(desk.end == .complete)
        }
    }
}

private func load(_ file: String) -> DeviceProfile? {
    guard let bytes = try? FileReader.read(file) else { return nil }
    return ProfileSet([.init(file: file, bytes: bytes, isOwn: false)]).index.profiles.first
}
