/// One open store: the database, its prepared statements and the marks of its files.
///
/// Lives and dies on the spool's thread.
final class Connection {
    let database: Database
    /// Seals and opens values; plain until the opener gives it keys.
    var vault = Vault()
    /// The newest row of the ledger; nil where the store has to be asked.
    var ledgerEnd: LedgerHead?
    /// What is written once at the end of the transaction, however often it changes in it.
    private var atEnd: AtEnd?
    private var statements: [SQL: Statement] = [:]

    init(_ database: consuming Database) { self.database = database }

    // Statements first: an unfinished one would keep the database open.
    deinit { statements.removeAll() }

    /// Runs a statement and hands its first row to `read`; nil when there is none.
    func first<T>(
        _ sql: SQL, _ values: [SQLValue] = [],
        _ read: (inout RowReader) throws(SpoolError) -> T
    ) throws(SpoolError) -> T? {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        guard try statement.step() else { return nil }
        var reader = RowReader(statement)
        return try read(&reader)
    }

    /// Runs a statement and collects what `read` makes of each row.
    func all<T>(
        _ sql: SQL, _ values: [SQLValue] = [],
        _ read: (inout RowReader) throws(SpoolError) -> T
    ) throws(SpoolError) -> [T] {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        var results: [T] = []
        while try statement.step() {
            var reader = RowReader(statement)
            results.append(try read(&reader))
        }
        return results
    }

    /// Runs a statement that changes rows; returns how many.
    @discardableResult
    func run(_ sql: SQL, _ values: [SQLValue] = []) throws(SpoolError) -> Int {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while try statement.step() {}
        return database.changes
    }

    /// Runs a statement once for each of so many lists of whole numbers.
    ///
    /// - Returns: the first one that did not change exactly one row; nil when each did.
    func runEach<let width: Int>(
        _ sql: SQL, _ count: Int, _ numbers: (Int) -> InlineArray<width, Int64>
    ) throws(SpoolError) -> Int? {
        let statement = try prepared(sql)
        defer { statement.reset() }
        for index in 0..<count {
            try statement.bind(numbers(index))
            while try statement.step() {}
            guard database.changes == 1 else { return index }
            statement.rewind()
        }
        return nil
    }

    /// One integer, 0 when there is no row.
    func integer(_ sql: SQL, _ values: [SQLValue] = []) throws(SpoolError) -> Int64 {
        try first(sql, values) { row throws(SpoolError) in row.integer() } ?? 0
    }

    /// Runs the body as one transaction: durable when this returns, undone when it throws.
    func transaction<T>(_ body: () throws(SpoolError) -> T) throws(SpoolError) -> T {
        try run(.begin)
        atEnd = AtEnd()
        do {
            let result = try body()
            try writeEnd()
            try run(.commit)
            return result
        } catch {
            ledgerEnd = nil
            atEnd = nil
            // SQLite rolls back by itself after some errors; a second time would be an error.
            if database.isInTransaction { _ = try? run(.rollback) }
            throw error
        }
    }

    /// Adds to a counter that survives a restart.
    func count(_ name: String, by amount: Int) throws(SpoolError) {
        guard amount > 0 else { return }
        guard atEnd == nil else {
            atEnd?.counts[name, default: 0] += amount
            return
        }
        try run(.increment, [.text(name), .integer(amount)])
    }

    /// The ledger has a new newest row.
    func setLedgerEnd(_ end: LedgerHead) throws(SpoolError) {
        ledgerEnd = end
        guard atEnd == nil else {
            atEnd?.hasNotes = true
            return
        }
        try remember("ledger-head", end.text)
    }

    private func writeEnd() throws(SpoolError) {
        guard let end = atEnd else { return }
        atEnd = nil
        for (name, amount) in end.counts { try count(name, by: amount) }
        if end.hasNotes, let ledgerEnd { try setLedgerEnd(ledgerEnd) }
    }

    private struct AtEnd {
        var counts: [String: Int] = [:]
        var hasNotes = false
    }

    private func prepared(_ sql: SQL) throws(SpoolError) -> Statement {
        if let statement = statements[sql] { return statement }
        let statement = try database.prepare(sql)
        statements[sql] = statement
        return statement
    }
}
