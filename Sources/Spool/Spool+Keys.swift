import JSON
package import Measurement

extension Spool {
    /// Seals records that were stored plainly, some at a time, so that the store goes on working.
    ///
    /// A fingerprint of a record that was stored plainly is dropped: it repeats the bytes.
    /// - Returns: the last row that was looked at; nil when none is left.
    package func sealMore(
        after row: RowID, limit: Int = 100, at now: Instant
    ) throws(SpoolError) -> RowID? {
        guard encryption?.seals == true else { return nil }
        return try writing { connection throws(SpoolError) in
            let rows = try connection.all(.plainRecords, [.row(row), .integer(limit)]) {
                reader throws(SpoolError) in reader.row()
            }
            var sealed = 0
            for row in rows where try connection.reseal(row, at: now) { sealed += 1 }
            try connection.count("records_sealed", by: sealed)
            return rows.last
        }
    }

    /// Seals all that lies plainly in the store and then rewrites the file; returns how many records.
    package nonisolated func sealAll(at now: Instant) async throws(SpoolError) -> Int {
        let before = try await counters()["records_sealed"] ?? 0
        var last = RowID(0)
        while let next = try await sealMore(after: last, at: now) { last = next }
        let sealed = (try await counters()["records_sealed"] ?? 0) - before
        // The pages they lay on are not to keep them.
        if sealed > 0 { try await compact() }
        return sealed
    }

    /// Reads the key file again and seals the data keys under its first key; returns how many were not.
    ///
    /// The key that was first before has to stand in the file until this is done.
    package func rotateKeys(by actor: LedgerActor, at now: Instant) throws(SpoolError) -> Int {
        guard let encryption else {
            throw .refused("the store is not encrypted: storage.encryption names no key")
        }
        let masters = try MasterKeys(file: encryption.keyFile)
        let changed = try writing { connection throws(SpoolError) in
            let former = connection.vault.masters
            connection.vault.replaceMasters(masters)
            do throws(SpoolError) {
                let changed = try connection.rewrapKeys()
                try connection.note(
                    LedgerNote(.keysRotated, by: actor, on: masters.first.id) { writer in
                        writer.member("data_keys", changed)
                    }, at: now)
                return changed
            } catch {
                if let former { connection.vault.replaceMasters(former) }
                throw error
            }
        }
        _ = try reading { connection throws(SpoolError) in try connection.integer(.emptyLog) }
        return changed
    }
}
