import Measurement
import YAML

/// Reads what is written to a device: bytes, or parts of which some are known only then.
enum WritePartReader {
    /// The write of `bytes`, or of `parts`; nil when neither can be read.
    static func content(_ keys: MappingReader, answering: Bool) -> [WritePart]? {
        guard let (name, value) = keys.exactlyOne(of: ["bytes", "parts"]) else { return nil }
        if name == "bytes" { return value.hexBytes().map { [.bytes($0)] } }
        guard let nodes = value.list(count: 1...20) else { return nil }
        let parts = nodes.compactMap { part($0, answering: answering) }
        return parts.count == nodes.count ? parts : nil
    }

    private static func part(_ node: NodeReader, answering: Bool) -> WritePart? {
        if case .scalar = node.node.content { return node.hexBytes().map { .bytes($0) } }
        return node.mapping { keys in
            guard
                let (name, value) = keys.exactlyOne(of: ["time", "seconds", "frame", "checksum"])
            else { return nil }
            switch name {
            case "time": return time(value, keys)
            case "seconds": return seconds(value, keys)
            case "frame":
                guard answering else {
                    value.report("stands in a write", accepted: "frame in an answer only")
                    keys.ignore(["length", "xor-key"])
                    return nil
                }
                return frame(value, keys)
            default:
                let method = value.choice(of: WritePart.Checksum.self)
                let from = keys.optional("from")?.int(in: 0...63) ?? 0
                return method.map { .checksum($0, from: from) }
            }
        }
    }

    private static func time(_ node: NodeReader, _ keys: MappingReader) -> WritePart? {
        let zone = keys.optional("zone")?.choice(of: SessionPlan.ClockZone.self) ?? .local
        let nodes = node.list(count: 1...8)
        let fields = nodes?.compactMap { $0.choice(of: WritePart.TimeField.self) }
        guard let fields, fields.count == nodes?.count else { return nil }
        return .time(fields, zone)
    }

    private static func seconds(_ node: NodeReader, _ keys: MappingReader) -> WritePart? {
        let zone = keys.optional("zone")?.choice(of: SessionPlan.ClockZone.self) ?? .local
        let order = keys.optional("order")?.word(of: ["little", "big"]) ?? "little"
        return node.int(in: 1970...2020).map {
            .seconds(sinceYear: $0, bigEndian: order == "big", zone)
        }
    }

    private static func frame(_ node: NodeReader, _ keys: MappingReader) -> WritePart? {
        let count = keys.required("length")?.int(in: 1...20)
        let mixed = keys.optional("xor-key")?.bool() ?? false
        guard let at = node.int(in: 0...63), let count else { return nil }
        return .frame(at: at, count: count, xorWithKey: mixed)
    }
}
