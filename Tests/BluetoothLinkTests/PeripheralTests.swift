import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// A connected device, from the first Connect to the last value.
@Suite struct PeripheralTests {
    init() { LoopThread.start() }

    static let cuff = "A4:C1:38:00:00:01"
    static let measurement = BluetoothUUID.bloodPressureMeasurement

    @Test func `discovery stops for the attempt and goes on beside the connection`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            let bonded = try await scene.peripheral.connect(within: .seconds(5))
            #expect(!bonded)
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            let order = scene.fake.calls.map(\.member).filter {
                ["StartDiscovery", "StopDiscovery", "Connect"].contains($0)
            }
            #expect(order == ["StartDiscovery", "StopDiscovery", "Connect", "StartDiscovery"])
            #expect(scene.room.state() == .scanning)
            await scene.room.close()
        }
    }

    @Test func `a stop of discovery that hangs delays the attempt, it does not prevent it`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.pauseLimit = .milliseconds(50) }
            scene.fake.behaviours["StopDiscovery"] = [.hang]
            try await scene.connect()
            await scene.room.close()
        }
    }

    @Test func `a silent device is given up in time and called off in bluetoothd`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Connect"] = [.hang]
            let start = ContinuousClock.now
            await #expect(throws: LinkError.self) {
                _ = try await scene.peripheral.connect(within: .milliseconds(80))
            }
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(await eventually { scene.fake.count("Disconnect") == 1 })
            // The adapter is free for the next one, and the device for its next session.
            let next = try #require(scene.room.bluez.peripheral(scene.peripheral.address))
            _ = try await next.connect(within: .seconds(5))
            await scene.room.close()
        }
    }

    struct Refusal: Sendable {
        var name: String
        var message: String
        var expected: String
    }
    @Test(arguments: [
        Refusal(
            name: "org.bluez.Error.Failed", message: "le-connection-abort-by-local",
            expected: "unreachable"),
        Refusal(
            name: "org.freedesktop.DBus.Error.UnknownObject", message: "gone",
            expected: "unreachable"),
        Refusal(name: "org.bluez.Error.AlreadyConnected", message: "", expected: "connected"),
    ])
    func `a refused connection tells what can be done`(_ refusal: Refusal) async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Connect"] = [.fail(refusal.name, refusal.message)]
            var outcome = "connected"
            do throws(LinkError) {
                _ = try await scene.peripheral.connect(within: .seconds(5))
            } catch {
                outcome = String("\(error)".prefix { $0 != "(" })
            }
            #expect(outcome == refusal.expected)
            await scene.room.close()
        }
    }

    @Test(arguments: ["InProgress", "Failed"])
    func `an attempt that bluetoothd has under way by itself is joined`(_ name: String)
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Connect"] = [
                .fail("org.bluez.Error." + name, "Operation already in progress")
            ]
            let attempt = spawn { try await scene.peripheral.connect(within: .seconds(5)) }
            #expect(await eventually { scene.fake.count("Connect") == 1 })
            try scene.fake.changeDevice(scene.device, ["Connected": true])
            _ = try await attempt.value
            await scene.room.close()
        }
    }

    @Test func `an attempt of bluetoothd that leads nowhere is called off at the limit`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Connect"] = [.fail("org.bluez.Error.InProgress", "")]
            var isUnreachable = false
            do throws(LinkError) {
                _ = try await scene.peripheral.connect(within: .milliseconds(60))
            } catch {
                if case .unreachable = error { isUnreachable = true }
            }
            #expect(isUnreachable)
            #expect(scene.fake.count("Disconnect") == 1)
            await scene.room.close()
        }
    }

    @Test func `two devices connect one after the other, the one with the short window first`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            let bluez = scene.room.bluez
            for number in 2...4 { try scene.fake.addDevice("A4:C1:38:00:00:0\(number)") }
            #expect(await eventually { scene.room.seen.sightings.count == 4 })
            let gate = LoopCondition()
            scene.fake.behaviours["Connect \(scene.device)"] = [
                .run { _ = try? await gate.wait() }
            ]
            let first = spawn { try await scene.peripheral.connect(within: .seconds(9)) }
            #expect(await eventually { scene.fake.count("Connect") == 1 })
            let others = try [(2, ConnectionPriority.background), (3, .normal), (4, .shortWindow)]
                .map { number, priority in
                    let address = try #require(BluetoothAddress("A4:C1:38:00:00:0\(number)"))
                    let device = try #require(bluez.peripheral(address))
                    return spawn {
                        try await device.connect(within: .seconds(9), priority: priority)
                    }
                }
            try await sleep(for: .milliseconds(30))
            #expect(scene.fake.count("Connect") == 1)
            gate.broadcast()
            _ = try await first.value
            for other in others { _ = try await other.value }
            let order = scene.fake.calls.filter { $0.member == "Connect" }.map { $0.path.suffix(1) }
            #expect(order == ["1", "4", "3", "2"])
            // Discovery stays stopped between them: each restart costs the next device its time.
            #expect(scene.fake.count("StopDiscovery") == 1)
            #expect(await eventually { scene.fake.count("StartDiscovery") == 2 })
            await scene.room.close()
        }
    }

    @Test func `a second session with the same device is refused, the first goes on`() async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connect()
            let second = try #require(scene.room.bluez.peripheral(scene.peripheral.address))
            await #expect(throws: LinkError.unreachable("another session holds it")) {
                _ = try await second.connect(within: .seconds(1))
            }
            try scene.fake.resolve(scene.device)
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            _ = try await scene.peripheral.services(within: .seconds(5))
            await scene.room.close()
        }
    }

    @Test func `services are told with what can be done with each characteristic`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connect()
            try scene.fake.addServices(
                scene.device,
                [
                    "1810": [
                        "2a35": ["indicate"],
                        "2a08": ["read", "write", "encrypt-read", "authenticated-signed-writes"],
                    ],
                    "1808": ["2a18": ["notify"], "2a52": ["write", "indicate"]],
                ])
            try scene.fake.resolve(scene.device)
            let services = try await scene.peripheral.services(within: .seconds(5))
            #expect(
                services == [
                    GATTService(
                        uuid: .bloodPressureService,
                        characteristics: [
                            GATTCharacteristic(uuid: Self.measurement, properties: [.indicate]),
                            GATTCharacteristic(uuid: .dateTime, properties: [.read, .write]),
                        ]),
                    GATTService(
                        uuid: .glucoseService,
                        characteristics: [
                            GATTCharacteristic(uuid: .glucoseMeasurement, properties: [.notify]),
                            GATTCharacteristic(
                                uuid: .recordAccessControlPoint, properties: [.write, .indicate]),
                        ]),
                ])
            await scene.room.close()
        }
    }

    @Test func `characteristics that are exported after "resolved" are waited for`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open([
                "UUIDs": .strings([FakeBlueZ.full("1810"), FakeBlueZ.full("1800")])
            ])
            try await scene.connect()
            try scene.fake.resolve(scene.device)
            let task = spawn { try await scene.peripheral.services(within: .seconds(5)) }
            try await sleep(for: .milliseconds(60))
            try scene.fake.addServices(scene.device, ["1810": [:]])
            try await sleep(for: .milliseconds(60))
            try scene.fake.addCharacteristic(
                scene.device + "/service0000/char0001", "2a35", ["indicate"])
            let services = try await task.value
            #expect(services.first?.characteristics.map(\.uuid) == [Self.measurement])
            await scene.room.close()
        }
    }

    @Test func `characteristics whose announcement was missed are found all the same`() async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open(["UUIDs": .strings([FakeBlueZ.full("1810")])])
            try await scene.connect()
            try scene.fake.addServices(scene.device, ["1810": [:]])
            scene.fake.addSilently(
                scene.device + "/service0000/char0001", "2a35", ["indicate"])
            try scene.fake.resolve(scene.device)
            let services = try await scene.peripheral.services(within: .seconds(5))
            #expect(services.first?.characteristics.map(\.uuid) == [Self.measurement])
            await scene.room.close()
        }
    }

    @Test func `an advertised UUID that is no service costs a moment, not the session`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open([
                "UUIDs": .strings(["233bf000-5a34-1b6d-975c-000d5690abe4", FakeBlueZ.full("1810")])
            ])
            try await scene.connect()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            try scene.fake.resolve(scene.device)
            let start = ContinuousClock.now
            #expect(try await scene.peripheral.services(within: .seconds(5)).count == 1)
            #expect(ContinuousClock.now - start < .seconds(3))
            await scene.room.close()
        }
    }

    @Test func `services that never resolve are given up at the limit`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connect()
            await #expect(throws: LinkError.unreachable("services: no answer in time")) {
                _ = try await scene.peripheral.services(within: .milliseconds(60))
            }
            await scene.room.close()
        }
    }

    @Test func `a value is read, a clock is written with response`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            scene.fake.setValue(scene.path("2a08"), [0xEA, 7, 3, 1, 8, 16, 0])
            #expect(try await scene.peripheral.read(.dateTime) == [0xEA, 7, 3, 1, 8, 16, 0])
            try await scene.peripheral.write(.dateTime, [1, 2, 3])
            let write = scene.fake.calls.last { $0.member == "WriteValue" }
            #expect(write?.path == scene.path("2a08"))
            #expect(write?.arguments.first == .bytes([1, 2, 3]))
            #expect(write?.arguments.last?.properties == ["type": "request"])
            await #expect(throws: LinkError.noSuchCharacteristic(.glucoseMeasurement)) {
                _ = try await scene.peripheral.read(.glucoseMeasurement)
            }
            await scene.room.close()
        }
    }

    @Test func `the battery that bluetoothd keeps to itself can be read all the same`() async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connect()
            try scene.fake.addServices(scene.device, ["1810": ["2a35": ["indicate"]]])
            try scene.fake.add(scene.device, ["org.bluez.Battery1": ["Percentage": .byte(88)]])
            try scene.fake.resolve(scene.device)
            let services = try await scene.peripheral.services(within: .seconds(5))
            #expect(services.map(\.uuid) == [.bloodPressureService, .batteryService])
            #expect(try await scene.peripheral.read(.batteryLevel) == [88])
            await scene.room.close()
        }
    }

    @Test func `bluetoothd's death in a session ends it as no fault of the device`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            scene.fake.behaviours["ReadValue"] = [.hang]
            let read = spawn { try await scene.peripheral.read(.dateTime) }
            #expect(await eventually { scene.fake.count("ReadValue") == 1 })
            try await scene.fake.quit()
            await #expect(throws: LinkError.self) { _ = try await read.value }
            #expect(scene.ends.withLock { $0 } == ["gateway: bluetoothd is gone"])
            await scene.room.close()
        }
    }

    @Test func `a device that leaves ends what is under way, with the reason where it is known`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            scene.fake.behaviours["ReadValue"] = [.hang]
            let read = spawn { try await scene.peripheral.read(.dateTime) }
            #expect(await eventually { scene.fake.count("ReadValue") == 1 })
            try scene.fake.bus.emit(
                scene.device, "org.bluez.Device1", "Disconnected", "org.bluez.Reason.Timeout", "x")
            try scene.fake.dropLink(scene.device)
            #expect(await eventually { scene.ends.withLock { $0.count } == 1 })
            #expect(scene.ends.withLock { $0 } == ["device: org.bluez.Reason.Timeout"])
            scene.fake.releaseHung()
            await #expect(
                throws: LinkError.disconnected("read 2a08: org.bluez.Reason.Timeout")
            ) { _ = try await read.value }
            await #expect(throws: LinkError.self) {
                try await scene.peripheral.write(.dateTime, [])
            }
            await scene.room.close()
        }
    }

    @Test func `the gateway's own disconnect is told once, and not as the device's`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connectFully()
            await scene.peripheral.disconnect()
            await scene.peripheral.disconnect()
            #expect(scene.ends.withLock { $0.count } == 1)
            #expect(scene.ends.withLock { $0[0].hasPrefix("gateway") })
            #expect(scene.fake.count("Disconnect") == 1)
            await scene.room.close()
        }
    }

    @Test func `a disconnect that hangs is a sign of breakage and ends the session all the same`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.callLimit = .milliseconds(600) }
            try await scene.connectFully()
            scene.fake.behaviours["Disconnect"] = [.hang]
            let task = spawn { await scene.peripheral.disconnect() }
            #expect(
                await eventually { scene.room.bluez.status[0].signs == ["call-hung": 1] })
            try scene.fake.dropLink(scene.device)
            await task.value
            #expect(scene.ends.withLock { $0.count } == 1)
            #expect(scene.room.bluez.status[0].signs == ["call-hung": 1])
            await scene.room.close()
        }
    }
}
