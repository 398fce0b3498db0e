import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import BluetoothLink

/// While a device is being set up nothing else is looked for: that is the time a person waits.
@Suite struct DiscoveryPauseTests {
    typealias Scene = PeripheralTests.Scene

    init() { LoopThread.start() }

    @Test func `a pause ends once, however often it is ended`() async throws {
        try await LoopThread.run {
            let ends = Locked(0)
            let pause = DiscoveryPause(limit: .milliseconds(20)) { ends.withLock { $0 += 1 } }
            pause.end()
            pause.end()
            try await sleep(for: .milliseconds(40))
            #expect(ends.withLock { $0 } == 1)
        }
    }

    @Test func `a pause that nobody ends is over at its limit`() async throws {
        try await LoopThread.run {
            let ends = Locked(0)
            let pause = DiscoveryPause(limit: .milliseconds(10)) { ends.withLock { $0 += 1 } }
            #expect(await eventually { ends.withLock { $0 } == 1 })
            pause.end()
            #expect(ends.withLock { $0 } == 1)
        }
    }

    @Test
    func `a pause that nobody holds any more is over at its limit, or discovery never resumed`()
        async throws
    {
        try await LoopThread.run {
            let ends = Locked(0)
            _ = DiscoveryPause(limit: .milliseconds(10)) { ends.withLock { $0 += 1 } }
            #expect(await eventually { ends.withLock { $0 } == 1 })
        }
    }

    /// What ends the pause long before its limit.
    enum Ending: String, CaseIterable, Sendable { case value, deviceLeaves, gatewayLeaves }

    @Test(arguments: Ending.allCases)
    func `others are looked for again with the first value, or when the link is over`(
        _ ending: Ending
    ) async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.setUpLimit = .seconds(60) }
            try await scene.connectFully()
            _ = try await scene.peripheral.subscribe(PeripheralTests.measurement)
            try await sleep(for: .milliseconds(20))
            #expect(scene.fake.count("StartDiscovery") == 1)
            #expect(scene.room.state() == .scanning)
            switch ending {
            case .value: try scene.fake.showValue(scene.path("2a35"), [1])
            case .deviceLeaves: try scene.fake.dropLink(scene.device)
            case .gatewayLeaves: await scene.peripheral.disconnect()
            }
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            // Nothing is counted twice: the next attempt stops it once and starts it once.
            if ending != .value {
                let next = try #require(scene.room.bluez.peripheral(scene.peripheral.address))
                _ = try await next.connect(within: .seconds(5))
                #expect(scene.fake.count("StopDiscovery") == 2)
                await next.disconnect()
                #expect(await eventually { scene.fake.count("StartDiscovery") == 3 })
            }
            await scene.room.close()
        }
    }

    @Test func `a device that says nothing keeps the others waiting no longer than the limit`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            await scene.room.close()
        }
    }

    @Test func `a second device is connected while the first is still being set up`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.setUpLimit = .seconds(60) }
            try scene.fake.addDevice("A4:C1:38:00:00:02")
            #expect(await eventually { scene.room.seen.sightings.count == 2 })
            let address = try #require(BluetoothAddress("A4:C1:38:00:00:02"))
            let second = try #require(scene.room.bluez.peripheral(address))
            try await scene.connectFully()
            _ = try await second.connect(within: .seconds(5))
            #expect(scene.fake.count("StopDiscovery") == 1)
            // Both have to be done with it.
            await second.disconnect()
            try await sleep(for: .milliseconds(20))
            #expect(scene.fake.count("StartDiscovery") == 1)
            await scene.peripheral.disconnect()
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            await scene.room.close()
        }
    }

    @Test func `an attempt that fails leaves no pause behind`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.setUpLimit = .seconds(60) }
            scene.fake.behaviours["Connect"] = [.fail("org.bluez.Error.Failed", "gone")]
            await #expect(throws: LinkError.self) { try await scene.connect() }
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            await scene.room.close()
        }
    }

    @Test func `where discovery goes on beside connections it is never touched`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) {
                $0.adapter.pausesDiscoveryToConnect = false
                $0.adapter.setUpLimit = .seconds(60)
            }
            try await scene.connectFully()
            #expect(scene.fake.count("StopDiscovery") == 0)
            await scene.room.close()
        }
    }

    @Test func `when discovery was stopped for it is told beside when the adapter was free`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            #expect(scene.peripheral.radioQuietAt == nil)
            let gate = LoopCondition()
            scene.fake.behaviours["StopDiscovery"] = [.run { _ = try? await gate.wait() }]
            let connecting = spawn { try await scene.connect() }
            #expect(await eventually { scene.fake.count("StopDiscovery") == 1 })
            try await sleep(for: .milliseconds(20))
            #expect(scene.peripheral.adapterFreeAt != nil && scene.peripheral.radioQuietAt == nil)
            gate.broadcast()
            try await connecting.value
            let free = try #require(scene.peripheral.adapterFreeAt)
            let quiet = try #require(scene.peripheral.radioQuietAt)
            #expect(quiet.since(free) >= .milliseconds(15))
            await scene.room.close()
        }
    }
}
