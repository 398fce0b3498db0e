/// One list, checked: every row has a cell for every column of its kind, empty where nothing is given.
package struct ListTable: Sendable, Equatable {
    package var kind: ListKind
    package var rows: [[String]]

    package init(_ kind: ListKind, rows: [[String]] = []) {
        self.kind = kind
        self.rows = rows
    }

    /// A cell by its column's name; nil where it is empty.
    package func value(_ row: [String], _ column: String) -> String? {
        guard let place = kind.place(column), place < row.count, !row[place].isEmpty else {
            return nil
        }
        return row[place]
    }

    /// The list as CSV under the physical names of the columns.
    package var csv: String {
        var writer = CSVWriter()
        writer.add(kind.columns.map(\.name))
        for row in rows { writer.add(row) }
        return writer.text
    }

    /// The periods of a list of participants.
    package var participations: [Participation] {
        guard kind == .participants else { return [] }
        return rows.compactMap { row in
            value(row, "participant_id").map { code in
                Participation(
                    participant: code, start: value(row, "participation_start"),
                    end: value(row, "participation_end"),
                    wearingPosition: value(row, "wearing_position"),
                    takesMedicine: value(row, "medication").map { $0 == "1" })
            }
        }
    }
}

/// What the profiles know of a model, for the check of a device list.
package struct KnownModel: Sendable, Equatable {
    /// All names of the model.
    package var names: [String]
    package var manufacturer: String
    /// The gateway corrects this model's time where its clock is off.
    package var correctsTime: Bool
    /// `blood-pressure`, `scale` …; nil where one profile serves several classes.
    package var deviceClass: String?

    package init(
        names: [String], manufacturer: String, correctsTime: Bool, deviceClass: String? = nil
    ) {
        self.deviceClass = deviceClass
        self.names = names
        self.manufacturer = manufacturer
        self.correctsTime = correctsTime
    }

    func isNamed(_ model: String) -> Bool {
        names.contains { $0.lowercased() == model.lowercased() }
    }
}
