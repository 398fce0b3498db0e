import DeviceLink
import DeviceProfile
import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// Devices that have lost their bond, and devices that only look like it, over the bus.
///
/// What bluetoothd says, and in which order, depends on what it was doing when the link broke.
@Suite struct LostBondTests {
    typealias Scene = PeripheralTests.Scene
    static let bonded: ObjectTree.Properties = ["Bonded": true, "Paired": true]

    init() { LoopThread.start() }

    /// What a session is told in the end.
    enum Outcome: String, Sendable { case works, lost, doubtful, gone }

    @LoopActor static func outcome(_ body: () async throws(LinkError) -> Void) async -> Outcome {
        do throws(LinkError) {
            try await body()
            return .works
        } catch {
            return switch error {
            case .staleBond: .lost
            case .doubtfulBond: .doubtful
            default: .gone
            }
        }
    }

    /// One session as far as its services.
    @LoopActor static func session(_ scene: Scene) async throws -> Outcome {
        let peripheral = try #require(scene.room.bluez.peripheral(scene.peripheral.address))
        return await outcome { () async throws(LinkError) in
            _ = try await peripheral.connect(within: .seconds(5))
            _ = try await peripheral.services(within: .seconds(5))
        }
    }

    @LoopActor static func tellReason(_ scene: Scene, _ reason: String) {
        try? scene.fake.bus.emit(
            scene.device, "org.bluez.Device1", "Disconnected",
            .string("org.bluez.Reason." + reason), "x")
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var answer: String
        /// Whether the link is shown, and whether its end is shown before the answer or after it.
        var isShown = true
        var endsBefore = true
        var reason: String?
        var expected: Outcome
    }

    static let refusals = [
        Refusal(
            testDescription: "cancelled, the reason before the end",
            answer: "br-connection-canceled", reason: "Authentication", expected: .lost),
        Refusal(
            testDescription: "cancelled, the end after the answer",
            answer: "br-connection-canceled", endsBefore: false, reason: "Authentication",
            expected: .lost),
        Refusal(
            testDescription: "cancelled, the link never shown", answer: "br-connection-canceled",
            isShown: false, reason: "Authentication", expected: .lost),
        Refusal(
            testDescription: "ended by the other side", answer: "le-connection-abort-by-remote",
            reason: "Authentication", expected: .lost),
        Refusal(
            testDescription: "the answer itself tells", answer: "br-connection-key-missing",
            isShown: false, expected: .lost),
        Refusal(
            testDescription: "nobody tells", answer: "br-connection-canceled", expected: .gone),
        Refusal(
            testDescription: "it faded", answer: "le-connection-abort-by-remote",
            reason: "Timeout", expected: .gone),
        Refusal(
            testDescription: "it never answered", answer: "le-connection-abort-by-local",
            isShown: false, expected: .gone),
    ]

