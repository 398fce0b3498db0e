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
            guard let (key, value) = keys.exactlyOne(of: ["format", "fields"]), let source
            else { return nil }
            if key == "format" {
                let names = FrameLayout.namedFormats
                guard let name = value.word(of: names.map(\.name)),
                    let format = names.first(where: { $0.name == name })?.format
                else { return nil }
                return FrameLayout(source: source, format: format, quirks: quirks)
            }
            return value.mapping(fields).map {
                FrameLayout(source: source, format: .fields($0), quirks: quirks)
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

    private static func fields(_ keys: MappingReader) -> FieldLayout? {
        let kind = keys.required("kind")?.choice(of: MeasurementKind.self)
        let length = keys.required("length").flatMap(length)
        guard let kind, let length else {
            keys.ignore([
                "constants", "bits", "time-at", "values", "outcomes", "flags", "key-values",
            ])
            return nil
        }
        var layout = FieldLayout(kind: kind, length: length)
        let shortest = length.lowerBound
        layout.constants =
            keys.optional("constants")?.list()?.compactMap { constant($0, shortest: shortest) }
            ?? []
        for entry in keys.optional("bits")?.entries() ?? [] {
            guard let name = entry.key.string() else { continue }
            if QuantityName(rawValue: name) != nil {
                entry.key.report("is the name of a value", accepted: "a name that no value has")
            }
            layout.bits[name] = entry.value.mapping { bit in
                let byte = bit.required("byte")?.int(in: 0...(shortest - 1))
                let number = bit.required("bit")?.int(in: 0...7)
                guard let byte, let number else { return nil }
                return FieldLayout.BitField(byte: byte, bit: number)
            }
        }
        let names = Set(layout.bits.keys)
        layout.timeAt = keys.optional("time-at").flatMap { place($0, width: 7, shortest) }
        layout.values =
            keys.required("values")?.list(count: 1...64)?.compactMap {
                value($0, bits: names, shortest: shortest)
            } ?? []
        let all = names.union(layout.values.map(\.name.rawValue))
        layout.outcomes =
            keys.optional("outcomes")?.list()?.compactMap { outcome($0, bits: all) } ?? []
        layout.flags = keys.optional("flags")?.list()?.compactMap { flag($0, bits: names) } ?? []
        layout.keyValues =
            keys.optional("key-values")?.list()?.compactMap { $0.choice(of: QuantityName.self) }
            ?? []
        return layout
    }

    /// Reads the offset of a field that every allowed frame holds whole.
    private static func place(_ node: NodeReader, width: Int, _ shortest: Int) -> Int? {
        guard width <= shortest else {
            node.report(
                "takes \(width) bytes of a frame that may have \(shortest)",
                accepted: "a field that fits into the shortest frame")
            return nil
        }
        return node.int(in: 0...(shortest - width))
    }

    private static func constant(
        _ node: NodeReader, shortest: Int
    ) -> FieldLayout.Constant? {
        node.mapping { keys in
            let at = keys.required("at")?.int(in: 0...(shortest - 1))
            let bytes = keys.required("bytes")?.hexBytes(count: 1...shortest)
            guard let at, let bytes else { return nil }
            guard at + bytes.count <= shortest else {
                node.report("runs past the shortest frame", accepted: "at most \(shortest) bytes")
                return nil
            }
            return FieldLayout.Constant(at: at, bytes: bytes)
        }
    }

    private static func length(_ node: NodeReader) -> ClosedRange<Int>? {
        if case .scalar = node.node.content { return node.int(in: 1...4096).map { $0...$0 } }
        return node.mapping { keys in
            let low = keys.required("minimum")?.int(in: 1...4096)
            let high = keys.required("maximum")?.int(in: 1...4096)
            guard let low, let high else { return nil }
            guard low <= high else {
                node.report("has a minimum above its maximum", accepted: "minimum ≤ maximum")
                return nil
            }
            return low...high
        }
    }

    /// Reads `name`, `not name`, or a list of them that must all hold.
    private static func condition(
        _ node: NodeReader?, bits: Set<String>
    ) -> FieldLayout.Condition {
        let terms = node?.oneOrMore()?.compactMap { item -> (name: String, negated: Bool)? in
            guard let text = item.string() else { return nil }
            let negated = text.hasPrefix("not ")
            let name = negated ? String(text.dropFirst(4)) : text
            guard bits.contains(name) else {
                item.report(
                    "names neither a bit nor a value",
                    accepted: bits.sorted().joined(separator: ", "))
                return nil
            }
            return (name, negated)
        }
        return FieldLayout.Condition(terms ?? [])
    }

    private static func value(
        _ node: NodeReader, bits: Set<String>, shortest: Int
    ) -> FieldLayout.ValueField? {
        node.mapping { keys in
            let name = keys.required("name")?.choice(of: QuantityName.self)
            let type = keys.required("type")?.choice(of: FieldLayout.NumberType.self)
            let at = keys.required("at").flatMap { place($0, width: type?.width ?? 1, shortest) }
            let units = keys.required("units")?.list(count: 1...16)?.compactMap {
                unitRule($0, bits: bits)
            }
            let when = condition(keys.optional("when"), bits: bits)
            let absent =
                keys.optional("absent")?.oneOrMore()?.compactMap { absentRange($0) } ?? []
            guard let name, let type, let at, let units else { return nil }
            return FieldLayout.ValueField(
                name: name, at: at, type: type, units: units, when: when, absent: absent)
        }
    }

    private static func unitRule(
        _ node: NodeReader, bits: Set<String>
    ) -> FieldLayout.UnitRule? {
        node.mapping { keys in
            let when = condition(keys.optional("when"), bits: bits)
            let unit = keys.required("unit")?.choice(of: MeasurementUnit.self)
            let scale = keys.optional("scale")?.decimalText() ?? "1"
            guard let unit, let scale = ExactDecimal(scale) else { return nil }
            return FieldLayout.UnitRule(when: when, unit: unit, scale: scale)
        }
    }

    private static func absentRange(_ node: NodeReader) -> ClosedRange<Int64>? {
        if case .scalar = node.node.content {
            return node.int().map { Int64($0)...Int64($0) }
        }
        return node.mapping { keys in
            let low = keys.optional("from")?.int() ?? Int.min
            let high = keys.optional("to")?.int() ?? Int.max
            return low <= high ? Int64(low)...Int64(high) : nil
        }
    }

    private static func outcome(
        _ node: NodeReader, bits: Set<String>
    ) -> FieldLayout.OutcomeRule? {
        node.mapping { keys in
            let when = condition(keys.required("when"), bits: bits)
            return keys.required("outcome")?.choice(of: ReadingOutcome.self).map {
                FieldLayout.OutcomeRule(when: when, outcome: $0)
            }
        }
    }

    private static func flag(_ node: NodeReader, bits: Set<String>) -> FieldLayout.FlagRule? {
        node.mapping { keys in
            let when = condition(keys.required("when"), bits: bits)
            return keys.required("flag")?.string().map {
                FieldLayout.FlagRule(when: when, flag: $0)
            }
        }
    }
}
