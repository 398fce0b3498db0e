package import Measurement
package import YAML

/// Reads one profile file: text in, a profile or all of its problems out. Opens no file itself.
package enum ProfileLoader {
    /// The version of the file format that this program reads (key `profile`).
    package static let formatVersion = 1

    /// Reads one file; nil when `problems` holds why not.
    package static func load(
        _ bytes: [UInt8], file: String, problems: ProblemList,
        fragments: FragmentLibrary = FragmentLibrary()
    ) -> DeviceProfile? {
        let before = problems.problems.count
        let root: NodeReader
        do throws(Problem) {
            let node = try YAMLDocument.parse(bytes, file: file)
            let whole = fragments.expanded(node, file: file, problems: problems)
            // What lacks a part would be complained of again for all that the part has.
            guard problems.problems.count == before else { return nil }
            root = NodeReader(whole, file: file, problems: problems)
        } catch {
            problems.add(error)
            return nil
        }
        let profile = root.mapping { keys in read(keys, file: file) }
        return problems.problems.count == before ? profile : nil
    }

    private static func read(_ keys: MappingReader, file: String) -> DeviceProfile? {
        keys.ignore(["include"])
        _ = keys.required("profile", accepted: "\(formatVersion)")?.int(
            in: formatVersion...formatVersion)
        let idNode = keys.required("id")
        let id = idNode?.string(accepted: "lower-case letters, digits, hyphens") {
            !$0.isEmpty && $0.utf8.allSatisfy { Self.isIdentifier($0) }
        }
        let revision = keys.required("revision")?.int(in: 1...1_000_000)
        let title = keys.required("title")?.string()
        let deviceClass = keys.required("class")?.choice(of: DeviceProfile.DeviceClass.self)
        let transport = keys.required("transport")?.choice(
            of: DeviceProfile.ProfileTransport.self)
        let confidence = keys.required("confidence")?.choice(of: DeviceProfile.Confidence.self)
        let note = keys.optional("confidence-note")?.string()
        if confidence == .unverified, note == nil {
            keys.problem(
                about: "confidence", "is unverified without a reason",
                accepted: "a confidence-note that says what is not checked")
        }
        let medical = keys.optional("medical-device")?.bool() ?? false
        let generic = keys.optional("generic")?.bool() ?? false
        let code = keys.required("manufacturer-code")?.string(length: 1...50)
        let models = keys.required("models")?.list(count: 1...1_000)?.compactMap(model)
        let match = keys.required("match")?.list(count: 1...100)?.compactMap(matchRule)
        let layouts = keys.required("layouts")?.list(count: 1...100).map(LayoutReader.layouts)
        reportRepeated(layouts, keys)
        let session = keys.optional("session").flatMap(SessionReader.plan)
        let wire = keys.optional("wire").flatMap(WireReader.plan)
        let decodeOnly = keys.optional("decode-only")?.string()
        if decodeOnly != nil, keys.has("session") {
            keys.problem(
                about: "decode-only", "stands beside session",
                accepted: "a session, or why there is none")
        }
        let time = keys.required("time").flatMap(TimeRulesReader.time)
        let codes = keys.optional("codes").flatMap(TimeRulesReader.codes) ?? CodeRules()
        let plausible = keys.optional("plausible").flatMap(plausibleRanges) ?? [:]
        let collect = keys.optional("collect").flatMap(collectRule)
        let tapes = keys.optional("tapes")?.list()?.compactMap(VectorReader.tape) ?? []
        let examples = keys.optional("examples")?.list()?.compactMap(example) ?? []
        let sources = layouts?.map(\.source) ?? []
        let vectors =
            keys.optional("vectors")?.list()?.compactMap {
                VectorReader.vector($0, sources: sources)
            } ?? []
        let pairing = keys.optional("pairing").flatMap(pairingHint)
        let notes = keys.optional("notes")?.list()?.compactMap { $0.string() } ?? []
        if deviceClass == .any, !generic {
            keys.problem(
                about: "class", "is any in a profile of a model",
                accepted: "the class of the model, or generic: true")
        }
        if transport == .bluetoothGATT, decodeOnly == nil, !keys.has("session") {
            keys.problem(
                about: "session", "is missing",
                accepted: "the steps of a GATT session, or decode-only with the reason")
        }
        if transport?.isCable ?? false, decodeOnly == nil, !keys.has("wire") {
            keys.problem(
                about: "wire", "is missing",
                accepted: "how the device is spoken to, or decode-only with the reason")
        }
        guard let id, let revision, let title, let deviceClass, let transport, let confidence,
            let code, let models, let match, let layouts, let time
        else { return nil }
        return DeviceProfile(
            id: id, revision: revision, title: title, deviceClass: deviceClass,
            isMedicalDevice: medical, confidence: confidence, confidenceNote: note,
            manufacturerCode: code, models: models, transport: transport, isGeneric: generic,
            match: match, session: session, wire: wire, decodeOnly: decodeOnly, layouts: layouts,
            time: time,
            codes: codes, plausible: plausible, collect: collect, tapes: tapes, examples: examples,
            vectors: vectors, pairing: pairing, notes: notes, file: file,
            idLine: idNode?.node.line ?? 1, idColumn: idNode?.node.column ?? 1)
    }

    private static func pairingHint(_ node: NodeReader) -> PairingHint? {
        node.mapping { keys in
            let japanese = keys.optional("hint-ja")?.string(length: 1...400)
            return keys.required("hint")?.string(length: 1...400).map {
                PairingHint(english: $0, japanese: japanese)
            }
        }
    }

    private static func isIdentifier(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
    }

    private static func reportRepeated(_ layouts: [FrameLayout]?, _ keys: MappingReader) {
        var seen: Set<FrameSource> = []
        for layout in layouts ?? [] where !seen.insert(layout.source).inserted {
            keys.problem(
                about: "layouts", "has two layouts for \(layout.source)",
                accepted: "one layout per source")
        }
    }

    private static func model(_ node: NodeReader) -> DeviceProfile.Model? {
        node.mapping { keys in
            let aliases = keys.optional("aliases")?.list()?.compactMap { $0.string() } ?? []
            return keys.required("name")?.string().map {
                DeviceProfile.Model(name: $0, aliases: aliases)
            }
        }
    }

    private static func matchRule(_ node: NodeReader) -> MatchRule? {
        node.mapping { keys in
            var rule = MatchRule()
            rule.nameExact = texts(keys.optional("name"))
            rule.namePrefixes = texts(keys.optional("name-prefix"))
            rule.services = keys.optional("service")?.oneOrMore()?.compactMap(uuid) ?? []
            rule.serviceData = keys.optional("service-data")?.oneOrMore()?.compactMap(uuid) ?? []
            rule.serviceDataLength = keys.optional("service-data-length")?.int(in: 0...255)
            rule.companies =
                keys.optional("company")?.oneOrMore()?.compactMap {
                    $0.int(in: 0...0xFFFF).map { UInt16($0) }
                } ?? []
            rule.companyDataPrefix =
                keys.optional("company-data-prefix")?.hexBytes(count: 1...29) ?? []
            if !rule.companyDataPrefix.isEmpty, rule.companies.isEmpty {
                keys.problem(
                    about: "company-data-prefix", "stands without a company",
                    accepted: "company beside it")
            }
            if rule.serviceDataLength != nil, rule.serviceData.isEmpty {
                keys.problem(
                    about: "service-data-length", "stands without service data",
                    accepted: "service-data beside it")
            }
            MatchPayloadReader.read(keys, &rule)
            rule.addressPrefixes = texts(keys.optional("address-prefix"))
            let lookedUp =
                [
                    "name", "name-prefix", "service", "service-data", "company", "company-low-byte",
                ] + CableRule.keys
            rule.cable = CableRule.read(keys)
            guard lookedUp.contains(where: { keys.has($0) }) else {
                node.report(
                    "has no condition that can be looked up",
                    accepted: "name, name-prefix, service, service-data, company or usb")
                return nil
            }
            return rule
        }
    }

    private static func texts(_ node: NodeReader?) -> [String] {
        node?.oneOrMore()?.compactMap { $0.string() } ?? []
    }

    /// Reads a UUID of 4, 8 or 32 hexadecimal digits.
    static func uuid(_ node: NodeReader) -> BluetoothUUID? {
        let accepted = "a UUID such as \"2a35\" or 233bf000-5a34-1b6d-975c-000d5690abe4"
        return node.string(accepted: accepted) { BluetoothUUID($0) != nil }
            .flatMap { BluetoothUUID($0) }
    }

    private static func plausibleRanges(_ node: NodeReader) -> [QuantityName: PlausibleRange]? {
        var ranges: [QuantityName: PlausibleRange] = [:]
        for entry in node.entries() ?? [] {
            guard let name = entry.key.choice(of: QuantityName.self) else { continue }
            ranges[name] = entry.value.mapping { keys in
                let unit = keys.required("unit")?.choice(of: MeasurementUnit.self)
                let minimum = keys.required("minimum")?.decimalText().flatMap { ExactDecimal($0) }
                let maximum = keys.required("maximum")?.decimalText().flatMap { ExactDecimal($0) }
                guard let unit, let minimum, let maximum else { return nil }
                guard minimum <= maximum else {
                    keys.problem(
                        about: "minimum", "lies above the maximum", accepted: "minimum ≤ maximum")
                    return nil
                }
                return PlausibleRange(unit: unit, minimum: minimum, maximum: maximum)
            }
        }
        return ranges
    }

    private static func collectRule(_ node: NodeReader) -> CollectRule? {
        node.mapping { keys in
            let quantity = keys.required("until")?.choice(of: QuantityName.self)
            let atMost = keys.required("at-most")?.duration(in: .seconds(1) ... .seconds(120))
            guard let quantity, let atMost else { return nil }
            return CollectRule(quantity: quantity, atMost: Interval(atMost))
        }
    }

    private static func example(_ node: NodeReader) -> MatchExample? {
        node.mapping { keys in
            let note = keys.optional("note")?.string()
            return keys.required("advertisement")?.hexBytes().map {
                MatchExample(advertisement: $0, note: note)
            }
        }
    }
}

extension Interval {
    /// The same length as a standard-library duration; parts of a microsecond are cut.
    package init(_ duration: Duration) {
        let parts = duration.components
        self.init(microseconds: parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000)
    }
}
