import Measurement
import YAML

/// Reads the `layouts` key of a profile.
enum LayoutReader {
    static func layout(_ node: NodeReader) -> FrameLayout? {
        node.mapping { keys in
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

    private static func format(_ keys: MappingReader) -> FrameLayout.Format? {
        guard let (key, value) = keys.exactlyOne(of: ["format", "fields", "variants"]) else {
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
