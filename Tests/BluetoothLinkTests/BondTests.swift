import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// Pairing: the right passkey to the right device, nothing to any other.
@Suite struct BondTests {
    typealias Scene = PeripheralTests.Scene
    static let stranger = FakeBlueZ.path("00:00:00:00:00:99")

    init() { LoopThread.start() }

    @Test func `Just Works pairs without a question and is trusted from then on`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            try await scene.connect()
            try await scene.peripheral.bond(.justWorks, passkey: nil, within: .seconds(5))
            #expect(scene.room.bluez.bondedDevices.count == 1)
            #expect(scene.fake.agentAnswers.isEmpty)
            #expect(scene.fake.tree.value(scene.device, "org.bluez.Device1", "Trusted") == true)
            await scene.room.close()
        }
    }

    @Test func `a passkey from a person reaches the device that shows it`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.passkeys[scene.device] = 4_321
            try await scene.connect()
            try await scene.peripheral.bond(
                .passkeyEntry,
                passkey: {
                    try? await sleep(for: .milliseconds(30))
                    return 4_321
                }, within: .seconds(5))
            #expect(scene.room.bluez.bondedDevices.count == 1)
            await scene.room.close()
        }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method: BondMethod
        var passkey: UInt32?
    }
    @Test(arguments: [
        Wrong(testDescription: "another number", method: .passkeyEntry, passkey: 1),
        Wrong(testDescription: "nobody knows it", method: .passkeyEntry, passkey: nil),
        Wrong(testDescription: "seven digits", method: .passkeyEntry, passkey: 4_321_000),
        Wrong(testDescription: "the profile says Just Works", method: .justWorks, passkey: 4_321),
    ])
    func `without the right passkey a person has to act`(_ wrong: Wrong) async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.passkeys[scene.device] = 4_321
            try await scene.connect()
            await #expect(throws: LinkError.pairingFailed("pair: Authentication Failed")) {
                try await scene.peripheral.bond(
                    wrong.method, passkey: { wrong.passkey }, within: .seconds(5))
            }
            #expect(scene.room.bluez.bondedDevices.isEmpty)
            await scene.room.close()
        }
    }

    @Test func `another device that asks meanwhile gets nothing, and is counted`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            let fake = scene.fake
            fake.behaviours["Pair"] = [
                .run {
                    for member in ["RequestPasskey", "RequestAuthorization", "RequestPinCode"] {
                        _ = try? await fake.askAgent(member, .objectPath(Self.stranger))
                    }
                }
            ]
            try await scene.connect()
            try await scene.peripheral.bond(
                .passkeyEntry, passkey: { 123_456 }, within: .seconds(5))
            #expect(fake.agentAnswers.count == 3)
            for answer in fake.agentAnswers {
                #expect(throws: BusError.self) { try answer.get() }
            }
            #expect(
                scene.room.bluez.currentCounters.refusedPairings == [
                    "RequestPasskey": 1, "RequestAuthorization": 1, "RequestPinCode": 1,
                ])
            await scene.room.close()
        }
    }

    struct Question: Sendable {
        var member: String
        var arguments: [BusValue]
        var isGranted: Bool
    }
    @Test(arguments: [
        Question(member: "RequestAuthorization", arguments: [], isGranted: true),
        Question(member: "RequestConfirmation", arguments: [.uint32(1)], isGranted: true),
        Question(member: "RequestPasskey", arguments: [], isGranted: false),
        Question(member: "DisplayPasskey", arguments: [.uint32(1), .uint16(0)], isGranted: false),
        Question(member: "RequestPinCode", arguments: [], isGranted: false),
        Question(member: "AuthorizeService", arguments: ["1810"], isGranted: false),
        Question(member: "Invented", arguments: [], isGranted: false),
    ])
    func `while a device pairs by Just Works the agent grants that and no more`(
        _ question: Question
    ) async throws {
        let agent = PairingAgent()
        let path = "/org/bluez/hci0/dev_1"
        func ask() async -> Bool {
            let call = BusMessage(
                sender: ":1.1", path: PairingAgent.path, interface: "org.bluez.Agent1",
                member: question.member, body: [.objectPath(path)] + question.arguments)
            return (try? await agent.answer(call)) != nil
        }
        #expect(await !ask())
        await agent.begin(.init(method: .justWorks, passkey: nil), for: path)
        #expect(await ask() == question.isGranted)
        await agent.end(for: path)
        #expect(await !ask())
    }

    @Test(arguments: ["RequestAuthorization", "RequestConfirmation"])
    func `a device that has a passkey is not let in without it`(_ member: String) async throws {
        try await LoopThread.run {
            let agent = PairingAgent()
            let path = "/org/bluez/hci0/dev_1"
            agent.begin(.init(method: .passkeyEntry, passkey: { 7 }), for: path)
            let call = BusMessage(
                sender: ":1.1", path: PairingAgent.path, interface: "org.bluez.Agent1",
                member: member, body: [.objectPath(path)])
            await #expect(throws: BusError.self) { _ = try await agent.answer(call) }
            #expect(agent.refused == [member: 1])
        }
    }

    @Test func `a passkey that comes after the pairing has ended is not given away`() async throws {
        try await LoopThread.run {
            let agent = PairingAgent()
            let path = "/org/bluez/hci0/dev_1"
            let found = LoopCondition()
            agent.begin(
                .init(
                    method: .passkeyEntry,
                    passkey: {
                        _ = try? await found.wait()
                        return 7
                    }), for: path)
            let call = BusMessage(
                sender: ":1.1", path: PairingAgent.path, interface: "org.bluez.Agent1",
                member: "RequestPasskey", body: [.objectPath(path)])
            let asked = spawn { try await agent.answer(call) }
            try await sleep(for: .milliseconds(5))
            agent.end(for: path)
            found.broadcast()
            await #expect(throws: BusError.self) { _ = try await asked.value }
            #expect(agent.refused == ["RequestPasskey": 1])
        }
    }

    @Test func `a device that is bonded already is not paired again`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open(["Bonded": true, "Paired": true])
            #expect(try await scene.peripheral.connect(within: .seconds(5)))
            try await scene.peripheral.bond(.justWorks, passkey: nil, within: .seconds(5))
            #expect(scene.fake.count("Pair") == 0)
            await scene.room.close()
        }
    }

    @Test func `a pairing that does not end is called off`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Pair"] = [.hang]
            try await scene.connect()
            await #expect(throws: LinkError.self) {
                try await scene.peripheral.bond(.justWorks, passkey: nil, within: .milliseconds(60))
            }
            #expect(await eventually { scene.fake.count("CancelPairing") == 1 })
            await scene.room.close()
        }
    }

    @Test func `a bond that is made counts, also when bluetoothd never answers`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            let (fake, device) = (scene.fake, scene.device)
            // Seen with bluetoothd 5.66 when services are still being read.
            fake.behaviours["Pair \(device)"] = [
                .run {
                    try? fake.changeDevice(device, ["Bonded": true, "Paired": true])
                }
            ]
            fake.behaviours["Pair"] = [.hang]
            try await scene.connect()
            let start = ContinuousClock.now
            try await scene.peripheral.bond(.justWorks, passkey: nil, within: .seconds(30))
            #expect(ContinuousClock.now - start < .seconds(10))
            try await sleep(for: .milliseconds(30))
            #expect(fake.count("CancelPairing") == 0)
            await scene.room.close()
        }
    }

    @Test func `a device that leaves while it pairs ends the pairing at once`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open()
            scene.fake.behaviours["Pair"] = [.hang]
            try await scene.connect()
            let bond = spawn {
                try await scene.peripheral.bond(.justWorks, passkey: nil, within: .seconds(30))
            }
            #expect(await eventually { scene.fake.count("Pair") == 1 })
            try scene.fake.dropLink(scene.device)
            await #expect(throws: LinkError.disconnected("pair: the link was lost")) {
                try await bond.value
            }
            await scene.room.close()
        }
    }

    @Test func `forgetting a device removes it with its bond`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open(["Bonded": true, "Paired": true])
            try await scene.room.bluez.forget(scene.peripheral.address)
            #expect(await eventually { scene.room.bluez.bondedDevices.isEmpty })
            let removed = scene.fake.calls.last { $0.member == "RemoveDevice" }
            #expect(removed?.arguments == [.objectPath(scene.device)])
            #expect(scene.room.bluez.peripheral(scene.peripheral.address) == nil)
            await scene.room.close()
        }
    }

    @Test func `a device is connected through the adapter that holds its bond, whichever hears it`()
        async throws
    {
        try await LoopThread.run {
            let room = try await Room.open(adapters: ["hci0", "hci1"])
            #expect(await room.becomes(.scanning, "hci0"))
            #expect(await room.becomes(.scanning, "hci1"))
            let (one, two) = ("A4:C1:38:00:00:01", "A4:C1:38:00:00:02")
            try room.fake.addDevice(one, on: "hci0", ["Paired": true, "Bonded": true])
            try room.fake.addDevice(one, on: "hci1")
            for adapter in ["hci0", "hci1"] { try room.fake.addDevice(two, on: adapter) }
            #expect(await eventually { room.seen.sightings.count == 4 })
            let bonded = try #require(BluetoothAddress(one))
            let free = try #require(BluetoothAddress(two))
            for heard in ["hci0", "hci1", nil] {
                #expect(room.bluez.peripheral(bonded, on: heard)?.path.contains("hci0") == true)
            }
            // Without a bond whichever has heard it is as good.
            #expect(room.bluez.peripheral(free, on: "hci1")?.path.contains("hci1") == true)
            #expect(room.bluez.peripheral(free, on: "hci0")?.path.contains("hci0") == true)
            // The adapter with the bond is pulled: the other one is all there is.
            try room.fake.remove(FakeBlueZ.path(one, "hci0"), ["org.bluez.Device1"])
            #expect(
                await eventually {
                    room.bluez.peripheral(bonded, on: "hci1")?.path.contains("hci1") == true
                })
            await room.close()
        }
    }
}
