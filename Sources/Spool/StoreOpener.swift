import Measurement

/// Opens a store: makes it, brings it up to date, checks it, replaces it when it is damaged.
struct StoreOpener {
    var configuration: SpoolConfiguration
    /// Forces the integrity check, after damage was met in use.
    var isSuspect: Bool
    var now: Instant

    private var files: StoreFiles { StoreFiles(directory: configuration.directory) }

    /// The caller holds the lock.
    func open() throws(SpoolError) -> (Connection, OpenReport) {
        try adoptFinishedReplacement()
        do {
            return try openExisting()
        } catch {
            guard case .damaged(let fault) = error else { throw error }
            let salvage = try Salvage(configuration: configuration, now: now)
                .replace(files, damage: fault.text)
            var (connection, report) = try openExisting()
            report.salvage = salvage
            report.isNew = false
            return (connection, report)
        }
    }

    private func openExisting() throws(SpoolError) -> (Connection, OpenReport) {
        var report = OpenReport(path: files.store)
        let before = fileMark(files.store)
        // SQLite removes the log when the last connection closes properly.
        report.wasUnclean = before != nil && fileMark(files.log) != nil
        report.wasEmpty = before?.size == 0
        report.isNew = try files.makeFile(files.store) || report.wasEmpty
        // SQLite takes less than a head for an empty file and would write over it.
        if let before, (1..<512).contains(before.size), !report.wasUnclean {
            throw .damaged(
                SpoolFault(path: files.store, text: "cut off after \(before.size) bytes"))
        }
        let connection = try Self.connect(configuration, path: files.store)
        let outcome = try Migrator(migrations: configuration.migrations, connection: connection)
            .migrate(now: now)
        if let encryption = configuration.encryption {
            connection.vault = Vault(
                masters: try MasterKeys(file: encryption.keyFile), seals: encryption.seals)
        }
        try connection.checkKeys()
        try connection.forgetSealing()
        report.schemaBefore = outcome.from
        report.schema = outcome.to
        let size = before?.size ?? 0
        let expected =
            try connection.integer(.pageCount) * (try connection.integer(.pageSize))
        // Properly closed, the file is exactly as long as its header says.
        let isCut =
            !report.isNew && !report.wasUnclean && outcome.from == outcome.to
            && size != expected
        let isDue = try connection.remembered("check-due") != nil
        guard report.wasUnclean || isCut || isSuspect || isDue else { return (connection, report) }
        if isCut || isSuspect || size <= configuration.checkAtOnceBytes {
            try checkIntegrity(connection)
            report.integrityChecked = true
            if isDue { try connection.run(.forgetCheck) }
        } else {
            report.integrityPending = true
            // A proper end before it was checked must not make it forgotten; a full disk may.
            if !isDue { try? connection.remember("check-due", "unclean") }
        }
        return (connection, report)
    }

    /// Opens a connection with the settings that every one of the store's has.
    static func connect(
        _ configuration: SpoolConfiguration, path: String
    ) throws(SpoolError) -> Connection {
        let database = try Database(
            path: path, vfs: configuration.vfs, meter: configuration.meter)
        database.setBusyTimeout(
            milliseconds: Int32(clamping: configuration.busyTimeout.microseconds / 1_000))
        // FULL: a commit returns after its fsync. Values in sorters stay in memory, and deleted
        // rows are overwritten.
        try database.execute(
            """
            PRAGMA page_size = 4096;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA foreign_keys = ON;
            PRAGMA secure_delete = ON;
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -512;
            PRAGMA journal_size_limit = 4194304;
            """, during: "settings")
        let connection = Connection(database)
        let mode = try connection.first(.journalMode) { row throws(SpoolError) in row.text() }
        guard mode == "wal" else {
            throw .failed(SpoolFault(path: path, text: "journal mode \(mode ?? "") instead of wal"))
        }
        return connection
    }

    private func checkIntegrity(_ connection: Connection) throws(SpoolError) {
        let findings = try connection.all(.integrityCheck) { row throws(SpoolError) in row.text() }
        guard findings == ["ok"] else {
            throw .damaged(
                SpoolFault(path: files.store, text: findings.first ?? "integrity check failed"))
        }
    }

    /// Ends a replacement that was interrupted: before the damaged store was moved, it starts
    /// again; after that, the new one is complete and takes its place.
    private func adoptFinishedReplacement() throws(SpoolError) {
        guard fileMark(files.replacement) != nil else { return }
        guard fileMark(files.store) == nil else {
            try Salvage.removeStore(files.replacement)
            return
        }
        // A log without its store would be taken for the new one's.
        for leftover in [files.log, files.sharedMemory] where fileMark(leftover) != nil {
            try files.move(leftover, to: leftover + ".orphan-\(now.seconds)")
        }
        try files.move(files.replacement, to: files.store)
        try files.synchroniseDirectory()
    }
}
