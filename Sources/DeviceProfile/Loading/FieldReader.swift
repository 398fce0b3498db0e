import Measurement
import YAML

/// Reads one layout of fields: the `fields` key, or one item of `variants`.
enum FieldReader {
    private static let knownKeys = [
        "variant", "like", "kind", "length", "constants", "checksums", "unmask", "encryption",
        "records",
        "empty", "bits", "numbers", "time-at", "time", "user-slot", "sequence-number", "values",
        "sequence", "outcome", "outcomes", "flags", "details", "stored", "key-values", "remember",
        "recall", "join", "clock",
    ]

    static func layout(_ keys: MappingReader) -> FieldLayout? {
        keys.ignore(["include"])
        _ = keys.optional("variant")?.string()
        if keys.has("like") { return like(keys) }
        let kind = keys.optional("kind").map { $0.choice(of: MeasurementKind.self) }
        let length = keys.required("length").flatMap(length)
        let hasValues = keys.has("values") || keys.has("sequence")
        let outcome = keys.optional("outcome")?.choice(of: ReadingOutcome.self)
        if kind == nil, hasValues { _ = keys.required("kind") }
        if kind == nil, !hasValues, outcome == nil {
            keys.problem(
                about: "outcome", "is missing in a layout without values",
                accepted: "values, or what such a frame is")
        }
        guard let length else {
            keys.ignore(knownKeys)
            return nil
        }
        var layout = FieldLayout(kind: kind ?? nil, length: length)
        layout.outcome = outcome ?? .measurement
        if hasValues, layout.outcome == .measurement, kind == nil {
            keys.ignore(knownKeys)
            return nil
        }
        var scope = frame(keys, &layout)
        names(keys, &layout, &scope)
        fields(keys, &layout, scope)
        rules(keys, &layout, scope)
        return layout
    }

    /// Reads a frame whose records are those of another source of the same file.
    private static func like(_ keys: MappingReader) -> FieldLayout? {
        let source = keys.optional("like")?.string(accepted: "the source of another layout") {
            FrameSource($0) != nil
        }.flatMap { FrameSource($0) }
        let length = keys.required("length").flatMap(length)
        let own = [
            "kind", "empty", "values", "sequence", "time", "time-at", "outcome", "stored", "join",
        ]
        for key in own where keys.has(key) {
            keys.problem(about: key, "stands beside like", accepted: "what is about the frame")
        }
        keys.ignore(knownKeys)
        guard let source, let length else { return nil }
        var layout = FieldLayout(kind: nil, length: length)
        layout.like = source
        _ = frame(keys, &layout)
        return layout
    }

    /// What concerns the frame as a whole; returns what the fields of one record may use.
    private static func frame(
        _ keys: MappingReader, _ layout: inout FieldLayout
    ) -> FieldScope {
        let shortest = layout.length.lowerBound
        layout.constants =
            keys.optional("constants")?.list()?.compactMap { constant($0, shortest: shortest) }
            ?? []
        layout.checksums =
            keys.optional("checksums")?.list()?.compactMap {
                ChecksumReader.checksum($0, shortest: shortest)
            } ?? []
        layout.mask = keys.optional("unmask").flatMap { mask($0, shortest: shortest) }
        layout.encryption = keys.optional("encryption").flatMap {
            EncryptionReader.encryption($0, shortest: shortest)
        }
        let plain = shortest - (layout.encryption?.trailing ?? 0)
        layout.records = keys.optional("records").flatMap { records($0, plain: plain) }
        return FieldScope(shortest: layout.records?.size ?? plain)
    }

