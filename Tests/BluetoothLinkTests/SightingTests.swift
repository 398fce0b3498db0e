import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import BluetoothLink

/// What a bluetoothd's signals tell of the devices around.
@Suite struct SightingTests {
    init() { LoopThread.start() }

    static let scale = "C8:47:8C:00:00:01"
    static let bodyComposition = FakeBlueZ.full("181b")

    @Test func `a device that advertises once is seen with all that it said`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try room.fake.addDevice(
                Self.scale,
                [
                    "Name": "MIBFS", "UUIDs": .strings([Self.bodyComposition]),
                    "ServiceData": .dictionary(
                        [.string(Self.bodyComposition): .variant(.bytes([2, 0xA4]))], of: "{sv}"),
                    "ManufacturerData": .dictionary(
                        [.uint16(0x157): .variant(.bytes([9]))], of: "{qv}"),
                    "Appearance": .uint16(0x0C80),
                ])
            #expect(await eventually { room.seen.sightings.count == 1 })
            let sighting = try #require(room.seen.sightings.first)
            #expect(sighting.address == BluetoothAddress(Self.scale))
            #expect(sighting.adapter == "hci0" && sighting.rssi == -60)
            #expect(!sighting.bonded && !sighting.addressIsRandom)
            #expect(sighting.advertisement.name == "MIBFS")
            #expect(sighting.advertisement.serviceUUIDs == [.bodyCompositionService])
            #expect(sighting.advertisement.serviceData == [.bodyCompositionService: [2, 0xA4]])
            #expect(sighting.advertisement.manufacturerData == [0x157: [9]])
            #expect(sighting.advertisement.appearance == 0x0C80)
            #expect(room.bluez.status[0].lastAdvertisement == sighting.at)
            await room.close()
        }
    }

    @Test func `each repetition of a frame is delivered, and never with an older frame of another`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let path = try room.fake.addDevice(Self.scale)
            @LoopActor func frame(_ data: [BusValue: BusValue]) throws {
                try room.fake.changeDevice(
                    path, ["RSSI": .int16(-61), "ManufacturerData": .dictionary(data, of: "{qv}")])
            }
            let (old, new) = (BusValue.variant(.bytes([1])), BusValue.variant(.bytes([2])))
            try frame([.uint16(1): old])
            try frame([.uint16(1): old])
            // bluetoothd has merged the frame of another company in: only that one is new.
            try frame([.uint16(1): old, .uint16(2): new])
            try room.fake.changeDevice(path, ["RSSI": .int16(-70)])
            #expect(await eventually { room.seen.sightings.count == 5 })
            let data = room.seen.sightings.map(\.advertisement.manufacturerData)
            #expect(data == [[:], [1: [1]], [1: [1]], [2: [2]], [:]])
            #expect(room.seen.sightings.map(\.rssi) == [-60, -61, -61, -61, -70])
            await room.close()
        }
    }

    @Test func `a bonded device that advertises nothing but its name is seen`() async throws {
        try await LoopThread.run {
            let room = try await Room.open { _ in
            } prepare: {
                try $0.addDevice(
                    Self.scale, ["Name": "A&D_UA-651BLE", "Bonded": true, "Paired": true])
            }
            #expect(await room.becomes(.scanning))
            // What bluetoothd knows from before is no sighting.
            #expect(room.seen.sightings.isEmpty)
            #expect(room.bluez.bondedDevices == [try #require(BluetoothAddress(Self.scale))])
            try room.fake.changeDevice(FakeBlueZ.path(Self.scale), ["RSSI": .int16(-50)])
            #expect(await eventually { room.seen.sightings.count == 1 })
            #expect(room.seen.sightings.first?.bonded == true)
            #expect(room.seen.sightings.first?.advertisement.name == "A&D_UA-651BLE")
            await room.close()
        }
    }

    @Test func `changes that are no advertisement, and the end of discovery, are no sightings`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let path = try room.fake.addDevice(Self.scale)
            #expect(await eventually { room.seen.sightings.count == 1 })
            try room.fake.changeDevice(path, ["Connected": true])
            try room.fake.changeDevice(path, [:], invalidated: ["RSSI"])
            try room.fake.changeDevice(path, ["Trusted": true, "Blocked": false])
            try room.fake.add(
                "/org/bluez/hci0/dev_made",
                [
                    "org.bluez.Device1": [
                        "Address": "00:00:00:00:00:01"
                    ]
                ])
            try room.fake.changeDevice(path, ["RSSI": .int16(127)])
            #expect(await eventually { room.seen.sightings.count == 2 })
            // 127 stands for "not known".
            #expect(room.seen.sightings.last?.rssi == .some(nil))
            await room.close()
        }
    }

    @Test func `another program on the bus cannot make up a device`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let stranger = try Bus.open(room.privateBus.address)
            // To everybody, and straight to the gateway's own connection.
            for destination in [nil, try #require(room.fake.agents.last?.sender)] {
                try stranger.emit(
                    "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
                    .objectPath("/org/bluez/hci0/dev_forged"),
                    .dictionary(
                        [
                            "org.bluez.Device1": .properties([
                                "Address": .string(Self.scale), "RSSI": .int16(-40),
                            ])
                        ], of: "{sa{sv}}"), to: destination)
            }
            #expect(await eventually { room.bluez.counters.foreignSignals == 1 })
            try room.fake.addDevice("00:00:00:00:00:02")
            #expect(await eventually { room.seen.sightings.count == 1 })
            #expect(room.seen.sightings.first?.address == BluetoothAddress("00:00:00:00:00:02"))
            await room.close()
        }
    }

    @Test func `malformed and unknown signals are counted and harm nothing`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let properties = "org.freedesktop.DBus.Properties"
            try room.fake.bus.emit("/x", properties, "PropertiesChanged", "one")
            try room.fake.bus.emit(
                "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "?")
            try room.fake.bus.emit("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved")
            try room.fake.bus.emit(
                "/unknown", properties, "PropertiesChanged", "org.bluez.Device1",
                .properties(["RSSI": .int16(-1)]), .strings([]))
            try room.fake.bus.emit("/", "org.bluez.Other1", "Whatever", "x")
            try room.fake.addDevice("nonsense")
            try room.fake.addDevice(Self.scale)
            #expect(await eventually { room.seen.sightings.count == 1 })
            let counters = room.bluez.currentCounters
            #expect(counters.malformedSignals == 3)
            #expect(counters.unknownObjects == 1 && counters.otherSignals == 1)
            await room.close()
        }
    }

    @Test func `a crowd of devices is followed without a lag`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            var paths: [String] = []
            for number in 0..<100 {
                let tail = String(number + 256, radix: 16).uppercased().suffix(2)
                paths.append(try room.fake.addDevice("11:22:33:44:55:\(tail)"))
            }
            for round in 0..<10 {
                for path in paths {
                    try room.fake.changeDevice(path, ["RSSI": .int16(Int16(-50 - round))])
                }
            }
            #expect(await eventually(within: .seconds(20)) { room.seen.sightings.count == 1100 })
            #expect(room.bluez.counters.sightings == 1100)
            await room.close()
        }
    }
}
