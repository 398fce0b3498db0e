/// Chooses for each match rule the condition by which it is found.
///
/// All conditions of a rule have to hold, so one of them suffices: the one that says most, because
/// what holds for many foreign devices makes them candidates in vain.
struct AnchorBuilder {
    private(set) var anchors: [UInt64: [PayloadCondition]] = [:]
    /// One bit for each length of a name, 0…255.
    private(set) var nameLengths = [UInt64](repeating: 0, count: 4)
    private(set) var longestName = 0
    private(set) var wantsLowBytes = false
    private(set) var addressLengths: UInt16 = 0
    private(set) var wantsOtherScripts = false
    private(set) var wantsEveryName = false
    private(set) var wantsEverything = false

    mutating func add(_ rule: MatchRule) {
        let companyPayload = PayloadCondition(
            length: rule.companyDataLength, prefix: rule.companyDataPrefix,
            constant: rule.companyDataBytes)
        let servicePayload = PayloadCondition(
            length: rule.serviceDataLength, constant: rule.serviceDataBytes)
        if let uuid = rule.services.first(where: { $0.short == nil }) {
            add(AnchorTable.hash(.service, uuid))
        } else if !rule.nameExact.isEmpty {
            // An empty name is also that of a device without one.
            if rule.nameExact.contains("") { wantsEverything = true }
            add(names: rule.nameExact)
        } else if !rule.namePrefixes.isEmpty {
            add(names: rule.namePrefixes)
        } else if let uuid = rule.serviceData.first {
            add(AnchorTable.hash(.serviceData, uuid), servicePayload)
        } else if let company = rule.companies.first, companyPayload != PayloadCondition() {
            add(AnchorTable.hash(.company, UInt64(company)), companyPayload)
        } else if let uuid = rule.services.first {
            add(AnchorTable.hash(.service, uuid))
        } else if let company = rule.companies.first {
            add(AnchorTable.hash(.company, UInt64(company)))
        } else if let low = rule.companyLowByte {
            wantsLowBytes = true
            // The beginning of the data is asked for with a whole company id only.
            add(
                AnchorTable.hash(.companyLowByte, UInt64(low)),
                PayloadCondition(
                    length: companyPayload.length, constant: companyPayload.constant))
        } else {
            for prefix in rule.addressPrefixes { add(address: prefix) }
        }
    }

    private mutating func add(_ hash: UInt64, _ payload: PayloadCondition = PayloadCondition()) {
        let known = anchors[hash] ?? []
        if !known.contains(payload) { anchors[hash] = known + [payload] }
    }

    private mutating func add(names: [String]) {
        for name in names {
            guard !name.isEmpty else {
                wantsEveryName = true
                continue
            }
            guard name.utf8.allSatisfy({ $0 < 0x80 }) else {
                wantsOtherScripts = true
                continue
            }
            let length = name.utf8.count
            // No structure holds a longer name.
            guard length < 255 else { continue }
            var hash = AnchorTable.emptyName
            for byte in name.utf8 { hash = AnchorTable.append(byte, to: hash) }
            add(AnchorTable.hash(.name, hash))
            nameLengths[length >> 6] |= 1 << UInt64(length & 63)
            longestName = max(longestName, length)
        }
    }

    /// Addresses are compared as text in upper case with colons: what is written otherwise fits none.
    private mutating func add(address prefix: String) {
        let digits = prefix.utf8.filter { $0 != UInt8(ascii: ":") }
        guard prefix == prefix.uppercased(), 1...12 ~= digits.count,
            let value = UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            // An empty beginning fits every address.
            if prefix.isEmpty { wantsEverything = true }
            return
        }
        add(AnchorTable.hash(.address, value, UInt64(digits.count)))
        addressLengths |= 1 << UInt16(digits.count)
    }
}
