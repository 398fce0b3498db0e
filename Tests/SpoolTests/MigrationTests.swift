import Measurement
import Testing

@testable import Spool

@Suite struct MigrationTests {
    let directory = TemporaryDirectory()
    private let next = Migration(
        version: Migration.all.count + 1,
        statements: "ALTER TABLE record ADD COLUMN edited_at INTEGER")

    @Test func `a store of the first schema is brought up to date with its records`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            _ = try await spool.formBatch("db", max: 2, at: noon)
        }
        let steps = Migration.all + [next]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            let report = try await spool.open()
            #expect(report.schemaBefore == Migration.all.count)
            #expect(report.schema == next.version)
            #expect(try await spool.counts().stored == 3)
            #expect(try await spool.openBatch("db")?.keys == [key(1), key(2)])
            #expect(try await spool.number("SELECT COUNT(edited_at) FROM record") == 0)
            #expect(try await spool.append([entry(1)], at: noon) == [.duplicate(RowID(1))])
        }
    }

    /// What version 0.1.0 left behind when it was killed: delivered, refused, waiting and in
    /// quarantine, with a batch under way.
    @Test func `a killed gateway of the first version goes on where it was`() async throws {
        let fixture = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
        let text = String(decoding: readFile(fixture + "/Fixtures/store-step-1.sql"), as: UTF8.self)
        do {
            let old = try Database(path: directory.store)
            try old.execute(text, during: "the old store")
        }
        try await withSpool(directory) { spool async throws in
            let report = try await spool.open()
            #expect(report.schemaBefore == 1)
            #expect(report.schema == Migration.all.count)
            #expect(report.salvage == nil)
            let counts = try await spool.counts()
            #expect(counts.stored == 8 && counts.delivered == 2 && counts.deadLetters == 1)
            #expect(counts.waiting == 3 && counts.quarantined == 2 && counts.discarded == 0)
            let batch = try #require(try await spool.openBatch("common-db"))
            #expect(batch.idempotencyKey == "d2fe1c493caf112fef3d757ba9a7e117", "the old one")
            #expect(batch.items.allSatisfy { $0.revision == 1 && $0.round == 0 })
            // Formed anew of the same records, it has the key that it always had.
            try await spool.split(batch: batch.id)
            let half = try #require(try await spool.openBatch("common-db"))
            try await spool.resolve(half, half.all(.accepted), at: noon)
            let stored = try await spool.records(limit: 99)
            #expect(stored.allSatisfy { $0.revision == 1 && $0.discarded == nil })
            #expect(stored.filter { $0.deliveries[0].state == .delivered }.count == 4)
            // The first version kept nothing that a time could be decided from again.
            for waiting in try await spool.quarantine() {
                #expect(try await spool.evidence(of: waiting.rowID) == nil)
            }
            #expect(try await spool.number("SELECT COUNT(held_update) FROM delivery") == 4)
            #expect(try await spool.ledger(limit: 9).map(\.event) == ["delivery"])
            #expect(try await spool.verifyLedger().isWhole)
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
            #expect(try await spool.list("PRAGMA foreign_key_check").isEmpty)
        }
    }

    @Test func `a store of a newer program is refused and not touched`() async throws {
        let steps = Migration.all + [next]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        let before = readFile(directory.store)
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(
                error
                    == .newerSchema(
                        found: next.version, known: Migration.all.count, path: directory.store))
            #expect(
                error?.description
                    == "\(directory.store) has schema \(next.version), this program knows up to "
                    + "\(Migration.all.count); "
                    + "install the newer version again")
        }
        #expect(readFile(directory.store) == before)
    }

    @Test func `a step that is not the one that was applied is refused`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        var changed = Migration.all
        changed[0].statements += "\n"
        let steps = changed
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error == .otherSchema(version: 1, path: directory.store))
        }
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            #expect(try await spool.counts().stored == 1)
        }
    }

    @Test func `a step that fails leaves the schema and the records as they were`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        let half = Migration(
            version: next.version,
            statements: "ALTER TABLE record ADD COLUMN half INTEGER; DELETE FROM nothing")
        let steps = Migration.all + [half]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error?.description.contains("schema step \(next.version)") == true)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().schemaBefore == Migration.all.count)
            #expect(try await spool.counts().stored == 1)
            let columns = try await spool.list("SELECT name FROM pragma_table_info('record')")
            #expect(!columns.contains("half"))
        }
    }

    /// The digests of the released steps. A failure here means: add a step, do not change one.
    @Test func `released steps never change`() {
        let released = [
            1: "fc4292eef8e6fcc32741d4f739cb8b2b613037f3bce38925d7b8abe862884162",
            2: "72ada19012f295bd747bf300ac9fd2a7337acb5121b39c3beadaadde54e1d773",
        ]
        for (version, checksum) in released {
            #expect(Migration.all.first { $0.version == version }?.checksum == checksum)
        }
        #expect(Migration.all.map(\.version) == Array(1...Migration.all.count))
    }
}
