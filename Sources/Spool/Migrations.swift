import Crypto
import Measurement

/// One step of the schema. Steps are only ever added at the end; a released one never changes.
struct Migration: Sendable {
    var version: Int
    var statements: String

    /// A digest of the step's text, kept in the store to notice a changed step.
    var checksum: String { hexadecimal(SHA256.digest(Array(statements.utf8))) }

    static let all = [
        Migration(version: 1, statements: firstSchema),
        Migration(version: 2, statements: secondSchema),
        Migration(version: 3, statements: thirdSchema),
        Migration(version: 4, statements: registerSchema),
        Migration(version: 5, statements: abilitiesSchema),
        Migration(version: 6, statements: versionSchema),
        Migration(version: 7, statements: tallySchema),
        Migration(version: 8, statements: agentSchema),
        Migration(version: 9, statements: batchTallySchema),
    ]
}

/// Brings a store to the newest schema and refuses one that it does not know.
struct Migrator {
    /// "HKRU": marks a SQLite file as a store of this program.
    static let applicationID: Int64 = 0x484B_5255

    var migrations: [Migration]
    var connection: Connection

    struct Outcome: Equatable {
        var from: Int
        var to: Int
    }

    /// Applies what is missing, each step in a transaction of its own.
    func migrate(now: Instant) throws(SpoolError) -> Outcome {
        let found = try verify()
        let known = migrations.last?.version ?? 0
        for migration in migrations where migration.version > found {
            try apply(migration, now: now)
        }
        return Outcome(from: found, to: known)
    }

    /// The schema of a store, 0 of an empty file; refuses what this program does not know.
    func verify() throws(SpoolError) -> Int {
        let found = Int(try connection.integer(.schemaVersion))
        let known = migrations.last?.version ?? 0
        try checkOwner(version: found)
        guard found <= known else {
            throw .newerSchema(found: found, known: known, path: connection.database.path)
        }
        if found > 0 { try checkSums(upTo: found) }
        return found
    }

    private func checkOwner(version: Int) throws(SpoolError) {
        let owner = try connection.integer(.applicationID)
        if owner == Self.applicationID { return }
        guard owner == 0, version == 0, try connection.integer(.tableCount) == 0 else {
            throw .notAStore(
                SpoolFault(path: connection.database.path, text: "application id \(owner)"))
        }
    }

    private func checkSums(upTo found: Int) throws(SpoolError) {
        let applied = try connection.all(.appliedMigrations) { row throws(SpoolError) in
            (version: row.count(), checksum: row.text())
        }
        for migration in migrations where migration.version <= found {
            let same = applied.contains {
                $0.version == migration.version && $0.checksum == migration.checksum
            }
            guard same else {
                throw .otherSchema(version: migration.version, path: connection.database.path)
            }
        }
    }

    private func apply(_ migration: Migration, now: Instant) throws(SpoolError) {
        try connection.transaction { () throws(SpoolError) in
            try connection.database.execute(
                """
                \(migration.statements);
                PRAGMA user_version = \(migration.version);
                PRAGMA application_id = \(Self.applicationID);
                """, during: "schema step \(migration.version)")
            try connection.run(
                .noteMigration,
                [.integer(migration.version), .text(migration.checksum), .instant(now)])
        }
    }
}
