import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing
import YAML

@testable import BluetoothLink

/// A session machine, a device and a store, tied together.
@Suite struct SessionRunnerTests {
    init() { LoopThread.start() }

    @Test func `a cuff's backlog is stored in order, and its clock set before it sends`()
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.onSubscribe = { device in
                for frame in Stage.backlog { device.send(0x2A35, frame) }
                device.leave()
            }
            let end = await stage.run()
            #expect(end == .complete)
            #expect(stage.storedFrames() == Stage.backlog)
            #expect(
                stage.device.log == [
                    "connect", "bond just-works", "services", "read 2a08", "write 2a08",
                    "subscribe 2a35",
                ])
            // The clock's bytes are those of the gateway at the moment of writing.
            #expect(stage.device.written.last == [0xEA, 0x07, 3, 1, 8, 15, 0])
        }
    }

    @Test func `a read carries the middle of its length as its moment`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.onRead = { stage.clock.advance(.seconds(2)) }
            stage.device.onSubscribe = { $0.leave() }
            _ = await stage.run()
            // The device says 08:15:00 when the gateway has 08:15:00 before and 08:15:02 after.
            #expect(stage.offsets == [.seconds(1)])
        }
    }

    @Test func `values that arrive with the subscription are taken before later ones`() async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.early = [Stage.backlog[0]]
            stage.device.onSubscribe = { device in
                device.send(0x2A35, Stage.backlog[1])
                device.leave()
            }
            _ = await stage.run()
            #expect(stage.storedFrames() == Array(Stage.backlog.prefix(2)))
        }
    }

    @Test func `what comes while the store is slow is stored with the next commit`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.storeDelay = .milliseconds(40)
            stage.device.onSubscribe = { device in
                for frame in Stage.backlog { device.send(0x2A35, frame) }
                device.leave()
            }
            #expect(await stage.run() == .complete)
            #expect(stage.storedFrames() == Stage.backlog)
            #expect(stage.commits.count < Stage.backlog.count + 2)
        }
    }

    @Test func `a store that takes nothing ends the session, and the device is left`() async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.storeWorks = false
            stage.device.onSubscribe = { $0.send(0x2A35, Stage.backlog[0]) }
            let end = await stage.run()
            #expect(end == .interrupted("the store takes nothing"))
            #expect(await eventually { stage.device.log.last == "disconnect" })
        }
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var operation: String
        var error: LinkError
        var needsPerson: Bool
    }
    @Test(arguments: [
        Failure(
            testDescription: "connect", operation: "connect", error: .unreachable("x"),
            needsPerson: false),
        Failure(
            testDescription: "pairing refused", operation: "bond just-works",
            error: .pairingFailed("x"), needsPerson: true),
        Failure(
            testDescription: "bond lost", operation: "services", error: .staleBond("x"),
            needsPerson: true),
        Failure(
            testDescription: "link lost", operation: "read 2a08", error: .disconnected("x"),
            needsPerson: false),
        Failure(
            testDescription: "stack failed", operation: "subscribe 2a35",
            error: .stackFailed("x"), needsPerson: false),
    ])
    func `a failed step ends the session with what can be done about it`(_ failure: Failure)
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.failures[failure.operation] = failure.error
            let end = await stage.run()
            switch end {
            case .needsPerson: #expect(failure.needsPerson)
            case .interrupted: #expect(!failure.needsPerson)
            case .complete: Issue.record("nothing was complete")
            }
            #expect(stage.device.log.last == "disconnect")
        }
    }

    @Test(arguments: [true, false])
    func `a link that ends because the bond is gone asks a person, any other does not`(
        _ isStale: Bool
    ) async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.onRead = { [device = stage.device] in
                if isStale { device.staleBond = .staleBond("it leaves at once") }
                device.leave()
            }
            let end = await stage.run()
            let isPersonAsked =
                if case .needsPerson(let what) = end { what.contains("lost its bond") } else {
                    false
                }
            #expect(isPersonAsked == isStale, "\(end)")
        }
    }

    @Test func `a refused clock does not keep the records from being read`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.failures["write 2a08"] = .refused(att: 3, "write not permitted")
            stage.device.onSubscribe = { device in
                device.send(0x2A35, Stage.backlog[0])
                device.leave()
            }
            #expect(await stage.run() == .complete)
            #expect(stage.storedFrames() == [Stage.backlog[0]])
            #expect(stage.notes.contains { if case .clockSetFailed = $0 { true } else { false } })
        }
    }

    @Test func `a graceful stop stores what has arrived and leaves the device`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.storeDelay = .milliseconds(30)
            let runner = try stage.makeRunner()
            stage.device.onSubscribe = { device in
                device.send(0x2A35, Stage.backlog[0])
                device.send(0x2A35, Stage.backlog[1])
                spawn { runner.stop() }
            }
            let end = await runner.run()
            if case .needsPerson = end { Issue.record("\(end)") }
            #expect(stage.storedFrames() == Array(Stage.backlog.prefix(2)))
            #expect(stage.device.log.last == "disconnect")
        }
    }

    @Test func `a cancelled session ends at once and leaves the device`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            let task = spawn { await stage.run() }
            #expect(await eventually { stage.device.log.last == "subscribe 2a35" })
            task.cancel()
            #expect(await task.value == .interrupted("the session was stopped"))
            #expect(await eventually { stage.device.log.last == "disconnect" })
        }
    }

    @Test func `a quiet device is left after the profile's time`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff.replacing("quiet: 30s", with: "quiet: 50ms"))
            #expect(await stage.run() == .complete)
            #expect(stage.device.log.last == "disconnect")
        }
    }

    @Test func `a device that outruns the store is left rather than stored in part`() async throws {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.maximumEvents = 8
            let runner = try stage.makeRunner()
            stage.device.onSubscribe = { device in
                for _ in 0..<20 { device.send(0x2A35, Stage.backlog[0]) }
            }
            _ = await runner.run()
            #expect(runner.overruns > 0)
            #expect(stage.device.log.last == "disconnect")
        }
    }

    @Test func `the whole way through a bluetoothd gives the same records`() async throws {
        try await LoopThread.run {
            let scene = try await PeripheralTests.Scene.open()
            let (fake, device) = (scene.fake, scene.device)
            try fake.addServices(
                device, ["1810": ["2a35": ["indicate"], "2a08": ["read", "write"]]])
            fake.setValue(scene.path("2a08"), [0xEA, 7, 3, 1, 8, 15, 0])
            fake.behaviours["Pair"] = [.run { try? fake.resolve(device) }]
            let path = scene.path("2a35")
            fake.behaviours["StartNotify"] = [
                .run {
                    spawn {
                        for frame in Stage.backlog { try? fake.showValue(path, frame) }
                        try? fake.dropLink(device)
                    }
                }
            ]
            let stage = try Stage(profile: Stage.cuff)
            let runner = try stage.makeRunner(scene.peripheral)
            #expect(await runner.run() == .complete)
            #expect(stage.storedFrames() == Stage.backlog)
            #expect(fake.count("WriteValue") == 1)
            await scene.room.close()
        }
    }
}
