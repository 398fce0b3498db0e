import Glibc
import JSON
import Measurement

/// Reads what can be read of a damaged store into a new one and sets the damaged one aside, whole.
struct Salvage {
    var configuration: SpoolConfiguration
    var now: Instant

    /// Parents before children: a row whose parent is lost is refused and counted.
    private static let tables = [
        "data_key", "record", "raw_frame", "batch", "delivery", "dead_letter", "destination",
        "device",
        "failed_measurement", "counter", "spent_key", "ledger", "remembered", "time_evidence",
        "clock_check", "list_row", "consent", "station_session", "station_move", "card",
        "record_context", "record_version",
    ]

    /// Puts a new store in the place of the damaged one.
    ///
    /// The new one is filled under another name first, so that an interruption at any moment leaves
    /// either the damaged or the complete new store to start from.
    func replace(_ files: StoreFiles, damage: String) throws(SpoolError) -> SalvageReport {
        var report = SalvageReport(
            setAside: files.freeName("corrupt", at: now), damage: damage)
        try Self.removeStore(files.replacement)
        _ = try files.makeFile(files.replacement)
        try fill(files, &report)
        // The store first: a log whose store is gone is recognised when opening.
        let parts = [
            (files.store, ""), (files.log, "-wal"), (files.sharedMemory, "-shm"),
        ]
        for (path, suffix) in parts where fileMark(path) != nil {
            try files.move(path, to: report.setAside + suffix)
        }
        try files.move(files.replacement, to: files.store)
        try files.synchroniseDirectory()
        return report
    }

    static func removeStore(_ path: String) throws(SpoolError) {
        for part in [path, path + "-wal", path + "-shm"] {
            guard unlink(part) == 0 || errno == ENOENT else { throw fileError("remove", part) }
        }
    }

    private func fill(_ files: StoreFiles, _ report: inout SalvageReport) throws(SpoolError) {
        try makeEmptyStore(files.replacement)
        let repair = try StoreRepair(template: files.replacement)
        let new = try StoreOpener.connect(configuration, path: files.replacement)
        if try !copyAll(from: files.store, to: new, &report) {
            let repaired = files.store + ".repair"
            defer { try? Self.removeStore(repaired) }
            try repair.copy(files.store, to: repaired)
            _ = try copyAll(from: repaired, to: new, &report)
        }
        try new.transaction { () throws(SpoolError) in
            let found = report
            try new.note(
                LedgerNote(.salvaged, on: "store") { writer in
                    writer.member("records", found.records)
                    writer.member("unreadable_rows", found.unreadableRows)
                }, at: now)
        }
        report.recordsWithoutDeliveries = Int(try new.integer(.recordsWithoutDeliveries))
    }

    private func makeEmptyStore(_ path: String) throws(SpoolError) {
        let connection = try StoreOpener.connect(configuration, path: path)
        _ = try Migrator(migrations: configuration.migrations, connection: connection)
            .migrate(now: now)
    }

    /// Copies every table as far as it can be read; true when nothing of it was unreadable.
    private func copyAll(
        from path: String, to new: Connection, _ report: inout SalvageReport
    ) throws(SpoolError) -> Bool {
        // Read-only, so that what is set aside is what was found.
        guard let database = try? Database(path: path, mode: .readOnly) else { return false }
        let old = Connection(database)
        var tables: [TableResult] = []
        try new.transaction { () throws(SpoolError) in
            for table in Self.tables { tables.append(try copy(table, from: old, to: new)) }
            try continueNumbers(old, new)
        }
        let copied = tables.map(\.copied)
        report.records += copied[1]
        report.frames += copied[2]
        report.otherRows += copied[0] + copied[3...].reduce(0, +)
        report.unreadableRows = tables.map(\.unreadable).reduce(0, +)
        return tables.allSatisfy(\.isWhole)
    }

    /// Goes on counting where the damaged store was, lest a lost record's number is used again.
    private func continueNumbers(_ old: Connection, _ new: Connection) throws(SpoolError) {
        for table in ["record", "batch", "ledger", "data_key", "consent", "station_session"] {
            guard let last = try? old.integer(.lastNumber, [.text(table)]), last > 0 else {
                continue
            }
            try new.run(.dropLastNumber, [.text(table), .integer(last)])
            if try new.integer(.lastNumber, [.text(table)]) == 0 {
                try new.run(.setLastNumber, [.text(table), .integer(last)])
            }
        }
    }

