import YAML

/// What a device on a cable must show for a profile to be a candidate.
package struct CableRule: Sendable, Equatable {
    package struct ProductCode: Sendable, Hashable, CustomStringConvertible {
        package var vendor: UInt16
        package var product: UInt16

        /// Reads `0590:0028`.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 4 }),
                parts.allSatisfy({ $0.allSatisfy(\.isHexDigit) }),
                let vendor = UInt16(parts[0], radix: 16), let product = UInt16(parts[1], radix: 16)
            else { return nil }
            self.vendor = vendor
            self.product = product
        }

        package var description: String {
            hexDigits(UInt32(vendor), 4) + ":" + hexDigits(UInt32(product), 4)
        }
    }

    package var codes: [ProductCode] = []
    package var usagePage: UInt16?
    package var interfaceClass: UInt8?
    package var products: [String] = []

    package init() {}

    static let keys = ["usb", "usage-page", "interface-class", "product"]

    static func read(_ keys: MappingReader) -> CableRule? {
        guard Self.keys.contains(where: { keys.has($0) }) else { return nil }
        var rule = CableRule()
        let accepted = "vendor and product such as 0590:0028"
        rule.codes =
            keys.optional("usb")?.oneOrMore()?.compactMap { node in
                node.string(accepted: accepted) { ProductCode($0) != nil }
                    .flatMap { ProductCode($0) }
            } ?? []
        rule.usagePage = keys.optional("usage-page")?.int(in: 1...0xFFFF).map { UInt16($0) }
        rule.interfaceClass = keys.optional("interface-class")?.int(in: 1...255)
            .map { UInt8($0) }
        rule.products = keys.optional("product")?.oneOrMore()?.compactMap { $0.string() } ?? []
        return rule
    }

    func evaluate(
        _ device: CableDevice
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
        if !codes.isEmpty {
            let shown = codes.first {
                ($0.vendor, $0.product) == (device.vendorID, device.productID)
            }
            check(
                shown != nil, 50,
                "USB \(shown.map { [$0] } ?? codes)".filter { $0 != "[" && $0 != "]" })
        }
        if let usagePage {
            check(
                device.usagePages.contains(usagePage), 40,
                "HID usage page 0x\(hexDigits(UInt32(usagePage), 2))")
        }
        if let interfaceClass {
            check(
                device.interfaceClasses.contains(interfaceClass), 20,
                "interface class \(interfaceClass)")
        }
        if !products.isEmpty {
            check(
                products.contains { device.product?.hasPrefix($0) ?? false }, 30,
                "product begins with \(products.joined(separator: " or "))")
        }
        return (against.isEmpty ? score : 0, because, against)
    }
}

extension ProfileIndex {
    /// All candidates for a device on a cable, best first.
    package func candidates(_ device: CableDevice) -> [MatchCandidate] {
        profiles.compactMap { profile -> MatchCandidate? in
            let rules = profile.match.compactMap(\.cable)
            guard !rules.isEmpty else { return nil }
            let isBound = device.boundTo == profile.id
            let results = rules.map { $0.evaluate(device) }
            guard let best = results.max(by: { $0.score < $1.score }) else { return nil }
            var candidate = MatchCandidate(
                profile: profile, score: best.score, because: best.because, against: best.against)
            if isBound {
                candidate.score = 1_000
                candidate.because.append("the port is bound to it (+1000)")
                candidate.against = []
            } else if device.boundTo != nil {
                candidate.score = 0
                candidate.against.append("the port is bound to another model")
            } else if profile.wire?.binding == .operator, candidate.score > 0 {
                candidate.score = 0
                candidate.against.append("a bridge says nothing of the model: bind the port to it")
            }
            if profile.isGeneric, candidate.score > 0, !isBound { candidate.score = 1 }
            let isNear = candidate.score > 0 || !candidate.because.isEmpty
            return isNear ? candidate : nil
        }
        .sorted { ($0.score, $1.profile.id) > ($1.score, $0.profile.id) }
    }

    /// The profiles that win: several of one procedure where only the device itself can tell.
    package func match(_ device: CableDevice) -> [DeviceProfile] {
        let fitting = candidates(device).filter { $0.score > 0 }
        guard let best = fitting.first else { return [] }
        let equal = fitting.filter { $0.score == best.score }.map(\.profile)
        let procedures = Set(equal.map { $0.wire?.procedure })
        return procedures.count == 1 && (equal.count == 1 || best.profile.wire != nil) ? equal : []
    }
}
