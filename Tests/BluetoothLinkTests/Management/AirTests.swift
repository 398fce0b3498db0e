import DeviceProfile
import EventLoop
import GatewayTestKit
import Glibc
import Measurement
import Testing

@testable import BluetoothLink

/// Advertisements from the kernel's management socket, beside a bluetoothd on the bus.
@Suite struct AirTests {
    init() { LoopThread.start() }

    static let cuff = "C8:47:8C:00:00:01"
    static let neighbour = "11:22:33:44:55:66"

    /// Anything named Cuff, or whose service data 181b is four bytes long.
    static let filter: AdvertisementFilter = {
        var name = MatchRule()
        name.namePrefixes = ["Cuff"]
        var data = MatchRule()
        data.serviceData = [.bodyCompositionService]
        data.serviceDataLength = 4
        return AdvertisementFilter(rules: [name, data])
    }()

    @LoopActor static func open(
        _ kernel: Kernel, adapters: [String] = ["hci0"],
        prepare: @LoopActor (FakeBlueZ) async throws -> Void = { _ in }
    ) async throws -> Room {
        let room = try await Room.open(
            adapters: adapters,
            {
                $0.openManagement = { () throws(ManagementRefusal) in try kernel.open() }
                $0.filter = { filter }
                $0.adapter.probeLimit = .milliseconds(200)
            }, prepare: prepare)
        #expect(await room.becomes(.scanning))
        return room
    }

