import Measurement

/// A format as the encoder walks it: numbers into a few shared arrays.
///
/// A column of a `FormatDefinition` holds texts and arrays; to look at one costs more reference counts than its value
/// costs to write. What stands here is copied like a number.
struct EncodingPlan: Sendable {
    /// `,"name":` of every column, each from the beginning of a word.
    private(set) var words: [UInt64] = []
    private(set) var columns: [PlannedColumn] = []
    private(set) var tables: [PlannedTable] = []
    private(set) var rules: [TextRule] = []
    private(set) var constants: [String] = []
    /// What a table needs to have something to say, one table after the other.
    private(set) var needed: [QuantityName] = []
    private var places: [TablePlace] = []
    private var placesOf: [(kind: MeasurementKind, setting: GatewaySetting, places: Range<Int>)] =
        []

    init(_ format: FormatDefinition, extensions: Set<String>) {
        var groups: [String] = []
        for table in format.tables {
            let group = groups.firstIndex(of: table.group.text) ?? groups.count
            if group == groups.count { groups.append(table.group.text) }
            add(table, group: group)
        }
        for kind in MeasurementKind.allCases {
            for setting in GatewaySetting.allCases {
                let start = places.count
                for (number, table) in format.tables.enumerated() {
                    let isOwn = table.kinds.contains(kind)
                    guard isOwn || table.carriedBy.contains(kind), table.settings.contains(setting),
                        table.extensionName.map(extensions.contains) ?? true
                    else { continue }
                    places.append(
                        TablePlace(table: number, isOwn: isOwn, needed: tables[number].needed))
                }
                placesOf.append((kind, setting, start..<places.count))
            }
        }
    }

    /// The places that a kind of record may have; `place` looks at one.
    func places(_ kind: MeasurementKind, at setting: GatewaySetting) -> Range<Int> {
        let all = placesOf.span
        for index in all.indices where all[index].kind == kind && all[index].setting == setting {
            return all[index].places
        }
        return 0..<0
    }

    func place(_ number: Int) -> TablePlace { places[number] }

    /// Whether quantities hold one of the values without which a place has nothing to say.
    func isTold(_ place: TablePlace, by quantities: [Quantity]) -> Bool {
        let needed = needed.span
        for index in place.needed where quantities[needed[index]]?.number != nil { return true }
        return false
    }

    private mutating func add(_ table: TableDefinition, group: Int) {
        let start = (columns.count, needed.count)
        var most = 0
        for column in table.columns {
            let name = text([UInt8(ascii: ",")] + column.name.bytes)
            let value = value(column)
            columns.append(
                PlannedColumn(name: name, isRequired: column.isRequired, value: value))
            // A mark on either side, and the brackets around.
            most += name.count + value.most(rules) + 4
            if column.isRequired, case .quantity(let name, _) = column.source {
                needed.append(name)
            }
        }
        tables.append(
            PlannedTable(
                group: group, columns: start.0..<columns.count, needed: start.1..<needed.count,
                most: most))
    }

    private mutating func text(_ bytes: [UInt8]) -> PlannedText {
        let first = words.count
        for start in stride(from: 0, to: bytes.count, by: 8) {
            let word = bytes[start..<min(start + 8, bytes.count)].reversed()
            words.append(word.reduce(0) { $0 << 8 | UInt64($1) })
        }
        return PlannedText(words: first..<words.count, count: bytes.count)
    }

    private mutating func value(_ column: Column) -> PlannedValue {
        switch (column.rule, column.source) {
        case (.date(let width), .property(.observationTime)): return .observed(width: width)
        case (.date(let width), .property(.updateTime)): return .updated(width: width)
        case (.number(let rule), .quantity(let name, let unit)): return .quantity(name, unit, rule)
        case (.number(let rule), .property(.totalActiveDuration)): return .activeDuration(rule)
        case (.text(let rule), .constant(let text)):
            rules.append(rule)
            constants.append(text)
            return .constant(rule: rules.count - 1, text: constants.count - 1)
        case (.text(let rule), .property(let property)):
            rules.append(rule)
            return .text(rule: rules.count - 1, property)
        case (.date, _), (.number, _), (.text, _): return .unknown
        }
    }
}

/// A table: its group and where its columns lie.
struct PlannedTable: Sendable {
    var group: Int
    var columns: Range<Int>
    var needed: Range<Int>
    /// The most bytes that a row takes.
    var most: Int
}

/// Bytes among the plan's words.
struct PlannedText: Sendable {
    var words: Range<Int>
    var count: Int
}

/// A table that records of a kind belong into.
struct TablePlace: Sendable {
    var table: Int
    /// Not of the kinds that only carry a value of this table.
    var isOwn: Bool
    var needed: Range<Int>
}

/// A column: where its name lies, and where its value comes from.
struct PlannedColumn: Sendable {
    /// `,"name":`
    var name: PlannedText
    var isRequired: Bool
    var value: PlannedValue
}

/// Where a column's value comes from and what it has to keep to; texts by their number in the plan.
enum PlannedValue: Sendable {
    case observed(width: Int)
    case updated(width: Int)
    case quantity(QuantityName, MeasurementUnit, NumberRule)
    case activeDuration(NumberRule)
    case constant(rule: Int, text: Int)
    case text(rule: Int, RecordProperty)
    /// Rule and source do not go together; never known.
    case unknown

    /// The most bytes of a value: four to a character, a mark on either side.
    func most(_ rules: [TextRule]) -> Int {
        switch self {
        case .observed(let width), .updated(let width): width + 2
        case .quantity(_, _, let rule), .activeDuration(let rule): rule.width
        case .constant(let rule, _), .text(let rule, _): 4 * rules[rule].width + 2
        case .unknown: 0
        }
    }
}

extension [Quantity] {
    /// The first value of that name.
    subscript(name: QuantityName) -> Quantity? {
        for index in indices where self[index].name == name { return self[index] }
        return nil
    }
}
