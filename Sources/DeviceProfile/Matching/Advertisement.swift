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
        var offset = 0
        while offset < bytes.count {
            let length = Int(bytes[offset])
            // A zero length ends the data early (Core Specification, volume 3, part C, 11).
            if length == 0 { break }
            guard offset + 1 + length <= bytes.count else {
                throw DecodeError("an AD structure runs past the end", offset: offset)
            }
            let type = bytes[offset + 1]
            let data = Array(bytes[(offset + 2)..<(offset + 1 + length)])
            try add(type: type, data: data, offset: offset + 2)
            offset += 1 + length
        }
    }

    private mutating func add(type: UInt8, data: [UInt8], offset: Int) throws(DecodeError) {
        switch type {
        case 0x01: flags = data.first
        case 0x02, 0x03: addUUIDs(data, width: 2)
        case 0x04, 0x05: addUUIDs(data, width: 4)
        case 0x06, 0x07: addUUIDs(data, width: 16)
        case 0x08, 0x09: name = String(decoding: data, as: UTF8.self)
        case 0x16: try addServiceData(data, width: 2, offset: offset)
        case 0x20: try addServiceData(data, width: 4, offset: offset)
        case 0x21: try addServiceData(data, width: 16, offset: offset)
        case 0x19 where data.count >= 2: appearance = UInt16(data[0]) | UInt16(data[1]) << 8
        case 0xFF:
            guard data.count >= 2 else {
                throw DecodeError("manufacturer data without a company id", offset: offset)
            }
            manufacturerData[UInt16(data[0]) | UInt16(data[1]) << 8] = Array(data.dropFirst(2))
        default: break  // Other AD types say nothing about what a device measures.
        }
    }

    private mutating func addUUIDs(_ data: [UInt8], width: Int) {
        var start = 0
        while start + width <= data.count {
            if let uuid = Self.uuid(data[start..<start + width]) { serviceUUIDs.append(uuid) }
            start += width
        }
    }

    private mutating func addServiceData(
        _ data: [UInt8], width: Int, offset: Int
    ) throws(DecodeError) {
        guard data.count >= width, let uuid = Self.uuid(data[..<width]) else {
            throw DecodeError("service data shorter than its UUID", offset: offset)
        }
        serviceData[uuid] = Array(data[width...])
    }

    /// A UUID of 2, 4 or 16 bytes, least significant first as on the air.
    private static func uuid(_ bytes: ArraySlice<UInt8>) -> BluetoothUUID? {
        let digits = bytes.reversed().map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
        return BluetoothUUID(digits)
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
