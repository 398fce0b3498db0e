import DeviceProfile

/// Makes profiles of devices that nobody sells out of the shipped ones, to load as many as wanted.
enum Variants {
    static func fill(_ shipped: [DeviceProfile], to count: Int) -> [DeviceProfile] {
        var all = Array(shipped.prefix(count))
        while all.count < count {
            let number = all.count
            all.append(variant(shipped[number % shipped.count], number))
        }
        return all
    }

    /// The same profile under another id, for other names, companies and UUIDs.
    private static func variant(_ profile: DeviceProfile, _ number: Int) -> DeviceProfile {
        var made = profile
        made.id = "\(profile.id)-\(number)"
        made.isGeneric = false
        made.match = profile.match.map { rule in
            var rule = rule
            rule.nameExact = rule.nameExact.map { "\($0)-\(number)" }
            rule.namePrefixes = rule.namePrefixes.map { "Q\(number)\($0)" }
            rule.companies = rule.companies.map { $0 ^ 0x5A00 &+ UInt16(number) }
            if rule.companyLowByte != nil { rule.companies = [0x7000 + UInt16(number)] }
            rule.companyLowByte = nil
            rule.services = rule.services.map { other($0, number) }
            rule.serviceData = rule.serviceData.map { other($0, number) }
            return rule
        }
        return made
    }

    private static func other(_ uuid: BluetoothUUID, _ number: Int) -> BluetoothUUID {
        let digits = String(0x1000 + number, radix: 16)
        return BluetoothUUID("abcd\(digits)" + uuid.full.dropFirst(8)) ?? uuid
    }
}
