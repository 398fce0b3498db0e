import Glibc
import JSON
package import Measurement

/// What became of a restored copy.
package struct RestoreReport: Sendable, Equatable {
    package var copy: StoreCopyReport
    /// Where the store lies that was there before; nil where there was none.
    package var setAside: String?
}

extension StoreCopy {
    /// Puts a copy in the place of the store, while no daemon has it.
    ///
    /// The copy is taken into the state directory and checked there; only a good one takes the
    /// store's place, at once or not at all. The store that was there is kept under another name.
    ///
    /// - Parameter keyFile: the master keys, needed where the copy's values are sealed.
    /// - Throws: `inUse` while a daemon runs; otherwise what is wrong with the copy. Nothing is
    ///   changed then.
    package func restore(
        _ file: String, keyFile: String?, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) -> RestoreReport {
        guard let source = fileMark(file) else {
            throw .gone(SpoolFault(path: file, text: "there is no such file"))
        }
        guard fileMark(file + "-wal") == nil else {
            throw .refused("\(file)-wal lies beside it: not a copy that `hakaru backup` made")
        }
        let keys: MasterKeys? = if let keyFile { try MasterKeys(file: keyFile) } else { nil }
        try files.makeDirectory()
        let lock = try StoreLock(path: files.lock)
        defer { withExtendedLifetime(lock) {} }
        guard !source.isSameFile(as: fileMark(files.store)) else {
            throw .refused("\(file) is the store itself")
        }
        try Salvage.removeStore(files.replacement)
        do throws(SpoolError) {
            _ = try files.makeFile(files.replacement)
            try Self.copy(file, to: files.replacement)
            var report = RestoreReport(copy: try inspectReplacement(from: file, keys))
            try settle(report.copy, from: file, by: actor, at: now)
            try Self.synchronise(files.replacement)
            giveToDirectoryOwner()
            report.setAside = try setStoreAside(at: now)
            try files.move(files.replacement, to: files.store)
            try files.synchroniseDirectory()
            return report
        } catch {
            // From the moment on at which the store was moved, the complete copy is what is left.
            if fileMark(files.store) != nil { try? Salvage.removeStore(files.replacement) }
            throw error
        }
    }

    private func inspectReplacement(
        from file: String, _ keys: MasterKeys?
    ) throws(SpoolError) -> StoreCopyReport {
        do throws(SpoolError) {
            return try Self.inspect(files.replacement, keys: keys, needsKeys: true)
        } catch {
            throw error.about(file)
        }
    }

    /// Brings the copy up to date and writes into its ledger that it was restored.
    private func settle(
        _ copy: StoreCopyReport, from file: String, by actor: LedgerActor, at now: Instant
    ) throws(SpoolError) {
        let connection = try StoreOpener.connect(
            SpoolConfiguration(directory: files.directory), path: files.replacement)
        _ = try Migrator(migrations: Migration.all, connection: connection).migrate(now: now)
        try connection.transaction { () throws(SpoolError) in
            try connection.note(
                LedgerNote(.restored, by: actor, on: "store") { writer in
                    writer.member("records", copy.records)
                    writer.member("ledger_entries", copy.ledgerEntries)
                    writer.member("bytes", Int(copy.bytes))
                }, at: now)
        }
        _ = try connection.integer(.emptyLog)
    }

    /// Restored by root, the store still belongs to the user whom the service runs as.
    private func giveToDirectoryOwner() {
        var status = stat()
        guard geteuid() == 0, stat(files.directory, &status) == 0 else { return }
        for path in [files.replacement, files.lock] {
            _ = chown(path, status.st_uid, status.st_gid)
        }
    }

    private func setStoreAside(at now: Instant) throws(SpoolError) -> String? {
        guard fileMark(files.store) != nil else { return nil }
        let name = files.freeName("replaced", at: now)
        for part in ["", "-wal", "-shm"] where fileMark(files.store + part) != nil {
            try files.move(files.store + part, to: name + part)
        }
        return name
    }

    private static func copy(_ from: String, to target: String) throws(SpoolError) {
        let source = open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw fileError("open", from) }
        defer { close(source) }
        let file = open(target, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw fileError("open", target) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count >= 0 else { throw fileError("read", from) }
            if count == 0 { break }
            var done = 0
            while done < count {
                let written = buffer[done..<count].withUnsafeBytes {
                    write(file, $0.baseAddress, $0.count)
                }
                guard written > 0 else { throw fileError("write", target) }
                done += written
            }
        }
        guard fsync(file) == 0 else { throw fileError("synchronise", target) }
    }
}

extension SpoolError {
    /// The same, about the file that a person named; a damaged one is not the store's own.
    fileprivate func about(_ file: String) -> SpoolError {
        switch self {
        case .damaged(let fault):
            .failed(SpoolFault(path: file, text: "damaged: \(fault.text)"))
        case .failed(let fault): .failed(SpoolFault(path: file, text: fault.text))
        case .notAStore(let fault): .notAStore(SpoolFault(path: file, text: fault.text))
        case .keyMissing(let fault): .keyMissing(SpoolFault(path: file, text: fault.text))
        case .newerSchema(let found, let known, _):
            .newerSchema(found: found, known: known, path: file)
        case .otherSchema(let version, _): .otherSchema(version: version, path: file)
        default: self
        }
    }
}
