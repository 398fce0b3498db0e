import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import BluetoothLink

/// What becomes of the adapters while bluetoothd, the bus and the radio come and go.
@Suite struct AdapterTests {
    init() { LoopThread.start() }

    @Test func `an adapter that is off is powered and scans for everything on LE`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let filter = room.fake.calls.first { $0.member == "SetDiscoveryFilter" }
            #expect(
                filter?.arguments.first?.properties == ["Transport": "le", "DuplicateData": true])
            let status = room.bluez.status[0]
            #expect(status.problem == nil && status.lastAdvertisement == nil)
            await room.close()
        }
    }

    @Test func `an adapter that is on is not powered again`() async throws {
        try await LoopThread.run {
            let room = try await Room.open { _ in
            } prepare: {
                try $0.change("/org/bluez/hci0", "org.bluez.Adapter1", ["Powered": true])
            }
            #expect(await room.becomes(.scanning))
            #expect(room.fake.count("Set") == 0)
            await room.close()
        }
    }

    @Test func `without bluetoothd that is the state, and its start is all it takes`() async throws
    {
        try await LoopThread.run {
            let privateBus = try PrivateBus()
            let bluez = BlueZ(settings: Self.quick(privateBus.address)) { _ in }
            let task = spawn { await bluez.run() }
            #expect(await eventually { bluez.owner == nil && bluez.bus != nil })
            #expect(bluez.status.map(\.state) == [.noBluetoothd])
            #expect(bluez.status.map(\.adapter) == ["any"])
            let fake = try await FakeBlueZ.start(privateBus.address)
            #expect(await eventually { bluez.status.map(\.state) == [.scanning] })
            #expect(fake.agents.map(\.capability) == ["KeyboardDisplay"])
            #expect(fake.hasDefaultAgent)
            task.cancel()
            await task.value
        }
    }

    @Test func `a restarted bluetoothd gets agent, filter and discovery anew`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try await room.fake.quit()
            #expect(await room.becomes(.noBluetoothd))
            room.fake = try await FakeBlueZ.start(room.privateBus.address)
            #expect(await room.becomes(.scanning))
            #expect(room.fake.agents.count == 1)
            #expect(room.fake.count("SetDiscoveryFilter") == 1)
            await room.close()
        }
    }

    @Test func `the bus itself may die and come back`() async throws {
        try await LoopThread.run {
            let path = "/tmp/hakaru-bus-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
            let first = try PrivateBus(listening: path)
            let bluez = BlueZ(settings: Self.quick("unix:path=\(path)")) { _ in }
            let task = spawn { await bluez.run() }
            let fake = try await FakeBlueZ.start(first.address)
            #expect(await eventually { bluez.status.map(\.state) == [.scanning] })
            first.kill()
            #expect(await eventually { bluez.status.map(\.state) == [.noBluetoothd] })
            unlink(path)
            let second = try PrivateBus(listening: path)
            let again = try await FakeBlueZ.start(second.address)
            #expect(
                await eventually(within: .seconds(15)) {
                    bluez.status.map(\.state) == [.scanning]
                })
            task.cancel()
            await task.value
            unlink(path)
            withExtendedLifetime((fake, again)) {}
        }
    }

    @Test func `a pulled dongle is absent, and scans again when it is back`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try room.fake.remove("/org/bluez/hci0", ["org.bluez.Adapter1"])
            #expect(await room.becomes(.absent))
            try room.fake.addAdapter("hci0")
            #expect(await room.becomes(.scanning))
            await room.close()
        }
    }

    @Test func `a dongle that comes back under another name leaves no ghost behind`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try room.fake.remove("/org/bluez/hci0", ["org.bluez.Adapter1"])
            #expect(await room.becomes(.absent))
            try room.fake.addAdapter("hci1", address: "00:1A:7D:DA:71:10")
            #expect(await room.becomes(.scanning, "hci1"))
            #expect(room.bluez.status.map(\.adapter) == ["hci1"])
            await room.close()
        }
    }

    @Test func `only the adapters of the configuration are touched, and a missing one shows`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open(adapters: ["hci0", "hci1"]) {
                $0.adapters = ["hci1", "hci7"]
            }
            #expect(await room.becomes(.scanning, "hci1"))
            #expect(room.bluez.status.map(\.adapter) == ["hci1", "hci7"])
            #expect(room.state("hci7") == .absent)
            #expect(room.fake.calls.allSatisfy { !$0.path.hasPrefix("/org/bluez/hci0") })
            await room.close()
        }
    }

    @Test func `an adapter that bluetoothd is powering itself is waited for`() async throws {
        try await LoopThread.run {
            let room = try await Room.open { _ in
            } prepare: {
                $0.behaviours["Set"] = [
                    .fail("org.bluez.Error.Busy"), .fail("org.bluez.Error.Busy"),
                ]
            }
            #expect(await room.becomes(.scanning))
            #expect(room.fake.count("Set") == 3)
            await room.close()
        }
    }

    @Test func `a radio switch shows as blocked, and ends without a restart`() async throws {
        try await LoopThread.run {
            let blocked = Array(
                repeating: FakeBlueZ.Behaviour.fail(
                    "org.bluez.Error.Blocked", "Blocked through rfkill"), count: 3)
            let room = try await Room.open { _ in
            } prepare: {
                $0.behaviours["Set"] = blocked
            }
            #expect(await room.becomes(.blocked))
            #expect(room.bluez.status[0].problem?.contains("rfkill") == true)
            // The switch is flipped: bluetoothd powers the adapter by itself.
            try room.fake.change("/org/bluez/hci0", "org.bluez.Adapter1", ["Powered": true])
            #expect(await room.becomes(.scanning))
            await room.close()
        }
    }

    @Test func `a switch that bluetoothd only calls "Failed" is found in the kernel's list`()
        async throws
    {
        try await LoopThread.run {
            let folder = "/tmp/hakaru-rfkill-\(getpid())"
            for path in [folder, folder + "/rfkill0"] { mkdir(path, 0o700) }
            for (name, text) in [("name", "hci0\n"), ("soft", "1\n"), ("hard", "0\n")] {
                let file = open("\(folder)/rfkill0/\(name)", O_CREAT | O_WRONLY | O_TRUNC, 0o600)
                write(file, text, text.utf8.count)
                close(file)
            }
            #expect(RadioSwitch(folder: folder).blocks("hci0"))
            #expect(!RadioSwitch(folder: folder).blocks("hci1"))
            #expect(!RadioSwitch(folder: "/nowhere").blocks("hci0"))
            let room = try await Room.open {
                $0.adapter.radioSwitch = RadioSwitch(folder: folder)
            } prepare: {
                $0.behaviours["Set"] = [.fail("org.bluez.Error.Failed", "Failed")]
            }
            #expect(await room.becomes(.blocked))
            await room.close()
        }
    }

    @Test func `power lost meanwhile comes back with discovery`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try room.fake.change(
                "/org/bluez/hci0", "org.bluez.Adapter1", ["Powered": false, "Discovering": false])
            #expect(await eventually { room.fake.count("StartDiscovery") == 2 })
            #expect(await room.becomes(.scanning))
            await room.close()
        }
    }

    @Test func `a session that bluetoothd still believes in is stopped before the next`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open { _ in
            } prepare: {
                $0.behaviours["StartDiscovery"] = [.fail("org.bluez.Error.InProgress")]
            }
            #expect(await room.becomes(.scanning))
            #expect(room.fake.count("StopDiscovery") == 1)
            #expect(room.bluez.status[0].discoveryRestarts == 1)
            #expect(room.bluez.status[0].signs == ["start-failed": 1])
            #expect(room.bluez.status[0].powerCycles == 0)
            await room.close()
        }
    }

    @Test func `a start that hangs again and again ends in a power cycle`() async throws {
        try await LoopThread.run {
            let room = try await Room.open {
                $0.adapter.callLimit = .milliseconds(400)
            } prepare: {
                $0.behaviours["StartDiscovery"] = [.hang, .hang]
            }
            #expect(
                await eventually(within: .seconds(15)) {
                    room.bluez.status[0].powerCycles >= 1 && room.state() == .scanning
                })
            // The mild step came first.
            #expect(room.bluez.status[0].discoveryRestarts >= 1)
            await room.close()
        }
    }

    @Test func `a short pause of discovery, as between two rounds, is no sign of breakage`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open { $0.adapter.discoveringLostAfter = .seconds(60) }
            #expect(await room.becomes(.scanning))
            let adapter = "/org/bluez/hci0"
            #expect(await eventually { room.fake.count("StartDiscovery") == 1 })
            let control = try #require(room.bluez.adapters["hci0"])
            // Between two rounds.
            try room.fake.change(adapter, "org.bluez.Adapter1", ["Discovering": false])
            #expect(await eventually { control.discoveringLost != nil })
            try room.fake.change(adapter, "org.bluez.Adapter1", ["Discovering": true])
            #expect(await eventually { control.discoveringLost == nil })
            #expect(room.fake.count("StartDiscovery") == 1)
            #expect(room.bluez.status[0].signs.isEmpty)
            await room.close()
        }
    }

    @Test func `discovery that is lost for good is started again, once`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            try room.fake.change(
                "/org/bluez/hci0", "org.bluez.Adapter1", ["Discovering": false])
            #expect(await eventually { room.fake.count("StartDiscovery") == 2 })
            #expect(await room.becomes(.scanning))
            #expect(room.bluez.status[0].signs == ["discovering-lost": 1])
            await room.close()
        }
    }

    @Test func `a radio that is heard again between two signs is not switched off`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            for round in 1...3 {
                try room.fake.addDevice("00:00:00:00:00:0\(round)")
                #expect(await eventually { room.seen.sightings.count == round })
                try room.fake.change(
                    "/org/bluez/hci0", "org.bluez.Adapter1", ["Discovering": false])
                #expect(
                    await eventually {
                        room.bluez.status[0].discoveryRestarts == round && room.state() == .scanning
                    })
            }
            #expect(room.bluez.status[0].powerCycles == 0)
            await room.close()
        }
    }

    @Test func `a room in which nothing advertises arms no recovery`() async throws {
        try await LoopThread.run {
            let room = try await Room.open()
            #expect(await room.becomes(.scanning))
            let calls = room.fake.calls.count
            try await sleep(for: .milliseconds(300))
            #expect(room.fake.calls.count == calls)
            #expect(room.bluez.status[0].signs.isEmpty)
            await room.close()
        }
    }

    @Test func `after a long silence the radio is asked, ever more seldom, and that is no sign`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open { $0.adapter.silenceLimit = .milliseconds(40) }
            #expect(await room.becomes(.scanning))
            #expect(await eventually { room.fake.count("StopDiscovery") == 3 })
            #expect(await room.becomes(.scanning))
            #expect(room.bluez.status[0].signs.isEmpty)
            #expect(room.bluez.status[0].discoveryRestarts == 0)
            // By now it is only asked after more than half a second.
            let asked = room.fake.count("StopDiscovery")
            try await sleep(for: .milliseconds(150))
            #expect(room.fake.count("StopDiscovery") - asked <= 1)
            await room.close()
        }
    }

    @Test func `a radio that has fallen silent for good shows, though bluetoothd says nothing`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open {
                $0.adapter.silenceLimit = .milliseconds(40)
            } prepare: {
                let deaf = FakeBlueZ.Behaviour.fail("org.bluez.Error.Failed", "")
                $0.behaviours["StartDiscovery"] = [.run {}] + Array(repeating: deaf, count: 6)
            }
            #expect(await eventually { room.state() == .starting })
            #expect(await eventually { room.bluez.status[0].powerCycles == 1 })
            #expect(await room.becomes(.scanning))
            #expect(room.bluez.status[0].signs == ["start-failed": 2])
            await room.close()
        }
    }

    @Test func `objects that cannot be read are asked for again`() async throws {
        try await LoopThread.run {
            let room = try await Room.open {
                $0.adapter.callLimit = .milliseconds(400)
            } prepare: {
                $0.behaviours["GetManagedObjects"] = [.fail("org.bluez.Error.Failed"), .hang]
            }
            #expect(await room.becomes(.scanning))
            #expect(room.bluez.counters.reloadFailures == 2)
            await room.close()
        }
    }

    private static func quick(_ address: String) -> BlueZSettings {
        var settings = BlueZSettings(busAddress: address)
        settings.adapter.callLimit = .seconds(8)
        settings.adapter.delayFactor = 0.01
        return settings
    }
}