    private static func names(
        _ keys: MappingReader, _ layout: inout FieldLayout, _ scope: inout FieldScope
    ) {
        for entry in keys.optional("bits")?.entries() ?? [] {
            guard let name = own(entry.key) else { continue }
            layout.numbers[name] = entry.value.mapping { bit in
                let byte = bit.required("byte")?.int(in: 0...(scope.shortest - 1))
                let number = bit.required("bit")?.int(in: 0...7)
                guard let byte, let number else { return nil }
                return FieldNumber(.byte(byte), bits: number...number)
            }
        }
        for entry in keys.optional("numbers")?.entries() ?? [] {
            guard let name = own(entry.key) else { continue }
            if layout.numbers[name] != nil {
                entry.key.report("is the name of a bit too", accepted: "a name of its own")
            }
            layout.numbers[name] = entry.value.mapping { NumberReader.number($0, scope) }
        }
        for node in keys.optional("recall")?.oneOrMore() ?? [] {
            guard let name = own(node), QuantityName(rawValue: name) == nil else { continue }
            if layout.numbers[name] != nil {
                node.report("is a number of this frame", accepted: "a number of another frame")
            }
            layout.recall.append(name)
        }
        layout.remember =
            keys.optional("remember")?.oneOrMore()?.compactMap {
                $0.word(of: layout.numbers.keys.sorted())
            } ?? []
        scope.numbers = Set(layout.numbers.keys).union(layout.recall)
    }

    /// Reads a name that no value has; conditions could not tell them apart.
    private static func own(_ node: NodeReader) -> String? {
        guard
            let name = node.string(accepted: "a name without spaces", where: { !$0.contains(" ") })
        else { return nil }
        if QuantityName(rawValue: name) != nil {
            node.report("is the name of a value", accepted: "a name that no value has")
        }
        return name
    }

    private static func fields(
        _ keys: MappingReader, _ layout: inout FieldLayout, _ scope: FieldScope
    ) {
        if let at = keys.optional("time-at").flatMap({ place($0, width: 7, scope) }) {
            layout.time = FieldTime(.byte(at), .dateTime)
        }
        if let time = keys.optional("time").flatMap({ TimeReader.time($0, scope) }) {
            layout.time = time
        }
        layout.userSlot = keys.optional("user-slot")?.mapping { NumberReader.number($0, scope) }
        layout.sequenceNumber = keys.optional("sequence-number")?.mapping {
            NumberReader.number($0, scope)
        }
        layout.values =
            keys.optional("values")?.list(count: 1...64)?.compactMap {
                ValueReader.value($0, scope)
            } ?? []
        if let sequence = keys.optional("sequence") {
            SequenceReader.read(sequence, &layout, scope)
        }
    }

    private static func rules(
        _ keys: MappingReader, _ layout: inout FieldLayout, _ scope: FieldScope
    ) {
        let inSequence = layout.sequence.compactMap { item -> QuantityName? in
            if case .value(let field) = item.content { field.name } else { nil }
        }
        let values = layout.values.map(\.name) + inSequence
        let names = scope.numbers.union(values.map(\.rawValue))
        layout.outcomes =
            keys.optional("outcomes")?.list()?.compactMap { outcome($0, names) } ?? []
        layout.flags = keys.optional("flags")?.list()?.compactMap { flag($0, names) } ?? []
        if let stored = keys.optional("stored") {
            // A frame that is always out of memory says so without a condition.
            let always = if case .scalar("true", _) = stored.node.content { true } else { false }
            let when = always ? FieldCondition() : ConditionReader.condition(stored, names)
            layout.flags.append(FieldLayout.FlagRule(when: when, flag: Reading.storedFlag))
        }
        layout.isClock = keys.optional("clock")?.bool() ?? false
        layout.details =
            keys.optional("details")?.list()?.compactMap { $0.word(of: scope.numbers.sorted()) }
            ?? []
        layout.keyValues =
            keys.optional("key-values")?.list()?.compactMap { $0.choice(of: QuantityName.self) }
            ?? []
        layout.join = keys.optional("join").flatMap { JoinReader.join($0, layout, scope) }
        guard let empty = keys.optional("empty") else { return }
        _ = empty.mapping { empty -> Bool? in
            layout.emptyBytes = empty.optional("bytes")?.hexBytes(count: 1...8) ?? []
            layout.emptyWhen =
                empty.optional("any-of")?.list()?.map {
                    ConditionReader.condition($0, scope.numbers)
                } ?? []
            return true
        }
    }

