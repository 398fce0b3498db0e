import CLinux
import Glibc
import JSON
package import Measurement

/// What a purge removed.
package struct PurgeResult: Sendable, Equatable {
    package var records = 0
    /// Set-aside copies of damaged stores that were overwritten and removed.
    package var setAsideFiles: [String] = []
}

extension Spool {
    /// Removes every value of a participant from all files of the store, for good.
    ///
    /// Records go with their frames, deliveries, dead letters and evidence. Then the whole file is
    /// written anew, lest a page keep what once lay on it, and the log is emptied. The keys of the
    /// records stay, so that a device which sends its history again brings nothing back; they and the
    /// participant's code in the ledger and with its consents hold no value. Cards and turns at stations
    /// go. A second call does what a first could not.
    ///
    /// - Parameter setAside: also removes what `setAsideFiles` names; without it their presence is a
    ///   refusal, for they may hold the values.
    package func purge(
        _ participant: String, setAside: Bool, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) -> PurgeResult {
        var result = PurgeResult()
        result.setAsideFiles = setAsideFiles
        guard setAside || result.setAsideFiles.isEmpty else {
            throw .refused(
                "set-aside copies of a damaged store may hold values: "
                    + result.setAsideFiles.joined(separator: ", "))
        }
        // The key first: from here on nothing of it can be read, whatever happens next.
        try writing { connection throws(SpoolError) in try connection.dropKey(of: participant) }
        while true {
            let removed = try removeRecords(of: participant, limit: 200, at: now)
            if removed == 0 { break }
            result.records += removed
        }
        let records = result.records
        let files = result.setAsideFiles.count
        try writing { connection throws(SpoolError) in
            // Neither a card nor a turn at a station leads to this person any more.
            try connection.run(.deleteCards, [.text(participant)])
            try connection.run(.deleteTurns, [.text(participant)])
            try connection.run(.forgetSpentKeys, [.text(participant)])
            try connection.count("records_purged", by: records)
            try connection.note(
                LedgerNote(.purged, by: actor, on: participant) { writer in
                    writer.member("records", records)
                    writer.member("set_aside_files", files)
                }, at: now)
        }
        for file in result.setAsideFiles { try overwrite(file) }
        try compact()
        return result
    }

    private func removeRecords(
        of participant: String, limit: Int, at now: Instant
    ) throws(SpoolError) -> Int {
        try writing { connection throws(SpoolError) in
            let rows = try connection.all(
                .recordsOfParticipant, [.text(participant), .integer(limit)]
            ) { row throws(SpoolError) in row.row() }
            for row in rows {
                // A batch under way stood for all of its records.
                for batch in try connection.all(
                    .batchesOfRecord, [.row(row)], { reader throws(SpoolError) in reader.integer() }
                ) {
                    try connection.dissolve(batch: batch)
                }
                try connection.run(.spendKey, [.row(row), .instant(now)])
                try connection.run(.deleteRecord, [.row(row)])
            }
            return rows.count
        }
    }

    /// Writes the whole store anew and empties the log: no page keeps what was deleted.
    ///
    /// Needs as much free disk as the store holds, in its own directory.
    func compact() throws(SpoolError) {
        let directory = storeDirectory.split(separator: "'").joined(separator: "''")
        try reading { connection throws(SpoolError) in
            try connection.database.execute(
                """
                PRAGMA temp_store = FILE;
                PRAGMA temp_store_directory = '\(directory)';
                VACUUM;
                PRAGMA temp_store = MEMORY;
                """, during: "compacting")
            let isBusy = try connection.integer(.emptyLog)
            guard isBusy == 0 else {
                throw .busy(
                    SpoolFault(path: connection.database.path, text: "the log is in use"))
            }
        }
    }

    // MARK: set-aside copies

    /// Damaged and replaced stores that were set aside, and logs that lost their store.
    package var setAsideFiles: [String] {
        guard let directory = opendir(storeDirectory) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("hakaru.db") else { continue }
            let kinds = [".corrupt-", ".replaced-", ".orphan-", ".repair"]
            if kinds.contains(where: name.contains) { names.append(name) }
        }
        return names.sorted()
    }

    private func overwrite(_ name: String) throws(SpoolError) {
        let path = storeDirectory + "/" + name
        let file = Glibc.open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw fileError("open", path) }
        defer { Glibc.close(file) }
        var left = fileMark(path)?.size ?? 0
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        while left > 0 {
            let count = write(file, zeros, Int(min(left, Int64(zeros.count))))
            guard count > 0 else { throw fileError("overwrite", path) }
            left -= Int64(count)
        }
        guard fsync(file) == 0 else { throw fileError("synchronise", path) }
        guard unlink(path) == 0 else { throw fileError("remove", path) }
    }
}

extension SQL {
    static let recordsOfParticipant = SQL(
        "SELECT id FROM record WHERE participant = ? ORDER BY id LIMIT ?")
    static let deleteCards = SQL("DELETE FROM card WHERE participant = ?")
    static let deleteTurns = SQL("DELETE FROM station_session WHERE participant = ?")
    static let forgetSpentKeys = SQL(
        """
        UPDATE spent_key SET participant = NULL, kind = NULL, observed_at = NULL
        WHERE participant = ?
        """)
    static let emptyLog = SQL("PRAGMA wal_checkpoint(TRUNCATE)")
}
