package import Measurement

/// What an advertisement says, whether it came as raw AD structures or as BlueZ's properties.
package struct Advertisement: Sendable, Equatable {
    package var name: String?
    package var serviceUUIDs: [BluetoothUUID] = []
    package var manufacturerData: [UInt16: [UInt8]] = [:]
    package var serviceData: [BluetoothUUID: [UInt8]] = [:]
    package var flags: UInt8?
    package var appearance: UInt16?

    package init() {}

    /// Reads AD structures (advertising data, scan response appended).
    ///
    /// - Throws: the offset of the structure that runs past the end, or has no type.
    package init(adStructures bytes: [UInt8]) throws(DecodeError) {
        let span = bytes.span
        var walk = StructureWalk()
        var end = 0
        while walk.advance(in: span) {
            try add(walk, span)
            end = walk.start + walk.count
        }
        if walk.isBroken { throw DecodeError("an AD structure runs past the end", offset: end) }
    }

    /// Reads what can be read of AD structures, as bluetoothd does with the same bytes.
    ///
    /// - Returns: whether every structure was whole.
    package mutating func add(heard bytes: Span<UInt8>) -> Bool {
        var walk = StructureWalk()
        var isWhole = true
        while walk.advance(in: bytes) {
            do throws(DecodeError) { try add(walk, bytes) } catch { isWhole = false }
        }
        return isWhole && !walk.isBroken
    }

    private mutating func add(_ walk: StructureWalk, _ bytes: Span<UInt8>) throws(DecodeError) {
        let (start, count) = (walk.start, walk.count)
        switch walk.type {
        case 0x01: if count > 0 { flags = bytes[start] }
        case 0x02, 0x03: addUUIDs(bytes, start, count, width: 2)
        case 0x04, 0x05: addUUIDs(bytes, start, count, width: 4)
        case 0x06, 0x07: addUUIDs(bytes, start, count, width: 16)
        case 0x08, 0x09: name = String(decoding: Self.copy(bytes, start, count), as: UTF8.self)
        case 0x16: try addServiceData(bytes, start, count, width: 2)
        case 0x20: try addServiceData(bytes, start, count, width: 4)
        case 0x21: try addServiceData(bytes, start, count, width: 16)
        case 0x19 where count >= 2:
            appearance = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
        case 0xFF:
            guard count >= 2 else {
                throw DecodeError("manufacturer data without a company id", offset: start)
            }
            let company = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
            manufacturerData[company] = Self.copy(bytes, start + 2, count - 2)
        default: break  // Other AD types say nothing about what a device measures.
        }
    }

    private mutating func addUUIDs(
        _ bytes: Span<UInt8>, _ start: Int, _ count: Int, width: Int
    ) {
        var offset = start
        while offset + width <= start + count {
            serviceUUIDs.append(BluetoothUUID(onAir: bytes, from: offset, width: width))
            offset += width
        }
    }

    private mutating func addServiceData(
        _ bytes: Span<UInt8>, _ start: Int, _ count: Int, width: Int
    ) throws(DecodeError) {
        guard count >= width else {
            throw DecodeError("service data shorter than its UUID", offset: start)
        }
        let uuid = BluetoothUUID(onAir: bytes, from: start, width: width)
        serviceData[uuid] = Self.copy(bytes, start + width, count - width)
    }

    private static func copy(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> [UInt8] {
        (start..<start + count).map { bytes[$0] }
    }
}

/// One advertisement or property change of a device that is in range.
package struct Sighting: Sendable, Equatable {
    package var address: BluetoothAddress
    package var addressIsRandom: Bool
    package var advertisement: Advertisement
    package var rssi: Int?
    package var at: GatewayTime
    package var adapter: String?
    /// The device is bonded with this gateway (as the Bluetooth stack says).
    package var bonded: Bool

    package init(
        address: BluetoothAddress, addressIsRandom: Bool = false, advertisement: Advertisement,
        rssi: Int? = nil, at: GatewayTime, adapter: String? = nil, bonded: Bool = false
    ) {
        self.address = address
        self.addressIsRandom = addressIsRandom
        self.advertisement = advertisement
        self.rssi = rssi
        self.at = at
        self.adapter = adapter
        self.bonded = bonded
    }
}

extension Advertisement {
    /// A cuff of Omron says that it is held in its pairing mode: bit 3 behind the format byte.
    package var showsOmronPairing: Bool {
        guard let data = manufacturerData[0x020E], data.count >= 2 else { return false }
        return data[1] & 0x08 != 0
    }
}
