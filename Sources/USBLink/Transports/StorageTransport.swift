package import DeviceLink
package import EventLoop

/// A device that shows its registers as blocks of a disk: SCSI over bulk-only transport.
///
/// A block is written only after the device was asked what it is, in the same session.
@LoopActor package final class StorageTransport: WireTransport {
    private let port: USBPort
    private let unplugged = LoopCondition()
    private var isClosed = false
    private var identity: StorageIdentity?
    private var tag: UInt32 = 0
    package static let blockLength = 512

    /// - Parameter interfaceName: the interface string the device must have to be opened at all.
    /// - Returns: nil for a device that is no such storage, or whose interface is called otherwise.
    package init?(
        _ devices: any USBDevices, _ info: USBDeviceInfo, interfaceName: String?
    ) {
        let found = info.interfaces.first {
            $0.classCode == 8 && $0.subclass == 6 && $0.protocolCode == 0x50
        }
        guard let found, interfaceName == nil || found.name == interfaceName else { return nil }
        port = USBPort(devices, info, found)
    }

    package func open() async throws(USBError) { try await port.open() }

    /// A disk says nothing by itself: waits until the link is closed.
    package func receive() async throws(USBError) -> [UInt8] {
        while !isClosed {
            do { _ = try await unplugged.wait() } catch { throw .cancelled }
        }
        throw .cancelled
    }

    package func send(_ bytes: [UInt8]) async throws(USBError) {
        throw .failed("a storage takes blocks, not bytes")
    }

    package func inquire() async throws(USBError) -> StorageIdentity {
        let answer = try await command([0x12, 0, 0, 0, 36, 0], reading: 36)
        guard answer.count == 36 else {
            throw .failed("an INQUIRY answer of \(answer.count) bytes")
        }
        let found = StorageIdentity(
            vendor: Self.text(answer[8..<16]), product: Self.text(answer[16..<32]),
            interface: port.interface.name ?? "")
        identity = found
        return found
    }

    package func readBlock(_ address: UInt32) async throws(USBError) -> [UInt8] {
        let block = try await command(Self.transfer(0x28, address), reading: Self.blockLength)
        guard block.count == Self.blockLength else {
            throw .failed("a block of \(block.count) bytes")
        }
        return block
    }

    package func writeBlock(_ address: UInt32, _ bytes: [UInt8]) async throws(USBError) {
        guard let identity, !identity.vendor.isEmpty, !identity.interface.isEmpty else {
            throw .failed("nothing is written to a storage that has not said what it is")
        }
        guard bytes.count == Self.blockLength else {
            throw .failed("a block of \(bytes.count) bytes")
        }
        _ = try await command(Self.transfer(0x2A, address), writing: bytes)
    }

    package func close() async {
        isClosed = true
        unplugged.broadcast()
        await port.close()
    }

    // MARK: SCSI over bulk-only transport

    private static func transfer(_ operation: UInt8, _ address: UInt32) -> [UInt8] {
        let place = (0..<4).map { UInt8(truncatingIfNeeded: address >> (24 - 8 * $0)) }
        return [operation, 0] + place + [0, 0, 1, 0]
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text.reversed().drop { $0 == " " || $0 == "\0" }.reversed())
    }

    /// Command, data and status; the status of a former command is never taken for this one's.
    private func command(
        _ command: [UInt8], reading length: Int = 0, writing bytes: [UInt8] = []
    ) async throws(USBError) -> [UInt8] {
        let input = try port.endpoint(.bulk, isIn: true)
        let output = try port.endpoint(.bulk, isIn: false)
        tag &+= 1
        try await port.write(
            output,
            StorageFrames.command(
                command, tag: tag, length: max(length, bytes.count), isIn: length > 0))
        var data: [UInt8] = []
        if length > 0 {
            do throws(USBError) {
                data = try await port.read(input, upTo: length, limit: .seconds(5))
            } catch .stalled {
                try await port.clearHalt(input)
            }
        } else if !bytes.isEmpty {
            try await port.write(output, bytes)
        }
        var status: [UInt8]
        do throws(USBError) {
            status = try await port.read(input, upTo: 13, limit: .seconds(5))
        } catch .stalled {
            try await port.clearHalt(input)
            status = try await port.read(input, upTo: 13, limit: .seconds(5))
        }
        try StorageFrames.check(status, tag: tag)
        return data
    }
}

/// The wrappers of bulk-only transport.
enum StorageFrames {
    static func command(_ command: [UInt8], tag: UInt32, length: Int, isIn: Bool) -> [UInt8] {
        let wrapper =
            [0x55, 0x53, 0x42, 0x43] + little(tag) + little(UInt32(clamping: length))
            + [isIn ? 0x80 : 0, 0, UInt8(command.count)]
        return wrapper + command + Array(repeating: 0, count: 16 - command.count)
    }

    static func check(_ status: [UInt8], tag: UInt32) throws(USBError) {
        guard status.count == 13, status.starts(with: [0x55, 0x53, 0x42, 0x53]) else {
            throw .failed("a status that is none")
        }
        guard Array(status[4..<8]) == little(tag) else {
            throw .failed("the status of another command")
        }
        guard status[12] == 0 else { throw .failed("the storage failed (status \(status[12]))") }
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
