import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// Which values reach the session: none is lost, and a read is not a measurement.
@Suite struct ValueTests {
    typealias Scene = PeripheralTests.Scene
    static let measurement = BluetoothUUID.bloodPressureMeasurement

    init() { LoopThread.start() }

    @Test func `indications arrive in order, equal ones too`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            #expect(try await scene.peripheral.subscribe(Self.measurement).isEmpty)
            for bytes in [[1], [1], [2], [1]] as [[UInt8]] {
                try scene.fake.showValue(scene.path("2a35"), bytes)
            }
            #expect(await eventually { scene.values.withLock { $0.count } == 4 })
            #expect(scene.values.withLock { $0 } == [[1], [1], [2], [1]])
            await scene.room.close()
        }
    }

    @Test func `what was read is not delivered as if the device had sent it`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            let path = scene.path("2a35")
            _ = try await scene.peripheral.subscribe(Self.measurement)
            scene.fake.setValue(path, [7])
            // While the read is under way the device sends the same bytes, and others, by itself.
            let fake = scene.fake
            fake.behaviours["ReadValue"] = [
                .run {
                    try? fake.showValue(path, [7])
                    try? fake.showValue(path, [8])
                    fake.setValue(path, [7])
                }
            ]
            #expect(try await scene.peripheral.read(Self.measurement) == [7])
            #expect(await eventually { scene.values.withLock { $0.count } == 2 })
            try await sleep(for: .milliseconds(20))
            #expect(scene.values.withLock { $0 } == [[7], [8]])
            await scene.room.close()
        }
    }

    @Test func `values during a read that fails are all delivered`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            let (fake, path) = (scene.fake, scene.path("2a35"))
            _ = try await scene.peripheral.subscribe(Self.measurement)
            fake.behaviours["ReadValue \(path)"] = [
                .run { try? fake.showValue(path, [9]) }
            ]
            fake.behaviours["ReadValue"] = [
                .fail("org.bluez.Error.NotPermitted", "Read not permitted")
            ]
            await #expect(throws: LinkError.refused(att: 3, "read 2a35: Read not permitted")) {
                _ = try await scene.peripheral.read(Self.measurement)
            }
            #expect(await eventually { scene.values.withLock { $0 } == [[9]] })
            await scene.room.close()
        }
    }

    @Test func `records that came before the subscription stood are handed over with it`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            // bluetoothd has renewed the subscription by itself and confirmed the records.
            for bytes in [[1], [2]] as [[UInt8]] {
                try scene.fake.showValue(scene.path("2a35"), bytes)
            }
            _ = try await scene.peripheral.read(.dateTime)
            let early = try await scene.peripheral.subscribe(Self.measurement)
            #expect(early.map(\.bytes) == [[1], [2]])
            #expect(early.allSatisfy { $0.uuid == Self.measurement })
            try scene.fake.showValue(scene.path("2a35"), [3])
            #expect(await eventually { scene.values.withLock { $0 } == [[3]] })
            await scene.room.close()
        }
    }

    @Test func `a value that came when no session ran goes to the next subscription, marked`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            for number in 0...BlueZ.maximumLeftOvers {
                try scene.fake.showValue(scene.path("2a35"), [UInt8(number)])
            }
            let kept = BlueZ.maximumLeftOvers
            #expect(await eventually { scene.room.bluez.counters.valuesWithoutLink == kept + 1 })
            try await scene.connect()
            try scene.fake.resolve(scene.device)
            _ = try await scene.peripheral.services(within: .seconds(5))
            let early = try await scene.peripheral.subscribe(Self.measurement)
            // The oldest is gone, and was counted.
            #expect(early.map(\.bytes) == (1...kept).map { [UInt8($0)] })
            #expect(early.allSatisfy { $0.isLeftOver })
            #expect(scene.room.bluez.leftOvers.isEmpty)
            await scene.room.close()
        }
    }

    @Test
    func `the last value that bluetoothd remembers is not lost when the gateway starts again`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            try scene.fake.showValue(scene.path("2a35"), [7])
            #expect(await eventually { scene.room.bluez.counters.valuesWithoutLink == 1 })
            // Another gateway on the same bus, as after a kill: it never saw the signal.
            let again = BlueZ(settings: scene.room.bluez.settings, onSighting: { _ in })
            let run = spawn { await again.run() }
            #expect(await eventually { !again.leftOvers.isEmpty })
            #expect(again.leftOvers[scene.path("2a35")]?.map(\.bytes) == [[7]])
            run.cancel()
            await run.value
            #expect(again.leftOvers.isEmpty)
            await scene.room.close()
        }
    }

    @Test func `values that no session asked for are counted`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            try scene.fake.showValue(scene.path("2a35"), [1])
            _ = try await scene.peripheral.read(.dateTime)
            try scene.fake.dropLink(scene.device)
            #expect(await eventually { scene.room.bluez.counters.unclaimedValues == 1 })
            try scene.fake.showValue(scene.path("2a35"), [1])
            #expect(await eventually { scene.room.bluez.counters.valuesWithoutLink == 1 })
            await scene.room.close()
        }
    }

    @Test func `subscriptions end with the session, so that the next one begins with its clock`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            _ = try await scene.peripheral.subscribe(Self.measurement)
            try scene.fake.dropLink(scene.device)
            #expect(await eventually { scene.fake.count("StopNotify") == 1 })
            #expect(scene.fake.calls.last { $0.member == "StopNotify" }?.path == scene.path("2a35"))
            await scene.room.close()
        }
    }

    @Test func `a subscription that an earlier link left behind is begun anew`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            scene.fake.behaviours["StartNotify"] = [
                .fail("org.bluez.Error.NotPermitted", "Notify acquired")
            ]
            _ = try await scene.peripheral.subscribe(Self.measurement)
            let order = scene.fake.calls.map(\.member).filter { $0.hasSuffix("Notify") }
            #expect(order == ["StartNotify", "StopNotify", "StartNotify"])
            await scene.room.close()
        }
    }

    @Test func `a refused subscription carries the device's ATT error`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            scene.fake.behaviours["StartNotify"] = [
                .fail("org.bluez.Error.Failed", "Operation failed with ATT error: 0x0f")
            ]
            await #expect(
                throws: LinkError.refused(
                    att: 0x0F, "subscribe 2a35: Operation failed with ATT error: 0x0f")
            ) { _ = try await scene.peripheral.subscribe(Self.measurement) }
            await scene.room.close()
        }
    }
}
