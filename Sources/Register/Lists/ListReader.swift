package import YAML

/// Reads lists that somebody wrote: all of a file, or every problem of it by row and column.
///
/// In a problem about CSV the line is where the row begins and the column counts cells.
package struct ListReader {
    private let file: String
    private let rules: ListRules
    private let problems = ProblemList()
    /// What does not keep a list out.
    package private(set) var warnings: [Problem] = []

    /// - Parameter models: what the profiles know; empty where that is not to be checked.
    package init(file: String, models: [KnownModel] = [], checkDigit: CheckDigit = .none) {
        self.file = file
        rules = ListRules(models: models, checkDigit: checkDigit)
    }

    /// Everything that is wrong, in the order of the file.
    package struct Problems: Error {
        package var list: [Problem]
        /// How many more there are.
        package var dropped: Int

        package init(list: [Problem], dropped: Int) {
            self.list = list
            self.dropped = dropped
        }
    }

    /// Reads CSV in UTF-8; a byte order mark is passed over.
    ///
    /// - Parameter kind: which list it is, where its header does not tell.
    package mutating func csv(
        _ bytes: [UInt8], kind: ListKind? = nil
    ) throws(Problems) -> ListTable {
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        var reader = CSVReader(hasMark ? Array(bytes[3...]) : bytes)
        guard let header = row(&reader) else {
            add(1, 1, "", "holds no rows", accepted: "a header and rows")
            throw failure
        }
        guard
            let plan = ColumnPlan(
                header.cells, kind: kind,
                report: { cell, message, accepted in
                    add(header.line, cell + 1, header.cells[cell], message, accepted: accepted)
                })
        else {
            throw failure
        }
        var table = ListAssembly(plan.kind, rules)
        while let row = row(&reader) {
            if row.cells.count != header.cells.count {
                add(
                    row.line, row.cells.count, "",
                    "the row has \(row.cells.count) cells, the header \(header.cells.count)",
                    accepted: "a cell for every column")
                continue
            }
            table.add(plan.arranged(row.cells), line: row.line) { column, message, accepted in
                add(
                    row.line, (plan.cells[column] ?? -1) + 1, plan.kind.columns[column].name,
                    message, accepted: accepted)
            }
        }
        return try finished(&table)
    }

    /// Reads YAML: a mapping of lists by their names, each with rows by physical names.
    package mutating func yaml(_ bytes: [UInt8]) throws(Problems) -> [ListTable] {
        let node: YAMLNode
        do throws(Problem) {
            node = try YAMLDocument.parse(bytes, file: file)
        } catch {
            problems.add(error)
            throw failure
        }
        let root = NodeReader(node, file: file, problems: problems)
        var tables: [ListAssembly] = []
        if let keys = root.mapping() {
            for kind in ListKind.allCases {
                if let list = keys.optional(kind.rawValue) { tables.append(assembly(kind, list)) }
            }
            keys.finish()
            if keys.names.isEmpty { root.report("holds no list", accepted: Self.names) }
        }
        var finished: [ListTable] = []
        for index in tables.indices { finished.append(try self.finished(&tables[index])) }
        guard problems.isEmpty else { throw failure }
        return finished
    }

    static let names = ListKind.allCases.map(\.rawValue).joined(separator: ", ")

    private func assembly(_ kind: ListKind, _ list: NodeReader) -> ListAssembly {
        var table = ListAssembly(kind, rules)
        for item in list.list(count: 0...200_000) ?? [] {
            guard let keys = item.mapping() else { continue }
            for name in keys.names where kind.place(name) == nil {
                guard let what = PersonalColumn.looksLike(name) else { continue }
                keys.problem(about: name, PersonalColumn.refusal(what))
            }
            let cells = kind.columns.map { column in
                keys.optional(column.name).flatMap { $0.isNull ? nil : $0 }
            }
            keys.finish()
            table.add(cells.map { $0?.node.scalarText ?? "" }, line: item.node.line) {
                column, message, accepted in
                (cells[column] ?? item).report(message, accepted: accepted)
            }
        }
        return table
    }

    // MARK: Problems

    /// The next row that can be read; what cannot is reported.
    private func row(_ reader: inout CSVReader) -> CSVRow? {
        while true {
            do throws(CSVTrouble) {
                return try reader.next()
            } catch {
                add(error.line, error.cell, "", error.message, accepted: error.accepted)
            }
        }
    }

    private mutating func finished(_ table: inout ListAssembly) throws(Problems) -> ListTable {
        for finding in table.findings {
            let problem = Problem(
                file: file, line: finding.line, column: 1, key: finding.column,
                message: finding.message, accepted: finding.accepted)
            if finding.isWarning { warnings.append(problem) } else { problems.add(problem) }
        }
        guard problems.isEmpty else { throw failure }
        return table.table
    }

    private func add(
        _ line: Int, _ cell: Int, _ column: String, _ message: String, accepted: String?
    ) {
        problems.add(
            Problem(
                file: file, line: line, column: cell, key: column, message: message,
                accepted: accepted))
    }

    private var failure: Problems { Problems(list: problems.sorted, dropped: problems.dropped) }
}
