import CSQLite
import EventLoop

/// Looks through a large store on a thread of its own, while the gateway works with it.
///
/// One table after the other: between two of them the log can be emptied.
actor StoreCheck {
    private let executor = ThreadExecutor(name: "spool-check")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let path: String
    private let stop: StopFlag

    /// - Parameter stop: ends the look when it is set.
    init(path: String, stop: StopFlag) {
        self.path = path
        self.stop = stop
    }

    /// What is wrong, `ok` where nothing is, nil where it was stopped.
    func run() -> String? {
        do throws(SpoolError) {
            let database = try Database(path: path, mode: .readOnly)
            database.stop(by: stop)
            // Beside the store's own cache there is little memory to spare.
            try database.execute("PRAGMA cache_size = -256", during: "settings")
            let connection = Connection(database)
            let tables = try connection.all(
                SQL("SELECT name FROM sqlite_schema WHERE type = 'table'")
            ) { row throws(SpoolError) in row.text() }
            for table in tables {
                if stop.isSet { return nil }
                let findings = try connection.all(SQL("PRAGMA integrity_check('\(table)')")) {
                    row throws(SpoolError) in row.text()
                }
                guard findings == ["ok"] else { return findings.first ?? "integrity check failed" }
            }
            return "ok"
        } catch {
            return stop.isSet ? nil : error.description
        }
    }

    nonisolated func end() { executor.stop() }
}

/// Set once, on any thread.
package final class StopFlag: Sendable {
    private let value = Locked(false)
    package init() {}
    package var isSet: Bool { value.withLock { $0 } }
    package func set() { value.withLock { $0 = true } }
}

extension Database {
    /// Ends what a statement does soon after the flag is set; the flag has to outlive the database.
    fileprivate borrowing func stop(by flag: StopFlag) {
        onProgress(Unmanaged.passUnretained(flag).toOpaque()) { flag in
            guard let flag else { return 0 }
            return Unmanaged<StopFlag>.fromOpaque(flag).takeUnretainedValue().isSet ? 1 : 0
        }
    }
}

extension Spool {
    /// Checks a store that was too large to be checked when it was opened after an unclean end.
    ///
    /// A damaged one is set aside and salvaged at its next use. What was stopped is done at the next
    /// start.
    ///
    /// - Returns: what was found wrong, nil where nothing was, or nothing was to be checked.
    package nonisolated func checkInBackground(until stop: StopFlag) async -> String? {
        guard await openReport?.integrityPending == true else { return nil }
        let check = StoreCheck(path: storePath, stop: stop)
        let found = await check.run()
        check.end()
        guard let found else { return nil }
        guard found == "ok" else {
            await suspect()
            return found
        }
        await passed()
        return nil
    }

    private func passed() {
        openReport?.integrityPending = false
        openReport?.integrityChecked = true
        // Where this cannot be written the next start looks again.
        _ = try? writing { connection throws(SpoolError) in try connection.run(.forgetCheck) }
    }
}

extension SQL {
    static let forgetCheck = SQL("DELETE FROM remembered WHERE name = 'check-due'")
}
