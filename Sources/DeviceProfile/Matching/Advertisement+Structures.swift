extension Advertisement {
    /// The advertisement as raw AD structures, in the order flags, UUIDs, name, data.
    ///
    /// The same advertisement comes out when they are read again. More than 31 bytes are possible: a scan
    /// response may be in it. (Core Specification Supplement, part A)
    package var adStructures: [UInt8] {
        var out: [UInt8] = []
        if let flags { out.append(structure: 0x01, [flags]) }
        for (type, width) in [(UInt8(0x03), 2), (0x05, 4), (0x07, 16)] {
            let uuids = serviceUUIDs.map(\.littleEndian).filter { $0.count == width }
            // One structure holds at most 254 bytes.
            for start in stride(from: 0, to: uuids.count, by: 254 / width) {
                let part = uuids[start..<min(start + 254 / width, uuids.count)]
                out.append(structure: type, part.flatMap { $0 })
            }
        }
        if let name { out.append(structure: 0x09, Array(name.utf8)) }
        if let appearance {
            out.append(structure: 0x19, [UInt8(appearance & 0xFF), UInt8(appearance >> 8)])
        }
        for (uuid, data) in serviceData.sorted(by: { $0.key.full < $1.key.full }) {
            let bytes = uuid.littleEndian
            let type: UInt8 = bytes.count == 2 ? 0x16 : bytes.count == 4 ? 0x20 : 0x21
            out.append(structure: type, bytes + data)
        }
        for (company, data) in manufacturerData.sorted(by: { $0.key < $1.key }) {
            out.append(structure: 0xFF, [UInt8(company & 0xFF), UInt8(company >> 8)] + data)
        }
        return out
    }
}

extension BluetoothUUID {
    /// 2, 4 or 16 bytes, least significant first as on the air.
    package var littleEndian: [UInt8] {
        if let short {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: short >> ($0 * 8)) }
            return short <= 0xFFFF ? Array(bytes[..<2]) : bytes
        }
        let digits = Array(full.filter { $0 != "-" })
        return stride(from: 30, through: 0, by: -2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
    }
}

extension [UInt8] {
    /// What does not fit into one structure is cut, as a device would have to do.
    fileprivate mutating func append(structure type: UInt8, _ data: [UInt8]) {
        let data = data.prefix(254)
        self += [UInt8(data.count + 1), type]
        self += data
    }
}
