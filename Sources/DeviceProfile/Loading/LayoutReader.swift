import Measurement
import YAML

/// Reads the `layouts` key of a profile.
enum LayoutReader {
    static func layouts(_ nodes: [NodeReader]) -> [FrameLayout] {
        let read = nodes.compactMap { node in layout(node).map { (node: node, layout: $0) } }
        let all = read.map(\.layout)
        checkRecalled(read)
        return read.map { linked($0.layout, to: all, $0.node) }
    }

    /// Puts the records of another source into the frames that are like it.
    private static func linked(
        _ layout: FrameLayout, to all: [FrameLayout], _ node: NodeReader
    ) -> FrameLayout {
        func link(_ fields: FieldLayout) -> FieldLayout {
            guard let source = fields.like else { return fields }
            guard case .fields(let other)? = all.first(where: { $0.source == source })?.format,
                other.like == nil
            else {
                node.report(
                    "is like \(source), which has no fields here",
                    accepted: "a source of this file with fields of its own")
                return fields
            }
            let shortest = fields.records?.size ?? fields.length.lowerBound
            if shortest < other.records?.size ?? other.length.lowerBound {
                node.report(
                    "has records of \(shortest) bytes, fewer than \(source) has",
                    accepted: "records of the same size")
            }
            return fields.taking(recordsOf: other)
        }
        var layout = layout
        switch layout.format {
        case .fields(let fields): layout.format = .fields(link(fields))
        case .variants(let variants): layout.format = .variants(variants.map(link))
        default: break
        }
        return layout
    }

    private static func layout(_ node: NodeReader) -> FrameLayout? {
        node.mapping { keys in
            keys.ignore(["include"])
            let accepted =
                "gatt:UUID, service-data:UUID, manufacturer-data:ID, advertisement, "
                + "usb, serial or eeprom"
            let source = keys.required("source")?.string(accepted: accepted) {
                FrameSource($0) != nil
            }.flatMap { FrameSource($0) }
            let quirks = keys.optional("quirks").flatMap(quirks) ?? LayoutQuirks()
            let assembly = keys.optional("assembly").flatMap(AssemblyReader.assembly)
            let format = format(keys)
            guard let format, let source else { return nil }
            return FrameLayout(source: source, format: format, quirks: quirks, assembly: assembly)
        }
    }

    private static let shapes = [
        "format", "fields", "variants", "text", "protocol", "stamp", "checksum",
    ]

    private static func format(_ keys: MappingReader) -> FrameLayout.Format? {
        guard let (key, value) = keys.exactlyOne(of: shapes) else {
            return nil
        }
        if key != "variants", keys.has("checksums") {
            keys.problem(
                about: "checksums", "stands beside \(key)",
                accepted: "checksums of the variants; those of fields stand in them")
        }
        switch key {
        case "format":
            let names = FrameLayout.namedFormats
            guard let name = value.word(of: names.map(\.name)) else { return nil }
            return names.first { $0.name == name }?.format
        case "fields": return value.mapping(FieldReader.layout).map { .fields($0) }
        case "text":
            return (value.list(count: 1...64)?.compactMap(TextReader.layout)).map { .text($0) }
        case "protocol": return value.choice(of: WireFormat.self).map { .wire($0) }
        case "stamp": return value.choice(of: StampFormat.self).map { .stamp($0) }
        case "checksum": return value.mapping(checksum).map { .checksum($0) }
        default:
            // What stands beside the variants holds for each of them.
            let shared = keys.optional("checksums").flatMap { $0.list() }?.compactMap {
                ChecksumReader.checksum($0, shortest: nil)
            }
            let variants = value.list(count: 1...64)?.compactMap {
                $0.mapping(FieldReader.layout)
            }
            return variants.map { variants in
                .variants(
                    variants.map { variant in
                        var variant = variant
                        variant.checksums = (shared ?? []) + variant.checksums
                        return variant
                    })
            }
        }
    }

    private static func checksum(_ keys: MappingReader) -> ChecksumRule? {
        let method = keys.required("method").flatMap(TextReader.method)
        let name = keys.required("name")?.string()
        guard let method, let name else { return nil }
        var rule = ChecksumRule(method, name: name)
        rule.swapsWords = keys.optional("swap-words")?.bool() ?? false
        rule.isLittleEndian = keys.optional("little-endian")?.bool() ?? false
        if keys.optional("frame")?.bool() ?? false { rule.before = [] }
        if let before = keys.optional("before")?.hexBytes() { rule.before = before }
        rule.between = keys.optional("between")?.hexBytes() ?? []
        if let form = keys.optional("form")?.choice(of: ChecksumRule.Form.self) { rule.form = form }
        return rule
    }

    private static func quirks(_ node: NodeReader) -> LayoutQuirks? {
        node.mapping { keys in
            var quirks = LayoutQuirks()
            func flag(_ key: String) -> Bool { keys.optional(key)?.bool() ?? false }
            quirks.ignoreReservedFlags = flag("ignore-reserved-flags")
            quirks.pulseAndStatusBigEndian = flag("pulse-and-status-big-endian")
            quirks.userIDAlwaysPresent = flag("user-id-always-present")
            quirks.weightStep = keys.optional("weight-step")?.decimalText()
            quirks.weightBit4IsNegative = flag("weight-flag-4-below-zero")
            quirks.ignoreTrailingBytes = flag("ignore-trailing-bytes")
            return quirks
        }
    }
}
