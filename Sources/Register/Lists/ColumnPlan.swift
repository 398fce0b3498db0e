import YAML

/// Which cell of a row belongs to which column of a list.
struct ColumnPlan: Equatable {
    var kind: ListKind
    /// The cell of each column of the kind; nil where the file has none.
    var cells: [Int?]

    typealias Report = (_ cell: Int, _ message: String, _ accepted: String?) -> Void

    /// Finds the columns of a header; nil after something was reported.
    init?(_ header: [String], kind wanted: ListKind?, report: Report) {
        var isRefused = false
        for (cell, title) in header.enumerated() {
            guard !Self.isKnown(title), let what = PersonalColumn.looksLike(title) else { continue }
            report(cell, PersonalColumn.refusal(what), nil)
            isRefused = true
        }
        guard let kind = wanted ?? Self.kind(of: header) else {
            if !isRefused {
                report(0, "the header is of none of the lists, or of several", ListReader.names)
            }
            return nil
        }
        self.kind = kind
        cells = Array(repeating: nil, count: kind.columns.count)
        let names = kind.columns.flatMap { [$0.name, $0.title] }
        for (cell, title) in header.enumerated() where !(title.trimmed.isEmpty) {
            guard let column = Self.column(title, kind) else {
                if PersonalColumn.looksLike(title) == nil || Self.isKnown(title) {
                    let meant = Suggestion.nearest(to: title.trimmed, among: names)
                    report(
                        cell,
                        "is no column of the list \(kind.rawValue)"
                            + (meant.map { ", did you mean \($0)?" } ?? ""),
                        kind.columns.map(\.name).joined(separator: ", "))
                }
                isRefused = true
                continue
            }
            if cells[column] != nil {
                report(cell, "stands twice", nil)
                isRefused = true
            }
            cells[column] = cell
        }
        for (column, cell) in zip(kind.columns, cells) where column.isRequired && cell == nil {
            report(0, "the column \(column.name) (\(column.title)) is missing", nil)
            isRefused = true
        }
        if isRefused { return nil }
    }

    /// A row's cells in the order of the kind's columns.
    func arranged(_ row: [String]) -> [String] { cells.map { $0.map { row[$0] } ?? "" } }

    private static func column(_ title: String, _ kind: ListKind) -> Int? {
        let text = title.trimmed
        let name = text.lowercased()
        // 個人ID, as some receivers call the participant's code.
        let alias = name == "person_id" || text == "個人ID" ? "participant_id" : name
        return kind.columns.firstIndex { $0.name == alias || $0.title == text.halfWidth }
            ?? kind.columns.firstIndex { $0.title == text }
    }

    private static func isKnown(_ title: String) -> Bool {
        ListKind.allCases.contains { column(title, $0) != nil }
    }

    /// The only list that has all columns that it needs here, and most of the others.
    private static func kind(of header: [String]) -> ListKind? {
        let fitting = ListKind.allCases.compactMap { kind -> (kind: ListKind, known: Int)? in
            let found = Set(header.compactMap { column($0, kind) })
            let isWhole = kind.columns.indices.allSatisfy {
                !kind.columns[$0].isRequired || found.contains($0)
            }
            return isWhole ? (kind, found.count) : nil
        }
        guard let most = fitting.map(\.known).max() else { return nil }
        let best = fitting.filter { $0.known == most }
        return best.count == 1 ? best[0].kind : nil
    }
}

extension PersonalColumn {
    static func refusal(_ what: String) -> String {
        "looks like \(what): no such data is kept here; take the column out"
    }
}
