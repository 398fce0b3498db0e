import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// Sessions with devices that only the kernel has told of.
@Suite struct AirSessionTests {
    init() { LoopThread.start() }

    private static let cuff = AirTests.cuff
    private static let path = FakeBlueZ.path(cuff)

    @LoopActor private static func heard(_ room: Room, _ kernel: Kernel) async throws
        -> BlueZPeripheral
    {
        kernel.send(Message.found(cuff, Message.name("Cuff")))
        #expect(await eventually { room.seen.sightings.count == 1 })
        let sighting = try #require(room.seen.sightings.first)
        return try #require(room.bluez.peripheral(sighting.address, on: sighting.adapter))
    }

    @Test func `a device is connected, resolved and heard as over the bus alone`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            try room.fake.addDevice(Self.cuff)
            let peripheral = try await Self.heard(room, kernel)
            let values = Locked<[[UInt8]]>([])
            let ends = Locked<[String]>([])
            peripheral.onValue = { value in values.withLock { $0.append(value.bytes) } }
            peripheral.onDisconnect = { _, reason in ends.withLock { $0.append(reason) } }
            _ = try await peripheral.connect(within: .seconds(5))
            try room.fake.addServices(Self.path, ["1810": ["2a35": ["indicate"]]])
            try room.fake.resolve(Self.path)
            let services = try await peripheral.services(within: .seconds(5))
            #expect(services.map(\.uuid) == [.bloodPressureService])
            _ = try await peripheral.subscribe(.bloodPressureMeasurement)
            try room.fake.showValue(room.fake.characteristic(Self.path, "2a35"), [1, 2, 3])
            #expect(await eventually { values.withLock { $0 } == [[1, 2, 3]] })
            try room.fake.dropLink(Self.path)
            #expect(await eventually { ends.withLock(\.count) == 1 })
            // Each signal came once, though several rules let parts of them through.
            #expect(values.withLock(\.count) == 1)
            await room.close()
        }
    }

    @Test func `the second session of a day finds the device in the mirror and asks for nothing`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            try room.fake.addDevice(Self.cuff)
            let first = try await Self.heard(room, kernel)
            _ = try await first.connect(within: .seconds(5))
            await first.disconnect()
            let asked = room.fake.count("GetManagedObjects")
            let second = try #require(room.bluez.peripheral(first.address, on: "hci0"))
            _ = try await second.connect(within: .seconds(5))
            #expect(room.fake.count("GetManagedObjects") == asked)
            #expect(room.fake.count("Connect") == 2)
            await room.close()
        }
    }

    @Test func `an object that bluetoothd makes a little later is waited for`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            let peripheral = try await Self.heard(room, kernel)
            let late = spawn {
                try await sleep(for: .milliseconds(50))
                try room.fake.addDevice(Self.cuff)
            }
            _ = try await peripheral.connect(within: .seconds(5))
            try await late.value
            #expect(room.fake.count("Connect") == 1)
            await room.close()
        }
    }

    @Test func `a device that bluetoothd does not know is unreachable, and the next try is free`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            let peripheral = try await Self.heard(room, kernel)
            await #expect(throws: LinkError.self) {
                _ = try await peripheral.connect(within: .milliseconds(300))
            }
            #expect(room.bluez.links.isEmpty)
            await room.close()
        }
    }

    @Test func `a bond that somebody else made is known at the next advertisement`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            try room.fake.addDevice(Self.cuff, ["Paired": true, "Bonded": true])
            kernel.send(Message.bonded(Self.cuff))
            let address = try #require(BluetoothAddress(Self.cuff))
            #expect(await eventually { room.bluez.bondedDevices == [address] })
            kernel.send(Message.found(Self.cuff, [2, 1, 5]))
            #expect(await eventually { room.seen.sightings.first?.bonded == true })
            try room.fake.changeDevice(Self.path, ["Paired": false, "Bonded": false])
            #expect(await eventually { room.bluez.bondedDevices.isEmpty })
            await room.close()
        }
    }

    @Test func `of many devices connected in a day only the latest are followed`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            for number in 0..<120 {
                let digits = String(0x10 + number, radix: 16, uppercase: true)
                let path = try room.fake.addDevice("C8:47:8C:00:01:\(digits)")
                try await room.bluez.follow(path, within: .milliseconds(100))
                #expect(room.bluez.tree[path, BlueZNames.device] != nil)
            }
            #expect(room.bluez.air.followed.count == 100)
            #expect(room.bluez.tree.paths(with: BlueZNames.device, below: "/").count == 100)
            await room.close()
        }
    }

    /// Reason of the kernel, whether a bond is there, whether a person is asked at the first loss.
    static let reasons: [(UInt8, Bool, Bool)] = [
        (4, true, true), (3, true, false), (1, true, false), (4, false, false),
    ]

    @Test(arguments: reasons.indices)
    func `a bond that the device has lost is known at the first refusal where the kernel says so`(
        index: Int
    ) async throws {
        let (reason, bonded, asks) = Self.reasons[index]
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await AirTests.open(kernel)
            try room.fake.addDevice(
                Self.cuff, ["Bonded": .bool(bonded), "Paired": .bool(bonded)])
            let peripheral = try await Self.heard(room, kernel)
            _ = try await peripheral.connect(within: .seconds(5))
            let others = room.bluez.counters.otherManagementEvents
            kernel.send(Message.disconnected(Self.cuff, reason: reason))
            kernel.send(Message.make(0x0099, 0, []))
            #expect(
                await eventually { room.bluez.counters.otherManagementEvents > others })
            try room.fake.dropLink(Self.path)
            await #expect(throws: LinkError.self) {
                _ = try await peripheral.services(within: .seconds(5))
            }
            #expect((peripheral.staleBond != nil) == asks)
            // Only the person's word ends it: `forget`, or a session that works again.
            if asks {
                try await room.bluez.forget(peripheral.address)
                #expect(peripheral.staleBond == nil)
            }
            await room.close()
        }
    }
}
