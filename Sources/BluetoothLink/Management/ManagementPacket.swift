package import DeviceProfile

/// One message of the kernel's Bluetooth management socket, read where it lies.
///
/// Little endian: event 2, controller index 2, length 2, then so many bytes. A message holds offsets
/// into the bytes that it was read from and none of them.
package struct ManagementPacket: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// `MGMT_EV_CMD_COMPLETE` and `MGMT_EV_CMD_STATUS`.
        case answer(command: UInt16, status: UInt8)
        case controllerAdded
        case controllerRemoved
        /// `MGMT_EV_DEVICE_FOUND` and `MGMT_EV_ADV_MONITOR_DEVICE_FOUND`.
        case deviceFound(Found)
        /// `MGMT_EV_NEW_LONG_TERM_KEY`: a device was bonded, by whomever. The key is not read.
        case bonded(BluetoothAddress)
        /// `MGMT_EV_DEVICE_DISCONNECTED`, with the kernel's reason.
        case disconnected(BluetoothAddress, reason: UInt8)
        /// Something that says nothing about what is on the air.
        case other(event: UInt16)
    }

    /// What was heard of a device: advertising data with the scan response appended.
    package struct Found: Sendable, Equatable {
        package var address: BluetoothAddress
        /// Resolved by the kernel where the device is bonded and rotates its address.
        package var addressType: UInt8
        /// 127: the controller does not know.
        package var rssi: Int8
        package var flags: UInt32
        /// Where the AD structures stand.
        package var data: Range<Int>

        package var isLowEnergy: Bool { addressType == 1 || addressType == 2 }
        package var addressIsRandom: Bool { addressType == 2 }
    }

    /// The reason of a link that ended because the two sides' keys do not fit:
    /// `MGMT_DEV_DISCONN_AUTH_FAILURE`.
    package static let authenticationFailure: UInt8 = 0x04
    /// The reason of a link whose other side was no longer heard: `MGMT_DEV_DISCONN_TIMEOUT`.
    package static let timeout: UInt8 = 0x01

    /// Which message is unreadable, and where.
    package struct Malformed: Error, Sendable, Equatable {
        package var offset: Int
    }

    /// The number in the adapter's name, `hci0`; 65535 where it is about no controller.
    package var controller: UInt16
    package var content: Content

    private static let headerLength = 6

    /// Reads one message, as one read of the socket gives it.
    package init(parsing bytes: Span<UInt8>) throws(Malformed) {
        guard bytes.count >= Self.headerLength else { throw Malformed(offset: bytes.count) }
        let event = Self.uint16(bytes, 0)
        controller = Self.uint16(bytes, 2)
        let end = Self.headerLength + Int(Self.uint16(bytes, 4))
        guard end <= bytes.count else { throw Malformed(offset: bytes.count) }
        switch event {
        case 0x0001, 0x0002:
            guard end >= 9 else { throw Malformed(offset: end) }
            content = .answer(command: Self.uint16(bytes, 6), status: bytes[8])
        case 0x0004: content = .controllerAdded
        case 0x0005: content = .controllerRemoved
        case 0x000A:
            // Whether to keep it 1, address 6, its type 1, the key.
            guard end >= 14 else { throw Malformed(offset: end) }
            content = .bonded(Self.address(bytes, 7))
        case 0x000C:
            // Address 6, its type 1, reason 1.
            guard end >= 14 else { throw Malformed(offset: end) }
            content = .disconnected(Self.address(bytes, 6), reason: bytes[13])
        case 0x0012: content = .deviceFound(try Self.found(bytes, from: 6, end))
        // The handle of the monitor that it fits comes first.
        case 0x002F: content = .deviceFound(try Self.found(bytes, from: 8, end))
        default: content = .other(event: event)
        }
    }

    /// Address 6 (least significant first), its type 1, RSSI 1, flags 4, data length 2, data.
    private static func found(
        _ bytes: Span<UInt8>, from start: Int, _ end: Int
    ) throws(Malformed) -> Found {
        guard start + 14 <= end else { throw Malformed(offset: end) }
        let data = start + 14
        let length = Int(uint16(bytes, start + 12))
        guard data + length <= end else { throw Malformed(offset: start + 12) }
        return Found(
            address: address(bytes, start), addressType: bytes[start + 6],
            rssi: Int8(bitPattern: bytes[start + 7]),
            flags: UInt32(uint16(bytes, start + 8)) | UInt32(uint16(bytes, start + 10)) << 16,
            data: data..<data + length)
    }

    private static func address(_ bytes: Span<UInt8>, _ offset: Int) -> BluetoothAddress {
        var value: UInt64 = 0
        for index in 0..<6 { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        return BluetoothAddress(value: value)
    }

    private static func uint16(_ bytes: Span<UInt8>, _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
    }
}

/// A command of the management interface.
package enum ManagementCommand {
    /// `MGMT_OP_GET_CONNECTIONS`: changes nothing and is for trusted sockets only.
    package static let getConnections: UInt16 = 0x0015
    /// `MGMT_STATUS_PERMISSION_DENIED`: the socket gets no advertisements either.
    package static let permissionDenied: UInt8 = 0x14

    /// `MGMT_OP_SET_POWERED`: only where bluetoothd's own power cycle has not helped.
    static func power(_ on: Bool, controller: UInt16) -> [UInt8] {
        [0x05, 0x00, UInt8(controller & 0xFF), UInt8(controller >> 8), 1, 0, on ? 1 : 0]
    }

    /// A command without parameters.
    package static func bytes(_ command: UInt16, controller: UInt16) -> [UInt8] {
        [command, controller, 0].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }
}
