import Crypto
package import Measurement

/// A profile that fits what a device shows, with the reasons.
package struct MatchCandidate: Sendable {
    package var profile: DeviceProfile
    package var score: Int
    package var because: [String]
    package var against: [String]
}

/// All loaded profiles, found by service UUID, company id, service data and name.
package struct ProfileIndex: Sendable {
    package private(set) var profiles: [DeviceProfile]
    private var byService: [BluetoothUUID: [Int]] = [:]
    private var byServiceData: [BluetoothUUID: [Int]] = [:]
    private var byCompany: [UInt16: [Int]] = [:]
    private var byCompanyLowByte: [UInt8: [Int]] = [:]
    private var byName: [String: [Int]] = [:]
    private var nameLengths: [Int] = []

    package init(_ profiles: [DeviceProfile]) {
        self.profiles = profiles
        var lengths: Set<Int> = []
        for (number, profile) in profiles.enumerated() {
            for rule in profile.match {
                for uuid in rule.services { byService[uuid, default: []].append(number) }
                for uuid in rule.serviceData { byServiceData[uuid, default: []].append(number) }
                for company in rule.companies { byCompany[company, default: []].append(number) }
                if let low = rule.companyLowByte {
                    byCompanyLowByte[low, default: []].append(number)
                }
                for name in rule.namePrefixes + rule.nameExact {
                    byName[name, default: []].append(number)
                    lengths.insert(name.utf8.count)
                }
            }
        }
        nameLengths = lengths.sorted()
    }

    /// The same profiles with another tolerance for device clocks.
    package func with(tolerance: Interval) -> ProfileIndex {
        ProfileIndex(
            profiles.map {
                var profile = $0
                profile.time.tolerance = tolerance
                return profile
            })
    }

    package subscript(id id: String) -> DeviceProfile? { profiles.first { $0.id == id } }

    /// The profile that a person means by a maker's model, an alias or a profile id.
    ///
    /// Case does not matter, and text in brackets may be left out.
    package func profile(model name: String) -> DeviceProfile? {
        let wanted = Self.fold(name)
        if let exact = profiles.first(where: { Self.fold($0.id) == wanted }) { return exact }
        let bare = Self.fold(Self.withoutBrackets(name))
        for candidate in [wanted, bare] where !candidate.isEmpty {
            let found = profiles.first { profile in
                profile.modelNames.contains {
                    Self.fold($0) == candidate || Self.fold(Self.withoutBrackets($0)) == candidate
                }
            }
            if let found { return found }
        }
        return nil
    }

    /// All candidates for an advertisement, best first.
    package func candidates(
        _ advertisement: Advertisement, address: BluetoothAddress? = nil
    ) -> [MatchCandidate] {
        var numbers: Set<Int> = []
        for uuid in advertisement.serviceUUIDs { numbers.formUnion(byService[uuid] ?? []) }
        for uuid in advertisement.serviceData.keys {
            numbers.formUnion(byServiceData[uuid] ?? [])
            // A device may show its service only by its service data.
            numbers.formUnion(byService[uuid] ?? [])
        }
        for company in advertisement.manufacturerData.keys {
            numbers.formUnion(byCompany[company] ?? [])
            if !byCompanyLowByte.isEmpty {
                numbers.formUnion(byCompanyLowByte[UInt8(company & 0xFF)] ?? [])
            }
        }
        if let name = advertisement.name, !byName.isEmpty {
            for length in nameLengths where length <= name.utf8.count {
                let prefix = String(decoding: Array(name.utf8.prefix(length)), as: UTF8.self)
                numbers.formUnion(byName[prefix] ?? [])
            }
        }
        return numbers.sorted().compactMap { score(profiles[$0], advertisement, address) }
            .filter { $0.score > 0 || !$0.against.isEmpty }
            .sorted { ($0.score, $1.profile.id) > ($1.score, $0.profile.id) }
    }

    /// The one profile that wins; nil when nothing fits or two fit equally well.
    package func match(
        _ advertisement: Advertisement, address: BluetoothAddress? = nil
    ) -> DeviceProfile? {
        let fitting = candidates(advertisement, address: address).filter { $0.score > 0 }
        guard let best = fitting.first else { return nil }
        if fitting.count > 1, fitting[1].score == best.score { return nil }
        return best.profile
    }

    private func score(
        _ profile: DeviceProfile, _ advertisement: Advertisement, _ address: BluetoothAddress?
    ) -> MatchCandidate? {
        let results = profile.match.map { $0.evaluate(advertisement, address) }
        guard let best = results.max(by: { $0.score < $1.score }) else { return nil }
        var candidate = MatchCandidate(
            profile: profile, score: best.score, because: best.because, against: best.against)
        if profile.isGeneric, candidate.score > 0 {
            // Below every profile of a model, however little that one has seen.
            candidate.score = 1
            candidate.because.append("generic: used only where no model's profile fits")
        }
        return candidate
    }

    private static func fold(_ text: String) -> String {
        String(text.lowercased().filter { !$0.isWhitespace })
    }

    private static func withoutBrackets(_ text: String) -> String {
        var depth = 0
        var out = ""
        for character in text {
            if character == "(" { depth += 1 }
            if depth == 0 { out.append(character) }
            if character == ")" { depth = max(0, depth - 1) }
        }
        return out
    }
}

