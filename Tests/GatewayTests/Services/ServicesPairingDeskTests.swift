import DeviceProfile
import EventLoop
import GatewayTestKit
import Measurement
import Testing

@testable import Gateway

/// One pairing at a time: a guide that has gone must not block the next one.
@Suite struct PairingDeskTests {
    init() { LoopThread.start() }

    static func address(_ last: String = "01") throws -> BluetoothAddress {
        try #require(BluetoothAddress("A4:C1:38:00:00:" + last))
    }

    @Test func `a pairing that nobody asks for any more is cancelled, and another may begin`()
        async throws
    {
        try await LoopThread.run {
            let desk = PairingDesk()
            let one = try Self.address()
            let two = try Self.address("02")
            let now = GatewayTime.now().steady
            #expect(
                desk.begin(
                    one, passkey: nil, within: .seconds(60),
                    lease: .milliseconds(60), now: now))
            #expect(
                !desk.begin(two, passkey: nil, within: .seconds(60), now: now))
            #expect(await eventually { desk.guide?.stage == .cancelled })
            #expect(
                desk.begin(two, passkey: nil, within: .seconds(60), now: now))
        }
    }

    @Test func `as long as somebody asks, the pairing goes on`() async throws {
        try await LoopThread.run {
            let desk = PairingDesk()
            let one = try Self.address()
            let began = GatewayTime.now().steady
            _ = desk.begin(
                one, passkey: nil, within: .seconds(60), lease: .milliseconds(500),
                now: began)
            // Looked at twice as long as the lease.
            while GatewayTime.now().steady - began < .milliseconds(1_000) {
                desk.asked(at: GatewayTime.now().steady)
                try await sleep(for: .milliseconds(20))
            }
            #expect(desk.guide?.stage == .waitingForDevice)
        }
    }

    @Test func `a pairing without a lease waits for its device alone`() async throws {
        try await LoopThread.run {
            let desk = PairingDesk()
            let one = try Self.address()
            _ = desk.begin(
                one, passkey: nil, within: .milliseconds(80),
                now: GatewayTime.now().steady)
            #expect(await eventually { desk.guide?.isOver == true })
            #expect(desk.guide?.stage == .failed)
            #expect(desk.guide?.problem == "the device was not heard in pairing mode")
        }
    }

    @Test func `who watches is told that it was called off`() async throws {
        try await LoopThread.run {
            let desk = PairingDesk()
            let one = try Self.address()
            var stages: [PairingGuide.Stage] = []
            desk.onStage = { stages.append($0.stage) }
            _ = desk.begin(
                one, passkey: nil, within: .seconds(60),
                now: GatewayTime.now().steady)
            #expect(desk.cancel())
            #expect(!desk.cancel())
            #expect(stages == [.waitingForDevice, .cancelled])
        }
    }
}
