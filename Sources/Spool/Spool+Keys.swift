import JSON
package import Measurement

extension Spool {
    /// One step of sealing: the last row that was looked at, and how many of them cannot be read and stay plain.
    package typealias SealStep = (last: RowID, unreadable: Int)

    /// Seals records that were stored plainly, some at a time, so that the store goes on working.
    ///
    /// A fingerprint of a record that was stored plainly is dropped: it repeats the bytes.
    /// - Returns: nil when none is left.
    package func sealMore(
        after row: RowID, limit: Int = 100, at now: Instant
    ) throws(SpoolError) -> SealStep? {
        guard encryption?.seals == true else { return nil }
        return try writing { connection throws(SpoolError) in
            let rows = try connection.all(.plainRecords, [.row(row), .integer(limit)]) {
                reader throws(SpoolError) in reader.row()
            }
            guard let last = rows.last else { return nil }
            var sealed = 0
            for row in rows where try connection.reseal(row, at: now) { sealed += 1 }
            try connection.count("records_sealed", by: sealed)
            if sealed > 0 { try connection.remember(Sealing.name, Sealing.rewriteDue) }
            return (last, rows.count - sealed)
        }
    }

    /// Seals all that lies plainly in the store and then rewrites the file; returns how many records.
    ///
    /// A store that was sealed whole is not looked through again, however large it is.
    package nonisolated func sealAll(at now: Instant) async throws(SpoolError) -> Int {
        guard try await sealing() != Sealing.done else { return 0 }
        let before = try await counters()["records_sealed"] ?? 0
        var last = RowID(0)
        var unreadable = 0
        while let step = try await sealMore(after: last, at: now) {
            last = step.last
            unreadable += step.unreadable
        }
        // The pages they lay on are not to keep them, even when the power failed before.
        if try await sealing() == Sealing.rewriteDue { try await compact() }
        if unreadable == 0 { try await noteSealed() }
        return (try await counters()["records_sealed"] ?? 0) - before
    }

    private func sealing() throws(SpoolError) -> String? {
        try reading { connection throws(SpoolError) in try connection.remembered(Sealing.name) }
    }

    private func noteSealed() throws(SpoolError) {
        guard encryption?.seals == true else { return }
        try writing { connection throws(SpoolError) in
            try connection.remember(Sealing.name, Sealing.done)
        }
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

/// How far the sealing of what was stored plainly has come, as the store remembers it.
enum Sealing {
    static let name = "sealing"
    static let rewriteDue = "rewrite-due"
    static let done = "done"
}

extension Connection {
    /// What is stored plainly from now on has to be looked for when values are sealed again.
    func forgetSealing() throws(SpoolError) {
        guard !vault.seals, try remembered(Sealing.name) == Sealing.done else { return }
        try run(.forgetSealing)
    }
}

extension SQL {
    fileprivate static let forgetSealing = SQL("DELETE FROM remembered WHERE name = 'sealing'")
}
