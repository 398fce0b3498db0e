/// Tells from raw advertising data whether a profile can fit at all, before anything is allocated.
///
/// In a block of flats nearly every advertisement is foreign. Each rule of each profile is found by one
/// condition that has to hold for it, its anchor; where no anchor holds, no rule does, and the cost of
/// finding that out does not depend on how many profiles there are. The full matcher looks at the rest.
package final class AdvertisementFilter: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// No profile fits, and nothing says that it is about health.
        case foreign
        /// No profile fits, but it shows a health service or looks like a health device.
        case healthLike
        /// The full matcher has to decide.
        case candidate
    }

    private let anchors: AnchorTable
    /// The lengths of wanted names and of beginnings of names, as bits.
    private let nameLengths: [UInt64]
    private let longestName: Int
    private let wantsLowBytes: Bool
    /// The lengths of wanted beginnings of addresses in hexadecimal digits, as bits.
    private let addressLengths: UInt16
    /// A rule asks for a name that is not in ASCII: every such name goes to the full matcher.
    private let wantsOtherScripts: Bool
    /// A rule fits every device with a name.
    private let wantsEveryName: Bool
    /// A rule fits devices of which nothing is known.
    private let wantsEverything: Bool

    /// Lets everything through.
    package static let everything: AdvertisementFilter = {
        var rule = MatchRule()
        rule.nameExact = [""]
        return AdvertisementFilter(rules: [rule])
    }()

    package convenience init(_ profiles: [DeviceProfile]) {
        self.init(rules: profiles.flatMap(\.match))
    }

    package init(rules: [MatchRule]) {
        var made = AnchorBuilder()
        for rule in rules { made.add(rule) }
        anchors = AnchorTable(made.anchors)
        nameLengths = made.nameLengths
        longestName = made.longestName
        wantsLowBytes = made.wantsLowBytes
        addressLengths = made.addressLengths
        wantsOtherScripts = made.wantsOtherScripts
        wantsEveryName = made.wantsEveryName
        wantsEverything = made.wantsEverything
    }

    /// Looks at AD structures; what stands before a broken structure counts.
    ///
    /// - Parameter address: the sender's, where it is known.
    package func verdict(_ bytes: Span<UInt8>, address: BluetoothAddress? = nil) -> Verdict {
        if wantsEverything { return .candidate }
        if let address, addressLengths != 0, wants(address) { return .candidate }
        var isHealthLike = false
        var walk = StructureWalk()
        while walk.advance(in: bytes) {
            let (start, count) = (walk.start, walk.count)
            switch walk.type {
            case 0x02, 0x03: if wants(bytes, start, count, 2, &isHealthLike) { return .candidate }
            case 0x04, 0x05: if wants(bytes, start, count, 4, &isHealthLike) { return .candidate }
            case 0x06, 0x07: if wants(bytes, start, count, 16, &isHealthLike) { return .candidate }
            case 0x16: if wantsData(bytes, start, count, 2, &isHealthLike) { return .candidate }
            case 0x20: if wantsData(bytes, start, count, 4, &isHealthLike) { return .candidate }
            case 0x21: if wantsData(bytes, start, count, 16, &isHealthLike) { return .candidate }
            case 0x08, 0x09: if wantsName(bytes, start, count) { return .candidate }
            case 0xFF: if wantsCompany(bytes, start, count) { return .candidate }
            case 0x19 where count >= 2:
                let appearance = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
                if HealthSigns.isCategory(appearance >> 6) { isHealthLike = true }
            default: break  // Other AD types say nothing about what a device measures.
            }
        }
        return isHealthLike ? .healthLike : .foreign
    }

    // MARK: UUIDs

    private func wants(
        _ bytes: Span<UInt8>, _ start: Int, _ count: Int, _ width: Int, _ isHealthLike: inout Bool
    ) -> Bool {
        var offset = start
        while offset + width <= start + count {
            let uuid = BluetoothUUID(onAir: bytes, from: offset, width: width)
            if HealthSigns.isService(uuid) { isHealthLike = true }
            if anchors.slot(AnchorTable.hash(.service, uuid)) != nil { return true }
            offset += width
        }
        return false
    }

    private func wantsData(
        _ bytes: Span<UInt8>, _ start: Int, _ count: Int, _ width: Int, _ isHealthLike: inout Bool
    ) -> Bool {
        guard count >= width else { return false }
        let uuid = BluetoothUUID(onAir: bytes, from: start, width: width)
        if HealthSigns.isService(uuid) { isHealthLike = true }
        // A device may show its service only by its service data.
        return anchors.slot(AnchorTable.hash(.service, uuid)) != nil
            || anchors.holds(
                AnchorTable.hash(.serviceData, uuid), bytes, from: start + width,
                count: count - width)
    }

    // MARK: Companies, names, addresses

    private func wantsCompany(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> Bool {
        guard count >= 2 else { return false }
        let company = UInt64(bytes[start]) | UInt64(bytes[start + 1]) << 8
        if anchors.holds(
            AnchorTable.hash(.company, company), bytes, from: start + 2, count: count - 2)
        {
            return true
        }
        return wantsLowBytes
            && anchors.holds(
                AnchorTable.hash(.companyLowByte, company & 0xFF), bytes, from: start + 2,
                count: count - 2)
    }

    private func wantsName(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> Bool {
        if wantsEveryName { return true }
        var hash = AnchorTable.emptyName
        for index in 0..<count {
            let byte = bytes[start + index]
            if byte >= 0x80 {
                if wantsOtherScripts || Self.looksLikeASCII(bytes, start + index, start + count) {
                    return true
                }
            }
            guard index < longestName else { continue }
            hash = AnchorTable.append(byte, to: hash)
            let length = index + 1
            if nameLengths[length >> 6] & 1 << UInt64(length & 63) != 0,
                anchors.slot(AnchorTable.hash(.name, hash)) != nil
            {
                return true
            }
        }
        return false
    }

    /// The three characters that Unicode holds to be the same as one in ASCII: the Greek question mark,
    /// the Greek varia and the Kelvin sign. Names are compared as text, so they count as such.
    private static func looksLikeASCII(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let next = start + 1 < end ? bytes[start + 1] : 0
        let last = start + 2 < end ? bytes[start + 2] : 0
        return switch (bytes[start], next, last) {
        case (0xCD, 0xBE, _), (0xE1, 0xBF, 0xAF), (0xE2, 0x84, 0xAA): true
        default: false
        }
    }

    private func wants(_ address: BluetoothAddress) -> Bool {
        for digits in 1...12 where addressLengths & 1 << UInt16(digits) != 0 {
            let prefix = address.value >> UInt64(48 - 4 * digits)
            if anchors.slot(AnchorTable.hash(.address, prefix, UInt64(digits))) != nil {
                return true
            }
        }
        return false
    }
}

/// What makes an unknown device look like one that measures health.
enum HealthSigns {
    /// Services of the Bluetooth SIG for what a person measures.
    static func isService(_ uuid: BluetoothUUID) -> Bool {
        switch uuid.short {
        case 0x1808, 0x1809, 0x180D, 0x1810, 0x1814, 0x181B, 0x181C, 0x181D, 0x181F, 0x1822, 0x183A,
            0x183E:
            true
        default: false
        }
    }

    /// Categories of appearance: thermometer, heart rate, blood pressure, glucose, running and
    /// walking, pulse oximeter, weight scale, continuous glucose.
    static func isCategory(_ category: UInt16) -> Bool {
        switch category {
        case 12, 13, 14, 16, 17, 49, 50, 53: true
        default: false
        }
    }
}