    /// Reads the offset of a field that every allowed frame holds whole.
    static func place(_ node: NodeReader, width: Int, _ scope: FieldScope) -> Int? {
        guard width <= scope.shortest else {
            node.report(
                "takes \(width) bytes of a frame that may have \(scope.shortest)",
                accepted: "a field that fits into the shortest frame")
            return nil
        }
        if let at = NodeReader.negative(node) { return at >= -scope.shortest ? at : nil }
        return node.int(in: 0...(scope.shortest - width))
    }

    static func constant(_ node: NodeReader, shortest: Int) -> FieldLayout.Constant? {
        node.mapping { keys in
            let at = keys.required("at")?.int(in: -shortest...(shortest - 1))
            let mask = keys.optional("mask")?.hexBytes(count: 1...shortest) ?? []
            guard let (key, value) = keys.exactlyOne(of: ["bytes", "one-of"]) else { return nil }
            let found =
                key == "bytes"
                ? [value.hexBytes(count: 1...shortest)]
                : (value.list(count: 1...64) ?? []).map { $0.hexBytes(count: 1...shortest) }
            let alternatives = found.compactMap { $0 }
            guard let at, let width = alternatives.first?.count else { return nil }
            guard alternatives.allSatisfy({ $0.count == width }) else {
                value.report("has alternatives of several lengths", accepted: "one length")
                return nil
            }
            guard (at < 0 ? shortest + at : at) + width <= shortest else {
                node.report("runs past the shortest frame", accepted: "at most \(shortest) bytes")
                return nil
            }
            return FieldLayout.Constant(at: at, alternatives: alternatives, mask: mask)
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

    private static func records(_ node: NodeReader, plain: Int) -> FieldLayout.Records? {
        node.mapping { keys in
            let from = keys.required("from")?.int(in: 0...plain)
            let size = keys.required("size")?.int(in: 1...1_024)
            let trailing = keys.optional("trailing")?.int(in: 0...64) ?? 0
            guard let from, let size else { return nil }
            return FieldLayout.Records(from: from, size: size, trailing: trailing)
        }
    }

    private static func mask(_ node: NodeReader, shortest: Int) -> FieldLayout.Mask? {
        node.mapping { keys in
            let from = keys.required("from")?.int(in: -shortest...(shortest - 1))
            let to = keys.required("to")?.int(in: -shortest...(shortest - 1))
            let key = keys.required("key")?.hexBytes(count: 1...32)
            guard let from, let to, let key else { return nil }
            return FieldLayout.Mask(from: from, to: to, key: key)
        }
    }

    private static func outcome(
        _ node: NodeReader, _ names: Set<String>
    ) -> FieldLayout.OutcomeRule? {
        node.mapping { keys in
            let when = ConditionReader.condition(keys.required("when"), names)
            let reason = keys.optional("reason")?.string(length: 1...200)
            return keys.required("outcome")?.choice(of: ReadingOutcome.self).map {
                FieldLayout.OutcomeRule(when: when, outcome: $0, reason: reason)
            }
        }
    }

    private static func flag(_ node: NodeReader, _ names: Set<String>) -> FieldLayout.FlagRule? {
        node.mapping { keys in
            let when = ConditionReader.condition(keys.optional("when"), names)
            return keys.required("flag")?.string().map {
                FieldLayout.FlagRule(when: when, flag: $0)
            }
        }
    }
}

/// What the fields of one record may use: its bytes, and the names of its numbers.
struct FieldScope {
    /// Bytes that every record has.
    var shortest: Int
    var numbers: Set<String> = []
    /// The fields follow one another and have no offset of their own.
    var follows = false
}

extension NodeReader {
    /// A negative whole number: an offset from the end.
    static func negative(_ node: NodeReader) -> Int? {
        guard case .scalar(let text, plain: true) = node.node.content, text.hasPrefix("-") else {
            return nil
        }
        return Int(text)
    }
}
