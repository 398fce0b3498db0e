import DeviceProfile
import GatewayTestKit
import Testing

@testable import BluetoothLink

/// What the kernel's management messages say, and what of them cannot be said.
@Suite struct ManagementPacketTests {
    private func parse(_ bytes: [UInt8]) throws -> ManagementPacket {
        try ManagementPacket(parsing: bytes.span)
    }

    private func offset(_ bytes: [UInt8]) -> Int? {
        do throws(ManagementPacket.Malformed) {
            _ = try ManagementPacket(parsing: bytes.span)
            return nil
        } catch {
            return error.offset
        }
    }

    @Test func `an advertisement is read with address, kind, strength and where its data stands`()
        throws
    {
        // DEVICE_FOUND, hci1, 17 bytes: C8:47:8C:00:00:01 public, -61 dBm, no flags, 3 bytes of data.
        let bytes: [UInt8] = [
            0x12, 0, 1, 0, 17, 0, 0x01, 0, 0, 0x8C, 0x47, 0xC8, 1, 0xC3, 0, 0, 0, 0, 3, 0, 2, 1, 6,
        ]
        let packet = try parse(bytes)
        #expect(packet.controller == 1)
        guard case .deviceFound(let found) = packet.content else {
            Issue.record("\(packet)")
            return
        }
        #expect(found.address == BluetoothAddress("C8:47:8C:00:00:01"))
        #expect(found.isLowEnergy && !found.addressIsRandom)
        #expect(found.rssi == -61 && found.flags == 0)
        #expect(Array(bytes[found.data]) == [2, 1, 6])
    }

    @Test func `an advertisement that fits a monitor is read behind the monitor's number`() throws {
        let bytes = Message.found("C8:47:8C:00:00:01", [1, 2], type: 2, monitor: 7)
        guard case .deviceFound(let found) = try parse(bytes).content else {
            Issue.record("not found")
            return
        }
        #expect(found.address == BluetoothAddress("C8:47:8C:00:00:01"))
        #expect(found.addressIsRandom)
        #expect(Array(bytes[found.data]) == [1, 2])
    }

    struct Other: Sendable {
        var bytes: [UInt8]
        var content: ManagementPacket.Content
    }

    @Test(arguments: [
        Other(
            bytes: [2, 0, 0, 0, 3, 0, 0x15, 0, 0x14],
            content: .answer(command: 0x15, status: 0x14)),
        Other(
            bytes: [1, 0, 0, 0, 5, 0, 0x15, 0, 0, 0, 0], content: .answer(command: 0x15, status: 0)),
        Other(bytes: [4, 0, 2, 0, 0, 0], content: .controllerAdded),
        Other(bytes: [5, 0, 2, 0, 0, 0], content: .controllerRemoved),
        Other(bytes: [0x13, 0, 2, 0, 1, 0, 9], content: .other(event: 0x13)),
        Other(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0, 0], content: .other(event: 0xFFFF)),
    ])
    func `every other message is told apart`(other: Other) throws {
        #expect(try parse(other.bytes).content == other.content)
    }

    @Test func `a new bond tells which device, and nothing of the key`() throws {
        let content = try parse(Message.bonded("C8:47:8C:00:00:01")).content
        #expect(content == .bonded(try #require(BluetoothAddress("C8:47:8C:00:00:01"))))
        #expect(!"\(content)".contains("90"))
    }

    @Test(
        arguments: [
            ([], 0), ([0x12, 0, 0, 0, 17], 5),
            // Says 17 bytes and has none.
            ([0x12, 0, 0, 0, 17, 0], 6),
            // Data that runs past the message.
            ([0x12, 0, 0, 0, 14, 0, 1, 2, 3, 4, 5, 6, 1, 0, 0, 0, 0, 0, 1, 0], 18),
            // An advertisement without room for its own fields.
            ([0x12, 0, 0, 0, 2, 0, 1, 2], 8), ([0x2F, 0, 0, 0, 2, 0, 1, 2], 8),
            ([2, 0, 0, 0, 2, 0, 0x15, 0], 8), ([0x0A, 0, 0, 0, 1, 0, 1], 7),
        ] as [([UInt8], Int)])
    func `a message that lies about its length is refused with the place`(
        bytes: [UInt8], place: Int
    ) {
        #expect(offset(bytes) == place)
    }

    @Test func `a message cut anywhere is refused, and one with something behind it is read`()
        throws
    {
        let whole = Message.found("C8:47:8C:00:00:01", [2, 1, 6])
        for length in 0..<whole.count {
            #expect(offset(Array(whole[..<length])) != nil, "\(length) bytes")
        }
        #expect(try parse(whole + [9, 9]) == (try parse(whole)))
    }

    @Test func `random messages are read or refused, and what is read lies inside them`() {
        var random = SeededGenerator(seed: 31)
        var read = 0
        for _ in 0..<30_000 {
            var bytes = (0..<Int.random(in: 0...48, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let events: [UInt8] = [1, 2, 4, 5, 0x0A, 0x12, 0x2F, 0x77]
            if bytes.count >= 6, Bool.random(using: &random) {
                bytes[0] = events[Int.random(in: 0..<events.count, using: &random)]
                bytes[1] = 0
                bytes[4] = UInt8.random(in: 0...48, using: &random)
                bytes[5] = 0
                if bytes.count > 20 {
                    bytes[18] = UInt8.random(in: 0...30, using: &random)
                    bytes[19] = 0
                }
            }
            guard let packet = try? ManagementPacket(parsing: bytes.span),
                case .deviceFound(let found) = packet.content
            else { continue }
            read += 1
            #expect(found.data.lowerBound >= 20 && found.data.upperBound <= bytes.count)
        }
        #expect(read > 100)
    }

    @Test func `a command is its number, the controller and no parameters`() {
        #expect(
            ManagementCommand.bytes(ManagementCommand.getConnections, controller: 2)
                == [0x15, 0, 2, 0, 0, 0])
    }

    @Test(arguments: [UInt8(0), 1, 2, 3, 4, 5, 255])
    func `the end of a link is read with its reason`(reason: UInt8) throws {
        let content = try parse(Message.disconnected("C8:47:8C:00:00:01", reason: reason)).content
        let address = try #require(BluetoothAddress("C8:47:8C:00:00:01"))
        #expect(content == .disconnected(address, reason: reason))
    }

    @Test func `an end of a link that is cut off is malformed, not a reason`() throws {
        let whole = Message.disconnected("C8:47:8C:00:00:01", reason: 4)
        let cut = Message.make(0x000C, 0, Array(whole[6..<13]))
        #expect(throws: ManagementPacket.Malformed.self) { _ = try parse(cut) }
    }
}