    @Test(arguments: refusals)
    func `a refused Connect says that the bond is lost whenever somebody knows it, in any order`(
        _ refusal: Refusal
    ) async throws {
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            let (fake, device) = (scene.fake, scene.device)
            @LoopActor func end() {
                if let reason = refusal.reason { Self.tellReason(scene, reason) }
                if refusal.isShown { try? fake.dropLink(device) }
            }
            fake.behaviours["Connect \(device)"] = [
                .run {
                    if refusal.isShown { try? fake.changeDevice(device, ["Connected": true]) }
                    guard refusal.endsBefore else {
                        spawn {
                            try? await sleep(for: .milliseconds(40))
                            end()
                        }
                        return
                    }
                    end()
                }
            ]
            fake.behaviours["Connect"] = [.fail("org.bluez.Error.Failed", refusal.answer)]
            #expect(try await Self.session(scene) == refusal.expected)
            // Only a person throws a bond away.
            #expect(fake.count("RemoveDevice") == 0)
            #expect(scene.room.bluez.bondedDevices.count == 1)
            await scene.room.close()
        }
    }

    @Test func `a lost bond stays shown while the device is away, until it works again`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            let (fake, device) = (scene.fake, scene.device)
            fake.behaviours["Connect \(device)"] = [
                .run { Self.tellReason(scene, "Authentication") }
            ]
            fake.behaviours["Connect"] = [
                .fail("org.bluez.Error.Failed", "br-connection-canceled"),
                .fail("org.bluez.Error.Failed", "le-connection-abort-by-local"),
            ]
            #expect(try await Self.session(scene) == .lost)
            #expect(try await Self.session(scene) == .lost)
            try fake.addServices(device, ["1810": ["2a35": ["indicate"]]])
            try fake.resolve(device)
            #expect(try await Self.session(scene) == .works)
            try fake.dropLink(device)
            fake.behaviours["Connect"] = [
                .fail("org.bluez.Error.Failed", "le-connection-abort-by-local")
            ]
            #expect(
                await eventually { scene.room.bluez.links.isEmpty })
            #expect(try await Self.session(scene) == .gone)
            await scene.room.close()
        }
    }

    /// The end of a link before services: signal of the device, reason, what three in a row say.
    static let losses: [(Int16, String?, Outcome)] = [
        (-60, nil, .doubtful), (-90, nil, .gone), (127, nil, .doubtful),
        (-60, "Timeout", .gone), (-60, "Remote", .doubtful), (-60, "Authentication", .lost),
    ]

    @Test(arguments: losses.indices)
    func `three links that end before the services make a doubt, not where the device fades`(
        index: Int
    ) async throws {
        let (signal, reason, expected) = Self.losses[index]
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            try scene.fake.changeDevice(scene.device, ["RSSI": .int16(signal)])
            #expect(await eventually { scene.room.seen.sightings.count == 2 })
            var outcomes: [Outcome] = []
            for _ in 0..<3 {
                let peripheral = try #require(
                    scene.room.bluez.peripheral(scene.peripheral.address))
                let ends = Locked(0)
                peripheral.onDisconnect = { _, _ in ends.withLock { $0 += 1 } }
                _ = try await peripheral.connect(within: .seconds(5))
                let services = spawn {
                    await Self.outcome { () async throws(LinkError) in
                        _ = try await peripheral.services(within: .seconds(5))
                    }
                }
                if let reason { Self.tellReason(scene, reason) }
                try scene.fake.dropLink(scene.device)
                outcomes.append(await services.value)
                #expect(await eventually { ends.withLock { $0 } == 1 })
            }
            #expect(outcomes.last == expected)
            if expected == .doubtful { #expect(outcomes.dropLast().allSatisfy { $0 == .gone }) }
            if expected == .lost { #expect(outcomes.allSatisfy { $0 == .lost }) }
            await scene.room.close()
        }
    }

    @Test func `a device that does not answer in time ends the doubt`() async throws {
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            let address = scene.peripheral.address
            for _ in 0..<3 { scene.room.bluez.bonds[address, default: .init()].linkEndedEarly() }
            #expect(scene.peripheral.staleBond != nil)
            scene.fake.behaviours["Connect"] = [.hang]
            let outcome = await Self.outcome { () async throws(LinkError) in
                _ = try await scene.peripheral.connect(within: .milliseconds(60))
            }
            #expect(outcome == .gone)
            #expect(scene.peripheral.staleBond == nil)
            await scene.room.close()
        }
    }

    @Test func `attempts that the gateway itself calls off are no sign of a lost bond`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            for _ in 0..<4 {
                scene.fake.behaviours["Connect"] = [.fail("org.bluez.Error.InProgress")]
                let peripheral = try #require(
                    scene.room.bluez.peripheral(scene.peripheral.address))
                let outcome = await Self.outcome { () async throws(LinkError) in
                    _ = try await peripheral.connect(within: .milliseconds(30))
                }
                #expect(outcome == .gone)
            }
            #expect(scene.fake.count("Disconnect") == 4)
            #expect(scene.peripheral.staleBond == nil)
            await scene.room.close()
        }
    }

    @Test func `a reason that comes after the end is waited for, so that the session is told it`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open(Self.bonded)
            try await scene.connect()
            let told = Locked<[Bool]>([])
            let peripheral = scene.peripheral
            peripheral.onDisconnect = { _, _ in
                told.withLock { $0.append(peripheral.staleBond != nil) }
            }
            try scene.fake.dropLink(scene.device)
            #expect(await eventually { scene.room.bluez.links.isEmpty })
            #expect(told.withLock { $0 } == [])
            Self.tellReason(scene, "Authentication")
            #expect(await eventually { told.withLock { $0 } == [true] })
            await scene.room.close()
        }
    }

    @Test func `of a device without a bond no end says anything, and nothing is waited for`()
        async throws
    {
        try await LoopThread.run {
            let scene = try await Scene.open([:]) { $0.adapter.reasonLimit = .seconds(60) }
            for _ in 0..<4 {
                let peripheral = try #require(
                    scene.room.bluez.peripheral(scene.peripheral.address))
                _ = try await peripheral.connect(within: .seconds(5))
                try scene.fake.dropLink(scene.device)
                let outcome = await Self.outcome { () async throws(LinkError) in
                    _ = try await peripheral.services(within: .seconds(5))
                }
                #expect(outcome == .gone)
            }
            Self.tellReason(scene, "Authentication")
            try await sleep(for: .milliseconds(20))
            #expect(scene.room.bluez.bonds.isEmpty)
            await scene.room.close()
        }
    }
}
