import Measurement
import YAML

/// Reads the `text` key of a layout: messages of text.
enum TextReader {
    static func layout(_ node: NodeReader) -> TextLayout? {
        node.mapping { keys in
            guard let shape = shape(keys) else { return nil }
            var layout = TextLayout(shape)
            layout.kind = keys.optional("kind")?.choice(of: MeasurementKind.self)
            if let outcome = keys.optional("outcome")?.choice(of: ReadingOutcome.self) {
                layout.outcome = outcome
            }
            for entry in keys.optional("parts")?.entries() ?? [] {
                guard let name = entry.key.string() else { continue }
                layout.parts[name] = entry.value.oneOrMore()?.compactMap(template)
            }
            layout.userSlot = keys.optional("user-slot")?.string()
            layout.sequenceNumber = keys.optional("sequence-number")?.string()
            layout.key = words(keys.optional("key-values"))
            layout.unsetDates =
                keys.optional("unset-dates")?.oneOrMore()?.compactMap { $0.string() } ?? []
            layout.checksum = keys.optional("checksum").flatMap(checksum)
            for entry in keys.optional("values")?.entries() ?? [] {
                guard let name = entry.key.choice(of: QuantityName.self),
                    let value = entry.value.mapping({ value($0, name) })
                else { continue }
                layout.values.append(value)
            }
            layout.outcomes = keys.optional("outcomes")?.list()?.compactMap(outcome) ?? []
            layout.flags = keys.optional("flags")?.list()?.compactMap(flag) ?? []
            layout.details = keys.optional("details")?.list()?.compactMap(detail) ?? []
            check(layout, keys)
            return layout
        }
    }

    private static func shape(_ keys: MappingReader) -> TextLayout.Shape? {
        guard let (name, node) = keys.exactlyOne(of: ["template", "pairs"]) else { return nil }
        if name == "template" { return template(node).map { .template($0) } }
        return node.mapping { keys in
            let open = keys.required("open")?.string()
            let separator = keys.required("separator")?.string(length: 1...1)
            guard let open, let separator, let byte = separator.utf8.first else { return nil }
            return .pairs(open: Array(open.utf8), separator: byte)
        }
    }

    private static func template(_ node: NodeReader) -> TextTemplate? {
        let accepted = "text with places such as {year:4}, {systolic:3}, {weight:decimal}, {*}"
        return node.string(accepted: accepted) { TextTemplate($0) != nil }
            .flatMap { TextTemplate($0) }
    }

    private static func checksum(_ node: NodeReader) -> TextLayout.Checksum? {
        node.mapping { keys in
            let method = keys.required("method").flatMap(method)
            let field = keys.required("field")?.string()
            guard let method, let field else { return nil }
            var checksum = TextLayout.Checksum(method: method, field: field)
            checksum.from = keys.optional("from")?.int(in: 0...64) ?? 0
            checksum.gap = keys.optional("gap")?.int(in: 0...64) ?? 0
            return checksum
        }
    }

    static func method(_ node: NodeReader) -> FieldChecksum.Method? {
        node.word(of: FieldChecksum.methods.map(\.name)).flatMap { name in
            FieldChecksum.methods.first { $0.name == name }?.method
        }
    }

    private static func words(_ node: NodeReader?) -> [String] {
        node?.oneOrMore()?.compactMap { $0.string() } ?? []
    }

    private static func value(_ keys: MappingReader, _ name: QuantityName) -> TextLayout.Value? {
        let field = keys.required("field")?.string()
        let unit = keys.required("unit").flatMap(unit)
        guard let field, let unit else { return nil }
        var value = TextLayout.Value(name: name, field: field, unit: unit)
        let minimum = keys.optional("minimum")?.int()
        let maximum = keys.optional("maximum")?.int()
        if let minimum, let maximum {
            if minimum <= maximum {
                value.range = minimum...maximum
            } else {
                keys.problem(
                    about: "minimum", "lies above the maximum", accepted: "minimum ≤ maximum")
            }
        }
        value.tooHigh = words(keys.optional("too-high"))
        value.tooLow = words(keys.optional("too-low"))
        value.absent = words(keys.optional("absent"))
        value.isRequired = keys.optional("required")?.bool() ?? true
        return value
    }

    private static func unit(_ node: NodeReader) -> TextLayout.UnitRule? {
        if case .scalar = node.node.content {
            return node.choice(of: MeasurementUnit.self).map { .fixed($0) }
        }
        return node.mapping { keys in
            var words: [String: MeasurementUnit] = [:]
            for entry in keys.required("words")?.entries() ?? [] {
                guard let word = entry.key.string() else { continue }
                words[word] = entry.value.choice(of: MeasurementUnit.self)
            }
            return keys.required("field")?.string().map { .named(field: $0, words: words) }
        }
    }

    private static func test(_ keys: MappingReader) -> TextLayout.Test? {
        let field = keys.required("field")?.string()
        let pair = keys.exactlyOne(of: ["is", "is-not"])
        guard let field, let pair else { return nil }
        return TextLayout.Test(
            field: field, words: words(pair.value), isNot: pair.key == "is-not")
    }

    private static func outcome(_ node: NodeReader) -> TextLayout.OutcomeRule? {
        node.mapping { keys in
            let test = test(keys)
            let outcome = keys.required("outcome")?.choice(of: ReadingOutcome.self)
            let reason = keys.optional("reason")?.string()
            guard let test, let outcome else { return nil }
            return TextLayout.OutcomeRule(test: test, outcome: outcome, reason: reason)
        }
    }

    private static func flag(_ node: NodeReader) -> TextLayout.FlagRule? {
        node.mapping { keys in
            let test = test(keys)
            let flag = keys.required("flag")?.string()
            guard let test, let flag else { return nil }
            return TextLayout.FlagRule(test: test, flag: flag)
        }
    }

    private static func detail(_ node: NodeReader) -> TextLayout.Detail? {
        if case .scalar = node.node.content {
            return node.string().map { TextLayout.Detail(name: $0, field: $0) }
        }
        return node.mapping { keys in
            let name = keys.required("name")?.string()
            var texts: [String: String] = [:]
            for entry in keys.optional("words")?.entries() ?? [] {
                guard let word = entry.key.string() else { continue }
                texts[word] = entry.value.string()
            }
            let absent = words(keys.optional("absent"))
            let constant = keys.optional("text")?.string()
            let field = keys.optional("field")?.string()
            guard let name else { return nil }
            return TextLayout.Detail(
                name: name, field: field ?? name, constant: constant, words: texts,
                absent: absent)
        }
    }

    /// A place that no template has would silently never hold.
    private static func check(_ layout: TextLayout, _ keys: MappingReader) {
        guard let names = layout.names else { return }
        let used: [(String, String)] =
            layout.values.map { ("values", $0.field) }
            + layout.outcomes.map { ("outcomes", $0.test.field) }
            + layout.flags.map { ("flags", $0.test.field) }
            + layout.key.map { ("key-values", $0) }
            + layout.details.filter { $0.constant == nil }.map { ("details", $0.field) }
            + [("user-slot", layout.userSlot), ("sequence-number", layout.sequenceNumber)]
            .compactMap { key, field in field.map { (key, $0) } }
        for (key, field) in used where !names.contains(field) {
            keys.problem(
                about: key, "names \(field), which no template has",
                accepted: names.sorted().joined(separator: ", "))
        }
    }
}