    @Test func `where the kernel permits it, a device is seen with all that it said`() async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            #expect(room.bluez.status.first?.source == .managementSocket)
            #expect(room.bluez.status.first?.sourceProblem == nil)
            #expect(kernel.commands == [[0x15, 0, 0, 0, 0, 0]])
            kernel.send(
                Message.found(
                    Self.cuff, [2, 1, 6, 3, 3, 0x1B, 0x18] + Message.name("Cuff 1"), type: 2,
                    rssi: -55))
            #expect(await eventually { room.seen.sightings.count == 1 })
            let sighting = try #require(room.seen.sightings.first)
            #expect(sighting.address == BluetoothAddress(Self.cuff))
            #expect(sighting.adapter == "hci0" && sighting.rssi == -55)
            #expect(sighting.addressIsRandom && !sighting.bonded)
            #expect(sighting.advertisement.name == "Cuff 1")
            #expect(sighting.advertisement.serviceUUIDs == [.bodyCompositionService])
            #expect(room.bluez.status[0].lastAdvertisement != nil)
            await room.close()
        }
    }

    @Test func `the neighbours' advertisements end at the filter and show the radio alive`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            for number in 0..<200 {
                kernel.send(
                    Message.found(
                        "11:22:33:44:55:\(String(format(number)))",
                        [2, 1, 6, 5, 0xFF, 0x4C, 0, UInt8(number), 1]))
            }
            kernel.send(Message.found(Self.cuff, [2, 1, 6], type: 0))
            kernel.send(Message.found(Self.cuff, Message.name("Cuff"), controller: 7))
            kernel.send(Message.make(0x13, 0, [1]))
            kernel.send([1, 2, 3])
            #expect(await eventually { room.bluez.currentCounters.malformedManagementEvents == 1 })
            let counters = room.bluez.currentCounters
            #expect(counters.foreignAdvertisements == 200)
            // Another radio, and an adapter that is not ours.
            #expect(counters.unwantedAdvertisements == 2)
            #expect(counters.otherManagementEvents == 1)
            #expect(room.seen.sightings.isEmpty)
            #expect(room.bluez.status[0].lastAdvertisement != nil)
            await room.close()
        }
    }

    @Test func `bluetoothd's talk of the neighbours does not reach us, that of adapters does`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            let path = try room.fake.addDevice(Self.neighbour)
            for strength in 0..<20 {
                try room.fake.changeDevice(path, ["RSSI": .int16(Int16(-60 - strength))])
            }
            try room.fake.addAdapter("hci1")
            #expect(await room.becomes(.scanning, "hci1"))
            #expect(room.bluez.tree[path, BlueZNames.device] == nil)
            #expect(room.bluez.currentCounters.unknownObjects == 0)
            #expect(room.seen.sightings.isEmpty)
            kernel.send(Message.found(Self.cuff, Message.name("Cuff"), controller: 1))
            #expect(await eventually { room.seen.sightings.first?.adapter == "hci1" })
            await room.close()
        }
    }

    @Test func `what was there before is left out of the mirror, bonded devices are kept`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel) { fake in
                try fake.addDevice(Self.neighbour)
                try fake.addDevice(
                    Self.cuff, ["Paired": true, "Bonded": true, "Name": "Cuff of mine"])
            }
            #expect(
                room.bluez.tree.paths(with: BlueZNames.device, below: "/")
                    == [FakeBlueZ.path(Self.cuff)])
            // It says nothing of itself; bluetoothd knows its name.
            kernel.send(Message.found(Self.cuff, [2, 1, 5]))
            #expect(await eventually { room.seen.sightings.count == 1 })
            let sighting = try #require(room.seen.sightings.first)
            #expect(sighting.bonded && sighting.advertisement.name == "Cuff of mine")
            await room.close()
        }
    }

    @Test func `name and data that come in different frames are put together`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            kernel.send(Message.found(Self.cuff, [3, 3, 0x10, 0x18]))
            kernel.send(Message.found(Self.cuff, Message.name("Cuff")))
            kernel.send(Message.found(Self.cuff, [3, 3, 0x10, 0x18, 4, 0xFF, 1, 0, 9]))
            kernel.send(Message.found(Self.cuff, [2, 1, 6]))
            #expect(await eventually { room.seen.sightings.count == 4 })
            let seen = room.seen.sightings.map(\.advertisement)
            // The first shows a health service, though no profile: it is told as well.
            #expect(seen.map(\.name) == [nil, "Cuff", "Cuff", "Cuff"])
            #expect(seen.allSatisfy { $0.serviceUUIDs == [.bloodPressureService] })
            // What a device has measured is never carried over from an older frame.
            #expect(seen.map(\.manufacturerData) == [[:], [:], [1: [9]], [:]])
            await room.close()
        }
    }

    @Test func `an unknown device with a health service is told, so that a person can see it`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            kernel.send(Message.found(Self.neighbour, [3, 3, 0x1F, 0x18] + Message.name("CGM")))
            #expect(await eventually { room.seen.sightings.count == 1 })
            #expect(room.seen.sightings.first?.advertisement.name == "CGM")
            await room.close()
        }
    }

    // MARK: Falling back

    struct Refusal: Sendable {
        var name: String
        var set: @LoopActor @Sendable (Kernel) -> Void
        var problem: String
    }

    @Test(arguments: [
        Refusal(
            name: "permission", set: { $0.status = 0x14 },
            problem: "the management socket needs CAP_NET_ADMIN and CAP_NET_RAW"),
        Refusal(
            name: "silence", set: { $0.status = nil },
            problem: "the management socket does not answer"),
        Refusal(
            name: "no such socket", set: { $0.refusal = .unavailable(EAFNOSUPPORT) },
            problem: "the management socket: Address family not supported by protocol"),
    ])
    func `where it is not permitted, bluetoothd tells of the devices, and the status says why`(
        refusal: Refusal
    ) async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            refusal.set(kernel)
            let room = try await Self.open(kernel)
            #expect(room.bluez.status.first?.source == .bus)
            #expect(room.bluez.status.first?.sourceProblem == refusal.problem)
            try room.fake.addDevice(Self.neighbour)
            #expect(await eventually { room.seen.sightings.count == 1 })
            kernel.send(Message.found(Self.cuff, Message.name("Cuff")))
            try room.fake.addDevice(Self.cuff)
            #expect(await eventually { room.seen.sightings.count == 2 })
            await room.close()
        }
    }

    @Test func `the socket of this very kernel is opened and closed, or refused with the reason`() {
        do throws(ManagementRefusal) {
            let socket = try ManagementSocket()
            #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
            var buffer = [UInt8](repeating: 0, count: 64)
            _ = socket.receive(&buffer)
        } catch {
            #expect("\(error)".hasPrefix("the management socket: "))
        }
    }

    @Test func `an answer that there is no controller yet is a yes`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            kernel.status = 0x11
            let room = try await Self.open(kernel)
            #expect(room.bluez.status.first?.source == .managementSocket)
            await room.close()
        }
    }

    @Test func `a socket that the kernel closes is given up and devices go on being seen`()
        async throws
    {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            try room.fake.addDevice(Self.neighbour)
            kernel.refusal = .unavailable(ENODEV)
            kernel.close()
            #expect(await eventually { room.bluez.status.first?.source == .bus })
            #expect(room.bluez.currentCounters.managementFailures == 1)
            #expect(
                await eventually {
                    room.bluez.tree[FakeBlueZ.path(Self.neighbour), BlueZNames.device] != nil
                })
            try room.fake.changeDevice(FakeBlueZ.path(Self.neighbour), ["RSSI": .int16(-70)])
            #expect(await eventually { room.seen.sightings.count == 1 })
            await room.close()
        }
    }

    @Test func `a bluetoothd that comes back finds the socket in use still`() async throws {
        try await LoopThread.run {
            let kernel = Kernel()
            let room = try await Self.open(kernel)
            try await room.fake.quit()
            #expect(await room.becomes(.noBluetoothd))
            room.fake = try await FakeBlueZ.start(room.privateBus.address)
            #expect(await room.becomes(.scanning))
            #expect(kernel.opened == 1)
            kernel.send(Message.found(Self.cuff, Message.name("Cuff")))
            #expect(await eventually { room.seen.sightings.count == 1 })
            await room.close()
        }
    }
}

private func format(_ number: Int) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return digits.count < 2 ? "0" + digits : digits
}
