import Measurement
import YAML

extension FormatLoader {
    static func isID(_ text: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                CharacterRule.code.allows($0) || $0 == "." || $0 == "_"
            }
    }

    /// A member name that needs no escape: letters, digits and the underscore.
    static func fieldName(_ reader: NodeReader) -> FieldName? {
        reader.string(accepted: "letters, digits and _") { text in
            text.unicodeScalars.allSatisfy { CharacterRule.alphanumeric.allows($0) || $0 == "_" }
        }.map { FieldName($0) }
    }

    static func name(_ keys: MappingReader) -> FieldName? {
        keys.required("name").flatMap(fieldName)
    }

    /// Reads the title that people see; most entries may go without.
    static func titled<T>(_ keys: MappingReader, _ value: T) -> T {
        _ = keys.optional("title")?.string()
        return value
    }

    static func dateWidth(_ keys: MappingReader) -> Int? {
        guard let reader = keys.required("width", accepted: "14, 17"), let width = reader.int()
        else { return nil }
        guard width == 14 || width == 17 else {
            reader.report("is \(width)", accepted: "14, 17")
            return nil
        }
        return width
    }

    static func textRule(_ keys: MappingReader) -> TextRule? {
        let width = keys.required("width")?.int(in: 1...1000)
        let characters =
            keys.optional("characters").map { $0.choice(of: CharacterRule.self) } ?? .any
        let allowed = keys.optional("allowed").map { reader in
            (reader.list(count: 1...1000) ?? []).compactMap { item in
                let code = item.string()
                if let code, let width, code.unicodeScalars.count > width {
                    item.report("is wider than the column", accepted: "at most \(width) characters")
                }
                return code
            }
        }
        guard let width, let characters else { return nil }
        return TextRule(width: width, characters: characters, allowed: allowed ?? [])
    }

    static func choices<T: CaseIterable & RawRepresentable & Hashable>(
        _ reader: NodeReader?, _ type: T.Type
    ) -> Set<T> where T.RawValue == String {
        Set((reader?.list(count: 1...20) ?? []).compactMap { $0.choice(of: type) })
    }
}

/// The keys of one column.
enum ColumnLoader {
    private enum ColumnType: String, CaseIterable {
        case date, number, string
    }

    static func column(_ keys: MappingReader) -> Column? {
        let name = FormatLoader.name(keys)
        let title = keys.optional("title")?.string()
        let isRequired = keys.optional("required").map { $0.bool() } ?? false
        let type = keys.required("type")?.choice(of: ColumnType.self)
        let rule = type.flatMap { self.rule($0, keys) }
        let source = self.source(keys, type: type)
        guard let name, let isRequired, let rule, let source else { return nil }
        return Column(
            name: name, title: title ?? name.text, isRequired: isRequired, rule: rule,
            source: source)
    }

    private static func rule(_ type: ColumnType, _ keys: MappingReader) -> ValueRule? {
        switch type {
        case .date: FormatLoader.dateWidth(keys).map { .date(width: $0) }
        case .number: number(keys).map { .number($0) }
        case .string: FormatLoader.textRule(keys).map { .text($0) }
        }
    }

    private static func number(_ keys: MappingReader) -> NumberRule? {
        let width = keys.required("width")?.int(in: 1...18)
        let decimals = keys.optional("decimals").map { $0.int(in: 0...9) } ?? 0
        let isExact = keys.optional("exact").map { $0.bool() } ?? false
        let isPositive = keys.optional("positive").map { $0.bool() } ?? false
        guard let width, let decimals, let isExact, let isPositive else { return nil }
        if decimals > 0, decimals + 2 > width {
            keys.problem(
                about: "decimals", "leave no room before the point",
                accepted: "at most \(max(0, width - 2))")
        }
        return NumberRule(
            width: width, decimals: decimals, isExact: isExact, isPositive: isPositive)
    }

    private static func source(_ keys: MappingReader, type: ColumnType?) -> ColumnSource? {
        guard let (key, reader) = keys.exactlyOne(of: ["quantity", "from", "value"]) else {
            keys.ignore(["unit"])
            return nil
        }
        switch key {
        case "quantity":
            let quantity = reader.choice(of: QuantityName.self)
            let unit = keys.required("unit")?.choice(of: MeasurementUnit.self)
            check(reader, type, is: "number")
            guard let quantity, let unit else { return nil }
            return .quantity(quantity, unit)
        case "from":
            guard let property = reader.choice(of: RecordProperty.self) else { return nil }
            check(reader, type, is: property.type)
            return .property(property)
        default:
            check(reader, type, is: "string")
            return reader.string().map { .constant($0) }
        }
    }

    private static func check(_ reader: NodeReader, _ type: ColumnType?, is wanted: String) {
        guard let type, type.rawValue != wanted else { return }
        reader.report("cannot stand in a column of type \(type.rawValue)", accepted: wanted)
    }
}
