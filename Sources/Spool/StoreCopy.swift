import Glibc

/// What a whole copy of a store holds, after it was checked.
package struct StoreCopyReport: Sendable, Equatable {
    package var records = 0
    package var waiting = 0
    package var ledgerEntries = 0
    package var schema = 0
    package var bytes: Int64 = 0
    /// Values in it are sealed; without the master key nobody reads them.
    package var isSealed = false
    package init() {}
}

/// Copies of a whole store: made while the gateway works, and put in its place while it does not.
package struct StoreCopy: Sendable {
    let files: StoreFiles

    package init(stateDirectory: String) { files = StoreFiles(directory: stateDirectory) }

    /// Writes the store as it is at one moment into a new file, checks the file and says what it holds.
    ///
    /// Readings are stored meanwhile; what comes after the moment is not in it. The file appears under
    /// its name only when it is whole and on the disk. The master key is not in it.
    ///
    /// - Throws: where the file exists already, where there is no store, or where the copy is damaged.
    package func backUp(to file: String) throws(SpoolError) -> StoreCopyReport {
        guard fileMark(file) == nil else { throw .refused("\(file) exists already") }
        guard fileMark(files.store) != nil else {
            throw .gone(SpoolFault(path: files.store, text: "there is no store"))
        }
        let part = file + ".part"
        _ = unlink(part)
        do throws(SpoolError) {
            // Made here, so that nobody else can read it at any moment.
            try Self.makePrivate(part)
            try write(into: part)
            let report = try Self.inspect(part, keys: nil)
            try Self.synchronise(part)
            try files.move(part, to: file)
            try StoreFiles(directory: Self.folder(of: file)).synchroniseDirectory()
            return report
        } catch {
            _ = unlink(part)
            throw error
        }
    }

    private func write(into part: String) throws(SpoolError) {
        let database = try Database(path: files.store)
        database.setBusyTimeout(milliseconds: 5_000)
        let connection = Connection(database)
        _ = try Migrator(migrations: Migration.all, connection: connection).verify()
        // One read transaction: the daemon goes on writing behind it.
        try connection.run(SQL("VACUUM INTO ?"), [.text(part)])
    }

    // MARK: what a copy holds

    /// Checks a store that nobody uses: pages, references, schema, ledger and keys.
    static func inspect(
        _ path: String, keys: MasterKeys?, needsKeys: Bool = false
    ) throws(SpoolError) -> StoreCopyReport {
        let connection = Connection(try Database(path: path))
        var report = StoreCopyReport()
        report.schema = try Migrator(migrations: Migration.all, connection: connection).verify()
        guard report.schema > 0 else {
            throw .notAStore(SpoolFault(path: path, text: "holds no store"))
        }
        let findings = try connection.all(.integrityCheck) { row throws(SpoolError) in row.text() }
        guard findings == ["ok"] else { throw damaged(path, findings.first ?? "") }
        let orphans = try connection.integer(SQL("SELECT COUNT(*) FROM pragma_foreign_key_check"))
        guard orphans == 0 else { throw damaged(path, "\(orphans) rows lead nowhere") }
        report.records = Int(try connection.integer(SQL("SELECT COUNT(*) FROM record")))
        report.waiting = Int(
            try connection.integer(
                SQL("SELECT COUNT(DISTINCT record_id) FROM delivery WHERE state = 'waiting'")))
        report.bytes = fileMark(path)?.size ?? 0
        guard report.schema >= 3 else { return report }
        report.ledgerEntries = try verifyLedger(connection, path)
        report.isSealed = try connection.integer(SQL("SELECT COUNT(*) FROM data_key")) > 0
        if needsKeys, report.isSealed {
            connection.vault = Vault(masters: keys, seals: false)
            try connection.checkKeys()
        }
        return report
    }

    private static func damaged(_ path: String, _ text: String) -> SpoolError {
        .failed(SpoolFault(path: path, text: "damaged: \(text)"))
    }

    private static func verifyLedger(
        _ connection: Connection, _ path: String
    ) throws(SpoolError) -> Int {
        var check = LedgerCheck(head: try connection.ledgerHead())
        var last: Int64 = 0
        while true {
            let part = try connection.ledger(after: last, limit: 500)
            guard let newest = part.last else { break }
            for entry in part { check.take(entry) }
            last = newest.number
        }
        let report = check.finish()
        guard report.isWhole else {
            throw damaged(path, "ledger: \(report.problems[0].description)")
        }
        return report.entries
    }

    // MARK: files

    static func makePrivate(_ path: String) throws(SpoolError) {
        let made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard made >= 0 else { throw fileError("make", path) }
        close(made)
    }

    static func synchronise(_ path: String) throws(SpoolError) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw fileError("open", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw fileError("synchronise", path) }
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}
