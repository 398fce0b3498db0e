import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import BluetoothLink

/// Devices that show themselves under changing private addresses: taken for a new device at each use they
/// would hand over all their records again, under another key.
@Suite struct IdentityTests {
    init() { LoopThread.start() }

    static let identity = "A4:C1:38:00:00:77"

    @Test func `records of the session in which the bond is made are filed under the identity`()
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.identity = BluetoothAddress(Self.identity)
            stage.known = { address in
                var memory = DeviceMemory()
                memory.batteryPercent = 42
                return KnownDevice(
                    device: DeviceDescription(
                        id: DeviceID("ble:\(address)"), address: "\(address)"),
                    memory: memory, owner: DeviceOwner())
            }
            stage.device.onSubscribe = { device in
                device.send(0x2A35, Stage.backlog[0])
                device.leave()
            }
            #expect(await stage.run() == .complete)
            #expect(!stage.commits.isEmpty)
            for commit in stage.commits {
                #expect(commit.device.id == DeviceID("ble:" + Self.identity))
                #expect(commit.memory.batteryPercent == 42, "what was remembered goes on")
            }
        }
    }

    @Test
    func `an identity that cannot be looked up ends the session before a record is filed wrongly`()
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.device.identity = BluetoothAddress(Self.identity)
            stage.known = { _ in nil }
            stage.device.onSubscribe = { $0.send(0x2A35, Stage.backlog[0]) }
            let end = await stage.run()
            #expect(end == .interrupted("the Bluetooth stack failed: the store cannot be read"))
            #expect(stage.commits.flatMap(\.entries).isEmpty)
        }
    }

    @Test func `a device without a private address is looked up once, before its session`()
        async throws
    {
        try await LoopThread.run {
            let stage = try Stage(profile: Stage.cuff)
            stage.known = { _ in
                Issue.record("nobody asked for it")
                return nil
            }
            stage.device.onSubscribe = { $0.leave() }
            #expect(await stage.run() == .complete)
        }
    }

    @Test func `bluetoothd's object keeps its path, and the device is found there by its identity`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let shown = try #require(BluetoothAddress("5A:11:22:33:44:55"))
            let identity = try #require(BluetoothAddress(Self.identity))
            let path = try room.fake.addDevice(shown.description, ["AddressType": "random"])
            #expect(await eventually { room.seen.sightings.count == 1 })
            let peripheral = try #require(room.bluez.peripheral(shown))
            #expect(peripheral.identity == nil, "not before the bond")
            try room.fake.changeDevice(path, ["Address": .string(Self.identity)])
            try room.fake.changeDevice(path, ["Paired": true, "Bonded": true])
            #expect(await eventually { peripheral.identity == identity })
            #expect(room.bluez.peripheral(identity)?.path == path)
            #expect(room.bluez.bondedDevices == [identity])
            let control = try #require(room.bluez.adapters["hci0"])
            #expect(room.bluez.devicePath(of: identity, on: control) == path)
            // Another device is where its address says.
            #expect(
                room.bluez.devicePath(of: shown, on: control) == FakeBlueZ.path("5A:11:22:33:44:55")
            )
            await room.close()
        }
    }
}
