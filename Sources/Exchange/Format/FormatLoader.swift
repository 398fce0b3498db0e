import Measurement
package import YAML

extension FormatDefinition {
    /// Loads a format file; nil when the list got a problem that belongs to it.
    package static func load(
        _ bytes: [UInt8], file: String, problems: ProblemList
    ) -> FormatDefinition? {
        let before = problems.problems.count + problems.dropped
        do throws(Problem) {
            let root = try YAMLDocument.parse(bytes, file: file)
            let reader = NodeReader(root, file: file, problems: problems)
            let definition = reader.mapping { FormatLoader.format($0) }
            return problems.problems.count + problems.dropped == before ? definition : nil
        } catch {
            problems.add(error)
            return nil
        }
    }
}

/// The keys of a format file.
enum FormatLoader {
    static func format(_ keys: MappingReader) -> FormatDefinition? {
        let id = keys.required("format")?.string(accepted: "a name such as meti-1.0", where: isID)
        let title = keys.required("title")?.string()
        let contentType = keys.required("content-type")?.string()
        let envelope = keys.required("envelope")?.mapping { self.envelope($0) }
        let shared = keys.optional("shared").map(shared) ?? [:]
        let tables = keys.required("tables")?.list(count: 1...50)?.compactMap { table in
            table.mapping { self.table($0, shared: shared) }.map { (table, $0) }
        }
        if let tables { checkOrder(tables) }
        guard let id, let title, let contentType, let envelope, let tables else { return nil }
        return FormatDefinition(
            id: id, title: title, contentType: contentType, envelope: envelope,
            tables: tables.map(\.1))
    }

    private static func envelope(_ keys: MappingReader) -> Envelope? {
        let version = keys.required("version")?.mapping { keys in
            titled(keys, (self.name(keys), keys.required("value")?.string()))
        }
        let sendTime = keys.required("send-time")?.mapping { keys in
            titled(keys, (self.name(keys), dateWidth(keys)))
        }
        let consortium = keys.required("consortium")?.mapping { keys in
            titled(keys, (self.name(keys), textRule(keys)))
        }
        let people = keys.required("people")?.mapping { titled($0, self.name($0)) }
        let person = keys.required("person")?.mapping { keys in
            titled(keys, (self.name(keys), textRule(keys)))
        }
        guard let versionName = version?.0, let value = version?.1, let sendTimeName = sendTime?.0,
            let sendTimeWidth = sendTime?.1, let consortiumName = consortium?.0,
            let consortiumRule = consortium?.1, let people, let personName = person?.0,
            let personRule = person?.1
        else { return nil }
        return Envelope(
            versionName: versionName, version: value, sendTimeName: sendTimeName,
            sendTimeWidth: sendTimeWidth, consortiumName: consortiumName,
            consortium: consortiumRule, peopleName: people, personName: personName,
            person: personRule)
    }

    private static func table(
        _ keys: MappingReader, shared: [String: [Column]]
    ) -> TableDefinition? {
        let group = keys.required("group").flatMap(fieldName)
        let name = self.name(keys)
        let title = keys.required("title")?.string()
        let kinds = choices(keys.required("kinds"), MeasurementKind.self)
        let carriedBy = choices(keys.optional("carried-by"), MeasurementKind.self)
        let settings = choices(keys.optional("settings"), GatewaySetting.self)
        let extensionName = keys.optional("extension")?.string(
            accepted: "a name such as blood-glucose", where: isID)
        let columns = keys.required("columns").map { self.columns($0, shared: shared) }
        guard let group, let name, let title, let columns else { return nil }
        let table = TableDefinition(
            group: group, name: name, title: title, kinds: kinds, carriedBy: carriedBy,
            settings: settings.isEmpty ? Set(GatewaySetting.allCases) : settings,
            extensionName: extensionName, columns: columns)
        if table.keyQuantities.isEmpty {
            keys.problem(
                about: "columns", "has no required quantity, so no record would come here",
                accepted: "one column with quantity and required: true")
        }
        return table
    }

    private static func columns(_ list: NodeReader, shared: [String: [Column]]) -> [Column] {
        var columns: [Column] = []
        for item in list.list(count: 1...100) ?? [] {
            guard let keys = item.mapping() else { continue }
            if let use = keys.optional("use") {
                let known = use.word(of: shared.keys.sorted())
                append(known.flatMap { shared[$0] } ?? [], to: &columns, at: item)
            } else if let column = ColumnLoader.column(keys) {
                append([column], to: &columns, at: item)
            }
            keys.finish()
        }
        return columns
    }

    private static func append(_ new: [Column], to columns: inout [Column], at item: NodeReader) {
        for column in new {
            if columns.contains(where: { $0.name == column.name }) {
                item.report("gives \(column.name.text) a second time", accepted: "each name once")
            }
            columns.append(column)
        }
    }

    private static func shared(_ reader: NodeReader) -> [String: [Column]] {
        var shared: [String: [Column]] = [:]
        for entry in reader.entries() ?? [] {
            guard let name = entry.key.string() else { continue }
            shared[name] = columns(entry.value, shared: [:])
        }
        return shared
    }

    /// The tables of one group stand together, each once: a document holds each array once.
    private static func checkOrder(_ tables: [(NodeReader, TableDefinition)]) {
        var paths: Set<String> = []
        var groups: [String] = []
        for (reader, table) in tables {
            if !paths.insert(table.path).inserted {
                reader.report("is \(table.path) a second time", accepted: "each table once")
            }
            let group = table.group.text
            if groups.last == group { continue }
            if groups.contains(group) {
                reader.report(
                    "stands apart from the other tables of \(group)",
                    accepted: "the tables of one group next to each other")
            }
            groups.append(group)
        }
    }
}

extension TableDefinition {
    /// The measured values without which a record has nothing to say in this table.
    var keyQuantities: [QuantityName] {
        columns.compactMap { column in
            if case .quantity(let name, _) = column.source, column.isRequired { name } else { nil }
        }
    }
}
