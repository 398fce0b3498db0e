import DeviceLink
import EventLoop
import GatewayTestKit
import Testing

@testable import USBLink

@Suite("Meters that look like a disk", .timeLimit(.minutes(1))) struct StorageTransportTests {
    static func device(name: String?) -> USBDeviceInfo {
        .made(
            vendor: 0x2766, product: 4,
            .made(0, 8, .bulk, packet: 512, sub: 6, protocolCode: 0x50, name: name))
    }

    static let inquiry =
        [0, 0x80, 2, 2, 31, 0, 0, 0] + Array("LifeScan".utf8) + Array("                ".utf8)
        + Array("1.00".utf8)

    /// Answers INQUIRY and READ(10) as a meter does; other commands with a status alone.
    static func meter(_ devices: FakeDevices, status: UInt8 = 0, tagShift: UInt8 = 0) {
        devices.state.withLock { state in
            state.storage = { wrapper in
                guard wrapper.count == 31 else { return [] }  // data of a write
                var answer: [Result<[UInt8], USBError>] = []
                switch wrapper[15] {
                case 0x12: answer.append(.success(inquiry))
                case 0x28: answer.append(.success(Array(repeating: wrapper[20], count: 512)))
                default: break
                }
                var tag = Array(wrapper[4..<8])
                tag[0] &+= tagShift
                answer.append(
                    .success([0x55, 0x53, 0x42, 0x53] + tag + [0, 0, 0, 0, status]))
                return answer
            }
        }
    }

    @Test("nothing is written before the device has said what it is, in this very session")
    func guarded() async throws {
        let devices = FakeDevices()
        Self.meter(devices)
        try await LoopThread.run {
            let link = try #require(
                StorageTransport(devices, Self.device(name: "LifeScan MSC"), interfaceName: nil))
            try await link.open()
            let block = [UInt8](repeating: 7, count: 512)
            await #expect(throws: USBError.self) { try await link.writeBlock(3, block) }
            #expect(devices.written.isEmpty)
            let identity = try await link.inquire()
            #expect(
                identity
                    == StorageIdentity(vendor: "LifeScan", product: "", interface: "LifeScan MSC"))
            try await link.writeBlock(3, block)
        }
        let written = devices.written
        #expect(written.count == 3, "INQUIRY, WRITE, its block")
        #expect(Array(written[1][15..<25]) == [0x2A, 0, 0, 0, 0, 3, 0, 0, 1, 0])
        #expect(written[1][12] == 0, "towards the device")
        #expect(written[2] == Array(repeating: 7, count: 512))
    }

    @Test("a stick without the interface's name is never written to, whatever it calls itself")
    func lookAlike() async throws {
        let devices = FakeDevices()
        Self.meter(devices)
        try await LoopThread.run {
            let link = try #require(
                StorageTransport(devices, Self.device(name: nil), interfaceName: nil))
            try await link.open()
            _ = try await link.inquire()
            await #expect(throws: USBError.self) {
                try await link.writeBlock(3, Array(repeating: 7, count: 512))
            }
        }
        #expect(!devices.written.contains { $0.count > 15 && $0[15] == 0x2A })
    }

    @Test("a block is read with its address and length, and a short one is refused")
    func read() async throws {
        let devices = FakeDevices()
        Self.meter(devices)
        try await LoopThread.run {
            let link = try #require(
                StorageTransport(devices, Self.device(name: "x"), interfaceName: nil))
            try await link.open()
            #expect(try await link.readBlock(4) == Array(repeating: 4, count: 512))
        }
        let wrapper = try #require(devices.written.first)
        #expect(wrapper.count == 31 && wrapper.starts(with: [0x55, 0x53, 0x42, 0x43]))
        #expect(Array(wrapper[8..<13]) == [0, 2, 0, 0, 0x80])
        #expect(Array(wrapper[15..<25]) == [0x28, 0, 0, 0, 0, 4, 0, 0, 1, 0])
    }

    @Test("the status of another command, a failed one and one that is none are refused")
    func status() async throws {
        for (status, shift) in [(UInt8(1), UInt8(0)), (2, 0), (0, 1)] {
            let devices = FakeDevices()
            Self.meter(devices, status: status, tagShift: shift)
            try await LoopThread.run {
                let link = try #require(
                    StorageTransport(devices, Self.device(name: "x"), interfaceName: nil))
                try await link.open()
                await #expect(throws: USBError.self) { try await link.readBlock(3) }
            }
        }
        #expect(throws: USBError.self) { try StorageFrames.check([1, 2, 3], tag: 1) }
    }

    @Test("a stalled answer is cleared and its status is still read")
    func stalledData() async throws {
        let devices = FakeDevices()
        devices.answer(
            0x81, .failure(.stalled), .success([0x55, 0x53, 0x42, 0x53, 1, 0, 0, 0, 0, 0, 0, 0, 1]))
        try await LoopThread.run {
            let link = try #require(
                StorageTransport(devices, Self.device(name: "x"), interfaceName: nil))
            try await link.open()
            await #expect(throws: USBError.self) { try await link.inquire() }
        }
        #expect(devices.state.withLock { $0.cleared } == [0x81])
    }

    @Test("waiting for a disk that says nothing ends when the link is closed")
    func waiting() async throws {
        let devices = FakeDevices()
        try await LoopThread.run {
            let link = try #require(
                StorageTransport(devices, Self.device(name: "x"), interfaceName: nil))
            try await link.open()
            let reader = spawn { () async -> Bool in
                do throws(USBError) { _ = try await link.receive() } catch {
                    return error == .cancelled
                }
                return false
            }
            await link.close()
            #expect(await reader.value)
        }
    }
}
