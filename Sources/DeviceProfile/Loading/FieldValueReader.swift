import Measurement
import YAML

/// Reads one value of a layout: where it stands, its units, and the numbers that mean none.
enum ValueReader {
    static func value(_ node: NodeReader, _ scope: FieldScope) -> FieldLayout.ValueField? {
        node.mapping { value($0, scope) }
    }

    static func value(_ keys: MappingReader, _ scope: FieldScope) -> FieldLayout.ValueField? {
        let name = keys.required("name")?.choice(of: QuantityName.self)
        let number = NumberReader.number(keys, scope, needsType: true)
        let units = keys.required("units")?.list(count: 1...16)?.compactMap {
            unitRule($0, scope.numbers)
        }
        let when = ConditionReader.condition(keys.optional("when"), scope.numbers)
        let only = ConditionReader.condition(keys.optional("only-when"), scope.numbers)
        func ranges(_ key: String) -> [ClosedRange<Int64>] {
            keys.optional(key)?.oneOrMore()?.compactMap { range($0) } ?? []
        }
        let absent = ranges("absent")
        let tooHigh = ranges("too-high")
        let tooLow = ranges("too-low")
        guard let name, let number, let units else { return nil }
        return FieldLayout.ValueField(
            name: name, number: number, units: units, when: when, onlyWhen: only, absent: absent,
            tooHigh: tooHigh, tooLow: tooLow)
    }

    private static func unitRule(
        _ node: NodeReader, _ names: Set<String>
    ) -> FieldLayout.UnitRule? {
        node.mapping { keys in
            let when = ConditionReader.condition(keys.optional("when"), names)
            let unit = keys.required("unit")?.choice(of: MeasurementUnit.self)
            let scale = keys.optional("scale")?.decimalText() ?? "1"
            let offset = keys.optional("offset")?.decimalText() ?? "0"
            let decimals = keys.optional("decimals")?.int(in: 0...9)
            let display = keys.optional("display")?.choice(of: MeasurementUnit.self)
            guard let unit, let scale = ExactDecimal(scale), let offset = ExactDecimal(offset)
            else { return nil }
            return FieldLayout.UnitRule(
                when: when, unit: unit, scale: scale, offset: offset, decimals: decimals,
                display: display)
        }
    }

    private static func range(_ node: NodeReader) -> ClosedRange<Int64>? {
        if case .scalar = node.node.content {
            return node.int().map { Int64($0)...Int64($0) }
        }
        return node.mapping { keys in
            let low = keys.optional("from")?.int() ?? Int.min
            let high = keys.optional("to")?.int() ?? Int.max
            return low <= high ? Int64(low)...Int64(high) : nil
        }
    }
}

/// Reads a time stamp of a layout.
enum TimeReader {
    private static let formats = [
        "date-time", "date-time-be", "epoch", "epoch-be", "bcd-6", "bcd-7", "parts",
        "elapsed-time", "ticks", "ticks-be", "day-index",
    ]

    static func time(_ node: NodeReader, _ scope: FieldScope) -> FieldTime? {
        node.mapping { time($0, scope) }
    }

    static func time(_ keys: MappingReader, _ scope: FieldScope) -> FieldTime? {
        keys.ignore(
            ["at", "epoch-year", "when", "impossible", "offset"]
                + FieldTime.Part.allCases.map(\.rawValue))
        guard let name = keys.required("format")?.word(of: formats) else {
            return nil
        }
        guard let format = format(name, keys, scope) else {
            return nil
        }
        var place = FieldNumber.Place.following
        if name == "parts" {
            place = .byte(0)
        } else if !scope.follows {
            let width = FieldTime(.following, format).width
            let at = keys.required("at").flatMap { FieldReader.place($0, width: width, scope) }
            guard let at else { return nil }
            place = .byte(at)
        }
        var time = FieldTime(place, format)
        if !scope.follows {
            time.when = ConditionReader.condition(keys.optional("when"), scope.numbers)
        }
        if !scope.follows {
            time.offset = keys.optional("offset")?.mapping { NumberReader.number($0, scope) }
        }
        time.impossibleIsUnknown =
            keys.optional("impossible")?.word(of: ["rejected", "unknown"]) == "unknown"
        return time
    }

    private static func format(
        _ name: String, _ keys: MappingReader, _ scope: FieldScope
    ) -> FieldTime.Format? {
        switch name {
        case "date-time": return .dateTime
        case "date-time-be": return .dateTimeBigEndian
        case "bcd-6": return .bcd6
        case "bcd-7": return .bcd7
        case "elapsed-time": return .elapsedTime
        case "ticks", "ticks-be": return .ticks(bigEndian: name == "ticks-be")
        case "day-index": return .dayIndex
        case "parts":
            var parts: [FieldTime.Part: FieldNumber] = [:]
            var inner = scope
            inner.follows = false
            for part in FieldTime.Part.allCases {
                let isNeeded = ![.hour, .minute, .second].contains(part)
                let node =
                    isNeeded ? keys.required(part.rawValue) : keys.optional(part.rawValue)
                parts[part] = node?.mapping { NumberReader.number($0, inner) }
            }
            return .parts(parts)
        default:
            return keys.required("epoch-year")?.int(in: 1900...2100).map {
                .epoch(year: $0, bigEndian: name == "epoch-be")
            }
        }
    }
}

/// Reads fields that follow one another.
enum SequenceReader {
    private static let kinds = ["value", "time", "user-slot", "sequence-number", "skip"]

    static func read(_ node: NodeReader, _ layout: inout FieldLayout, _ scope: FieldScope) {
        var inner = scope
        inner.follows = true
        _ = node.mapping { keys -> Bool? in
            layout.sequenceFrom = keys.optional("from")?.int(in: 0...scope.shortest) ?? 0
            layout.allowsTrailingBytes = keys.optional("trailing-bytes")?.bool() ?? false
            layout.sequence =
                keys.required("fields")?.list(count: 1...64)?.compactMap { item($0, inner) } ?? []
            return true
        }
    }

    private static func item(
        _ node: NodeReader, _ scope: FieldScope
    ) -> FieldLayout.SequenceItem? {
        node.mapping { keys in
            let when = ConditionReader.condition(keys.optional("when"), scope.numbers)
            guard let (kind, value) = keys.exactlyOne(of: kinds) else { return nil }
            let content: FieldLayout.SequenceItem.Content?
            switch kind {
            case "value": content = ValueReader.value(value, scope).map { .value($0) }
            case "time": content = TimeReader.time(value, scope).map { .time($0) }
            case "skip": content = value.int(in: 1...1_024).map { .skip($0) }
            default:
                let number = value.mapping { NumberReader.number($0, scope) }
                content = number.map {
                    kind == "user-slot" ? .userSlot($0) : .sequenceNumber($0)
                }
            }
            return content.map { FieldLayout.SequenceItem(when: when, content: $0) }
        }
    }
}