extension DeviceProfile {
    /// Every name a person may use for a model of this profile.
    package var modelNames: [String] { models.flatMap { [$0.name] + $0.aliases } }
}

extension MatchRule {
    /// Points for each condition that holds; a condition that fails makes the score 0.
    func evaluate(
        _ advertisement: Advertisement, _ address: BluetoothAddress?
    ) -> (score: Int, because: [String], against: [String]) {
        var score = 0
        var because: [String] = []
        var against: [String] = []
        func check(_ holds: Bool, _ points: Int, _ text: String) {
            if holds {
                score += points
                because.append("\(text) (+\(points))")
            } else {
                against.append("not \(text)")
            }
        }
        let name = advertisement.name
        if !nameExact.isEmpty {
            check(nameExact.contains(name ?? ""), 60, "name is \(list(nameExact))")
        }
        if !namePrefixes.isEmpty {
            let fits = namePrefixes.contains { name?.hasPrefix($0) ?? false }
            check(fits, 50, "name begins with \(list(namePrefixes))")
        }
        let shown = Set(advertisement.serviceUUIDs).union(advertisement.serviceData.keys)
        for uuid in services {
            check(shown.contains(uuid), uuid.short == nil ? 45 : 20, "service \(uuid)")
        }
        for uuid in serviceData {
            let data = advertisement.serviceData[uuid]
            check(data != nil, 20, "service data \(uuid)")
            if let length = serviceDataLength {
                check(data?.count == length, 25, "service data of \(length) bytes")
            }
            if let wanted = serviceDataBytes {
                check(
                    data.map { wanted.holds($0) } ?? false, 30,
                    "service data with \(wanted.alternatives.map { hexadecimal($0) }.joined(separator: " or "))"
                        + " at \(wanted.at)")
            }
        }
        for company in companies {
            let data = advertisement.manufacturerData[company]
            check(data != nil, 15, "company \(company)")
            if !companyDataPrefix.isEmpty {
                let fits = data?.starts(with: companyDataPrefix) ?? false
                check(fits, 20, "company data that begins with \(hexadecimal(companyDataPrefix))")
            }
            checkData(data, check)
        }
        if let low = companyLowByte {
            let data = advertisement.manufacturerData.first { $0.key & 0xFF == UInt16(low) }?.value
            check(data != nil, 10, "company that ends in \(hexadecimal([low]))")
            checkData(data, check)
        }
        if !addressPrefixes.isEmpty {
            let text = address?.description ?? ""
            check(
                addressPrefixes.contains { text.hasPrefix($0) }, 10,
                "address begins with \(list(addressPrefixes))")
        }
        return (against.isEmpty ? score : 0, because, against)
    }

    /// The conditions on the bytes after a company id.
    private func checkData(_ data: [UInt8]?, _ check: (Bool, Int, String) -> Void) {
        if let length = companyDataLength {
            check(data?.count == length, 15, "company data of \(length) bytes")
        }
        if let wanted = companyDataBytes {
            let shown = wanted.alternatives.map { hexadecimal($0) }.joined(separator: " or ")
            check(
                data.map { wanted.holds($0) } ?? false, 20,
                "company data with \(shown) at \(wanted.at)")
        }
    }

    private func list(_ items: [String]) -> String {
        items.map { "'\($0)'" }.joined(separator: " or ")
    }
}
