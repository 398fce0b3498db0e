import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// What a device announces and does not show at once: waiting for it costs the seconds of its window.
extension PeripheralTests {
    @Test
    func `a battery that bluetoothd tells of later holds up no session and is read all the same`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open([
                "UUIDs": .strings([FakeBlueZ.full("1810"), FakeBlueZ.full("180f")])
            ])
            try await scene.connect()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            try scene.fake.resolve(scene.device)
            let objects = scene.fake.count("GetManagedObjects")
            let services = try await scene.peripheral.services(within: .seconds(5))
            #expect(services.map(\.uuid) == [.bloodPressureService, .batteryService])
            #expect(scene.fake.count("GetManagedObjects") == objects, "nothing was waited for")
            let level = spawn { try await scene.peripheral.read(.batteryLevel) }
            try await sleep(for: .milliseconds(20))
            try scene.fake.add(scene.device, ["org.bluez.Battery1": ["Percentage": .byte(61)]])
            #expect(try await level.value == [61])
            await scene.room.close()
        }
    }

    @Test func `a battery that never comes is missing, and no more`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open(["UUIDs": .strings([FakeBlueZ.full("180f")])])
            try await scene.connect()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            try scene.fake.resolve(scene.device)
            _ = try await scene.peripheral.services(within: .seconds(5))
            await #expect(throws: LinkError.noSuchCharacteristic(.batteryLevel)) {
                _ = try await scene.peripheral.read(.batteryLevel)
            }
            await scene.room.close()
        }
    }

    @Test func `a service that a device announces and never has is waited for once`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([
                "UUIDs": .strings([FakeBlueZ.full("1810"), FakeBlueZ.full("fe95")])
            ])
            try await scene.connectFully()
            #expect(scene.room.bluez.absentServices[scene.peripheral.address]?.count == 1)
            try scene.fake.dropLink(scene.device)
            #expect(await eventually { !scene.peripheral.hasLink })
            let asked = scene.fake.count("GetManagedObjects")
            let again = try #require(scene.room.bluez.peripheral(scene.peripheral.address))
            _ = try await again.connect(within: .seconds(5))
            try scene.fake.resolve(scene.device)
            #expect(try await again.services(within: .seconds(5)).count == 2)
            #expect(scene.fake.count("GetManagedObjects") == asked)
            await scene.room.close()
        }
    }
}
