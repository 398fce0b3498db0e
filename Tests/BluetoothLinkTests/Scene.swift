import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

extension PeripheralTests {
    /// A scanning room with one device in it that resolves its services when it is connected.
    @LoopActor struct Scene {
        let room: Room
        let device: String
        let peripheral: BlueZPeripheral
        let values = Locked<[[UInt8]]>([])
        let ends = Locked<[String]>([])

        var fake: FakeBlueZ { room.fake }
        func path(_ uuid: String) -> String { fake.characteristic(device, uuid) }

        static func open(
            _ extra: ObjectTree.Properties = [:], _ change: (inout BlueZSettings) -> Void = { _ in }
        ) async throws -> Scene {
            let room = try await Room.open(change)
            #expect(await room.becomes(.scanning))
            let device = try room.fake.addDevice(PeripheralTests.cuff, extra)
            #expect(await eventually { room.seen.sightings.count == 1 })
            let address = try #require(BluetoothAddress(PeripheralTests.cuff))
            let scene = Scene(
                room: room, device: device, peripheral: try #require(room.bluez.peripheral(address))
            )
            let (values, ends) = (scene.values, scene.ends)
            scene.peripheral.onValue = { value in values.withLock { $0.append(value.bytes) } }
            scene.peripheral.onDisconnect = { byDevice, reason in
                ends.withLock { $0.append("\(byDevice ? "device" : "gateway"): \(reason)") }
            }
            return scene
        }

        func connect() async throws {
            _ = try await peripheral.connect(within: .seconds(5))
        }

        /// Connected, with the services of a cuff.
        func connectFully() async throws {
            try await connect()
            try fake.addServices(
                device,
                [
                    "1810": ["2a35": ["indicate"], "2a08": ["read", "write", "encrypt-read"]],
                    "180a": ["2a24": ["read"]],
                ])
            try fake.resolve(device)
            _ = try await peripheral.services(within: .seconds(5))
        }
    }
}
