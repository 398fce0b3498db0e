import Measurement
import YAML

/// Reads the `wire` key of a profile.
enum WireReader {
    static func plan(_ node: NodeReader) -> WirePlan? {
        node.mapping { keys in
            let procedure = keys.required("procedure")?.choice(of: WirePlan.Procedure.self)
            var plan = WirePlan(procedure: procedure ?? .listen)
            if let binding = keys.optional("binding")?.choice(of: WirePlan.Binding.self) {
                plan.binding = binding
            }
            plan.line = keys.optional("line").flatMap(line)
            if let framing = keys.optional("framing").flatMap(framing) { plan.framing = framing }
            plan.commands =
                keys.optional("commands")?.list(count: 1...100)?.compactMap(command) ?? []
            plan.identity = keys.optional("identity")?.oneOrMore()?.compactMap { $0.string() } ?? []
            if let timeout = keys.optional("reply-timeout")?.duration(in: .zero ... .seconds(60)) {
                plan.replyTimeout = Interval(timeout)
            }
            plan.plateau = keys.optional("plateau")?.duration(in: .zero ... .seconds(60))
                .map { Interval($0) }
            plan.setsClock = keys.optional("set-clock")?.bool() ?? false
            return procedure == nil ? nil : plan
        }
    }

    private static func line(_ node: NodeReader) -> WirePlan.Line? {
        node.mapping { keys in
            let speed = keys.required("speed")?.int(in: 300...3_000_000)
            let bits = keys.required("data-bits")?.int(in: 7...8)
            let parity = keys.required("parity")?.choice(of: WirePlan.Line.Parity.self)
            let stop = keys.required("stop-bits")?.int(in: 1...2)
            guard let speed, let bits, let parity, let stop else { return nil }
            return WirePlan.Line(speed: speed, dataBits: bits, parity: parity, stopBits: stop)
        }
    }

    private static let framings = [
        "transfer", "lines", "between", "fixed", "length-byte", "counted-reports",
    ]

    private static func framing(_ node: NodeReader) -> WirePlan.Framing? {
        node.mapping { keys -> WirePlan.Framing? in
            guard let (name, value) = keys.exactlyOne(of: framings) else { return nil }
            switch name {
            case "transfer": return value.bool() == nil ? nil : .transfer
            case "lines":
                return value.mapping { keys in
                    .lines(maximum: keys.optional("maximum")?.int(in: 1...65_536) ?? 1_024)
                }
            case "between": return value.mapping(between)
            case "fixed":
                return value.mapping { keys in
                    let start = keys.optional("start")?.hexBytes(count: 1...16) ?? []
                    return keys.required("length")?.int(in: 1...4_096).map {
                        .fixed(start: start, length: $0)
                    }
                }
            case "length-byte": return value.mapping(measured)
            default: return value.mapping(counted)
            }
        }
    }

    private static func between(_ keys: MappingReader) -> WirePlan.Framing? {
        let start = keys.optional("start")?.hexBytes(count: 1...16) ?? []
        let end = keys.required("end")?.hexBytes(count: 1...16)
        let trailing = keys.optional("trailing")?.int(in: 0...16) ?? 0
        let maximum = keys.optional("maximum")?.int(in: 1...65_536) ?? 1_024
        return end.map { .between(start: start, end: $0, trailing: trailing, maximum: maximum) }
    }

    private static func measured(_ keys: MappingReader) -> WirePlan.Framing? {
        let start = keys.required("start")?.hexBytes(count: 1...16)
        let at = keys.required("at")?.int(in: 0...32)
        let plus = keys.optional("plus")?.int(in: 0...32) ?? 0
        let maximum = keys.optional("maximum")?.int(in: 1...4_096) ?? 256
        guard let start, let at else { return nil }
        return .lengthByte(start: start, at: at, plus: plus, maximum: maximum)
    }

    private static func counted(_ keys: MappingReader) -> WirePlan.Framing? {
        let at = keys.optional("count-at")?.int(in: 0...1) ?? 0
        let maximum = keys.required("maximum")?.int(in: 1...64)
        let busy = keys.optional("busy")?.oneOrMore()?.compactMap { node in
            node.int(in: 0...255).map { UInt8($0) }
        }
        return maximum.map { .countedReports(countAt: at, maximum: $0, busy: busy ?? []) }
    }

    /// What is sent, as digits or as the text that it is.
    private static func bytes(_ keys: MappingReader) -> [UInt8]? {
        guard let (name, value) = keys.exactlyOne(of: ["hex", "text"]) else { return nil }
        return name == "hex" ? value.hexBytes() : value.string().map { Array($0.utf8) }
    }

    private static func command(_ node: NodeReader) -> WirePlan.Command? {
        node.mapping { keys in
            let name = keys.required("name")?.string()
            let bytes = bytes(keys)
            let forbidden = keys.optional("never-send")?.bool() ?? false
            var facts: [Reading.Detail] = []
            for entry in keys.optional("facts")?.entries() ?? [] {
                guard let key = entry.key.string(), let text = entry.value.string() else {
                    continue
                }
                facts.append(Reading.Detail(name: key, value: text))
            }
            guard let name, let bytes else { return nil }
            return WirePlan.Command(
                name: name, bytes: bytes, facts: facts, isForbidden: forbidden)
        }
    }
}
