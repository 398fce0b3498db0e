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
    /// Says of raw advertising data whether asking for a match is worth it.
    package let filter: AdvertisementFilter
    private var byService: [BluetoothUUID: [Int]] = [:]
    private var byServiceData: [BluetoothUUID: [Int]] = [:]
    private var byCompany: [UInt16: [Int]] = [:]
    private var byCompanyLowByte: [UInt8: [Int]] = [:]
    private var byName: [String: [Int]] = [:]
    private var nameLengths: [Int] = []

    package init(_ profiles: [DeviceProfile]) {
        self.profiles = profiles
        filter = AdvertisementFilter(profiles)
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
        found(advertisement).map { explain(profiles[$0], advertisement, address) }
            .filter { $0.score > 0 || !$0.against.isEmpty }
            .sorted { ($0.score, $1.profile.id) > ($1.score, $0.profile.id) }
    }

    /// The one profile that wins; nil when nothing fits or two fit equally well.
    package func match(
        _ advertisement: Advertisement, address: BluetoothAddress? = nil
    ) -> DeviceProfile? {
        var best: (number: Int, score: Int)?
        var isTie = false
        for number in found(advertisement) {
            let score = score(profiles[number], advertisement, address)
            guard score > 0, score >= best?.score ?? 0 else { continue }
            isTie = score == best?.score
            best = (number, score)
        }
        guard let best, !isTie else { return nil }
        return profiles[best.number]
    }

    /// Why `match` gives nothing: the profile that comes nearest and what it misses, if one comes near.
    package func whyNothingFits(
        _ advertisement: Advertisement, address: BluetoothAddress? = nil
    ) -> String {
        let near = candidates(advertisement, address: address)
        if near.count > 1, near[0].score > 0 {
            return "\(near[0].profile.id) and \(near[1].profile.id) fit equally well"
        }
        // The fewer conditions fail, the nearer it is.
        guard let nearest = near.min(by: { $0.against.count < $1.against.count }) else {
            return "no profile fits"
        }
        return "no profile fits; the nearest is \(nearest.profile.id): "
            + nearest.against.joined(separator: ", ")
    }

    /// The numbers of the profiles of which one condition holds at least.
    private func found(_ advertisement: Advertisement) -> [Int] {
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
        return numbers.sorted()
    }

    private func score(
        _ profile: DeviceProfile, _ advertisement: Advertisement, _ address: BluetoothAddress?
    ) -> Int {
        let best =
            profile.match.map { $0.evaluate(advertisement, address, explaining: false).score }
            .max() ?? 0
        // Below every profile of a model, however little that one has seen.
        return profile.isGeneric ? min(1, best) : best
    }

    private func explain(
        _ profile: DeviceProfile, _ advertisement: Advertisement, _ address: BluetoothAddress?
    ) -> MatchCandidate {
        let results = profile.match.map { $0.evaluate(advertisement, address, explaining: true) }
        guard let best = results.max(by: { $0.score < $1.score }) else {
            return MatchCandidate(profile: profile, score: 0, because: [], against: [])
        }
        var candidate = MatchCandidate(
            profile: profile, score: best.score, because: best.because, against: best.against)
        if profile.isGeneric, candidate.score > 0 {
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