    private struct TableResult {
        var copied = 0
        var unreadable = 0
        /// Every row was seen and read.
        var isWhole = false
    }

    /// Copies row by row, by row id: a page that cannot be read costs only its own rows.
    private func copy(
        _ table: String, from old: Connection, to new: Connection
    ) throws(SpoolError) -> TableResult {
        let columns = sharedColumns(table, old, new)
        guard !columns.isEmpty else { return TableResult() }
        let list = columns.joined(separator: ", ")
        let read = SQL("SELECT rowid, \(list) FROM \(table) WHERE rowid = ?")
        let marks = Array(repeating: "?", count: columns.count + 1).joined(separator: ", ")
        let write = SQL("INSERT OR IGNORE INTO \(table)(rowid, \(list)) VALUES(\(marks))")
        let rows = rowIDs(table, old)
        var result = TableResult()
        for number in rows.numbers {
            var row: [SQLValue]?
            do {
                row = try old.first(read, [.integer(number)]) { reader throws(SpoolError) in
                    (0...columns.count).map { _ in reader.next() }
                }
            } catch {
                result.unreadable += 1
            }
            guard let row else { continue }
            do {
                result.copied += try new.run(write, row)
            } catch {
                // A row without its parent, or with a value that the schema refuses.
                guard case .failed = error else { throw error }
                result.unreadable += 1
            }
        }
        result.isWhole = rows.isComplete && result.unreadable == 0
        return result
    }

    private func sharedColumns(_ table: String, _ old: Connection, _ new: Connection) -> [String] {
        func names(_ connection: Connection) -> [String] {
            let rows = try? connection.all(SQL("SELECT name FROM pragma_table_info('\(table)')")) {
                row throws(SpoolError) in row.text()
            }
            return rows ?? []
        }
        let known = Set(names(new))
        // `id` is the row id itself.
        return names(old).filter { known.contains($0) && $0 != "id" }
    }

    /// The row ids to try: those that a scan from either end gives, and all between the two.
    private func rowIDs(
        _ table: String, _ old: Connection
    ) -> (numbers: [Int64], isComplete: Bool) {
        let ascending = scan("SELECT rowid FROM \(table) NOT INDEXED ORDER BY rowid", old)
        if ascending.isComplete { return ascending }
        let descending = scan("SELECT rowid FROM \(table) NOT INDEXED ORDER BY rowid DESC", old)
        let first = ascending.numbers.last ?? 0
        let sequence = try? old.integer(.lastNumber, [.text(table)])
        let last =
            descending.numbers.last.map { $0 - 1 } ?? sequence ?? first + Self.blindRows
        guard first > 0 || !descending.numbers.isEmpty || canSeek(table, upTo: last, old) else {
            return ([], false)
        }
        let between = first < last ? Array((first + 1)...last) : []
        return (ascending.numbers + between + descending.numbers.reversed(), false)
    }

    /// Whether any row can be looked for: below a root that cannot be read each try would fail.
    private func canSeek(_ table: String, upTo last: Int64, _ old: Connection) -> Bool {
        let seek = SQL("SELECT rowid FROM \(table) WHERE rowid = ?")
        return stride(from: 1, through: max(1, last), by: Int(max(1, last / 64))).contains {
            (try? old.integer(seek, [.integer($0)])) != nil
        }
    }

    /// How far to look where neither end can be read and nothing says how many rows there are.
    private static let blindRows: Int64 = 200_000

    private func scan(_ text: String, _ old: Connection) -> (numbers: [Int64], isComplete: Bool) {
        var numbers: [Int64] = []
        do {
            _ = try old.all(SQL(text)) { row throws(SpoolError) in numbers.append(row.integer()) }
            return (numbers, true)
        } catch {
            return (numbers, false)
        }
    }
}

extension SQL {
    static let lastNumber = SQL("SELECT max(seq) FROM sqlite_sequence WHERE name = ?")
    static let dropLastNumber = SQL("DELETE FROM sqlite_sequence WHERE name = ?1 AND seq < ?2")
    static let setLastNumber = SQL("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)")
    static let recordsWithoutDeliveries = SQL(
        """
        SELECT COUNT(*) FROM record r
        WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.record_id = r.id)
        """)
}
