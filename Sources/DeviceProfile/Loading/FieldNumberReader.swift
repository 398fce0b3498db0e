import Measurement
import YAML

/// Reads where a number stands in a frame, and how.
enum NumberReader {
    static func number(
        _ keys: MappingReader, _ scope: FieldScope, needsType: Bool = false
    ) -> FieldNumber? {
        keys.ignore(["at", "type", "bits", "bit", "width", "order", "signed", "base", "maximum"])
        for key in ["width", "order"] where keys.has(key) && !keys.has("bit") {
            keys.problem(
                about: key, "stands without bit", accepted: "bit beside it, or at and type")
        }
        if scope.follows, keys.has("at") {
            keys.problem(
                about: "at", "stands in a sequence", accepted: "a field behind the one before it")
        }
        guard var number = placed(keys, scope, needsType: needsType) else { return nil }
        number.isSigned = keys.optional("signed")?.bool() ?? false
        number.base = keys.optional("base")?.int(in: -1_000_000...1_000_000).map { Int64($0) } ?? 0
        number.maximum = keys.optional("maximum")?.int().map { Int64($0) }
        return number
    }

    private static func placed(
        _ keys: MappingReader, _ scope: FieldScope, needsType: Bool
    ) -> FieldNumber? {
        if keys.has("bit") {
            let from = keys.optional("bit")?.int(in: 0...(scope.shortest * 8 - 1))
            let width = keys.required("width")?.int(in: 1...32)
            let order =
                keys.optional("order")?.choice(of: FieldNumber.BitOrder.self)
                ?? .mostSignificantFirst
            guard let from, let width else { return nil }
            guard from + width <= scope.shortest * 8 else {
                keys.problem(
                    about: "width", "runs past the shortest frame",
                    accepted: "at most \(scope.shortest * 8 - from) bits")
                return nil
            }
            return FieldNumber(.packed(from: from, width: width, order))
        }
        let type =
            (needsType ? keys.required("type") : keys.optional("type"))?
            .choice(of: FieldNumber.NumberType.self) ?? (needsType ? nil : .uint8)
        guard let type else {
            return nil
        }
        let bits = keys.optional("bits").flatMap { bitRange($0, type) }
        if scope.follows { return FieldNumber(.following, type: type, bits: bits) }
        guard let at = keys.required("at").flatMap({ offset($0, type.width, scope) }) else {
            return nil
        }
        return FieldNumber(.byte(at), type: type, bits: bits)
    }

    private static func offset(_ node: NodeReader, _ width: Int, _ scope: FieldScope) -> Int? {
        guard let fromEnd = NodeReader.negative(node) else {
            return FieldReader.place(node, width: width, scope)
        }
        guard fromEnd >= -scope.shortest, fromEnd + width <= 0 else {
            node.report(
                "does not lie inside the shortest frame",
                accepted: "an offset from the end, \(-scope.shortest) to \(-width)")
            return nil
        }
        return fromEnd
    }

    /// Reads `4-15`, or `7` for one bit; bit 0 is the least significant one.
    private static func bitRange(
        _ node: NodeReader, _ type: FieldNumber.NumberType
    ) -> ClosedRange<Int>? {
        let top = type.width * 8 - 1
        let accepted = "bits such as 0-10 or 7, none above \(top)"
        if type.isMedicalFloat {
            node.report("cuts a \(type.rawValue) into bits", accepted: "no bits")
            return nil
        }
        let found = node.string(accepted: accepted) { range($0, top) != nil }
        return found.flatMap { range($0, top) }
    }

    private static func range(_ text: String, _ top: Int) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let low = parts[0], let high = parts[parts.count - 1],
            low >= 0, low <= high, high <= top
        else { return nil }
        return low...high
    }
}

/// Reads conditions: `name`, `not name`, `name == 5`, or a list of them that must all hold.
enum ConditionReader {
    static func condition(_ node: NodeReader?, _ names: Set<String>) -> FieldCondition {
        FieldCondition(node?.oneOrMore()?.compactMap { term($0, names) } ?? [])
    }

    private static func term(_ node: NodeReader, _ names: Set<String>) -> FieldCondition.Term? {
        guard let text = node.string() else { return nil }
        let words = text.split(separator: " ").map { String($0) }
        var found: FieldCondition.Term?
        switch words.count {
        case 1: found = FieldCondition.Term(words[0], .isSet)
        case 2 where words[0] == "not": found = FieldCondition.Term(words[1], .isNotSet)
        case 3:
            guard let comparison = FieldCondition.Comparison(rawValue: words[1]),
                let number = number(words[2])
            else { break }
            found = FieldCondition.Term(words[0], .compares(comparison, number))
        default: break
        }
        guard let found else {
            node.report(
                "is no condition", accepted: "name, not name, or name == 5 (!= < > <= >=)")
            return nil
        }
        guard names.contains(found.name) else {
            node.report(
                "names neither a bit nor a value",
                accepted: names.sorted().joined(separator: ", "))
            return nil
        }
        return found
    }

    private static func number(_ text: String) -> ExactDecimal? {
        if text.hasPrefix("0x") {
            return Int64(text.dropFirst(2), radix: 16).map { ExactDecimal($0) }
        }
        return ExactDecimal(text)
    }
}
