import Measurement
import Testing

@testable import Spool

@Suite struct MigrationTests {
    let directory = TemporaryDirectory()
    private let second = Migration(
        version: 2, statements: "ALTER TABLE record ADD COLUMN edited_at INTEGER")

    @Test func `a store of the first schema is brought up to date with its records`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            _ = try await spool.formBatch("db", max: 2, at: noon)
        }
        let steps = Migration.all + [second]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            let report = try await spool.open()
            #expect(report.schemaBefore == Migration.all.count)
            #expect(report.schema == 2)
            #expect(try await spool.counts().stored == 3)
            #expect(try await spool.openBatch("db")?.keys == [key(1), key(2)])
            #expect(try await spool.number("SELECT COUNT(edited_at) FROM record") == 0)
            #expect(try await spool.append([entry(1)], at: noon) == [.duplicate(RowID(1))])
        }
    }

    @Test func `a store of a newer program is refused and not touched`() async throws {
        let steps = Migration.all + [second]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        let before = readFile(directory.store)
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error == .newerSchema(found: 2, known: 1, path: directory.store))
            #expect(
                error?.description
                    == "\(directory.store) has schema 2, this program knows up to 1; "
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
            version: 2,
            statements: "ALTER TABLE record ADD COLUMN half INTEGER; DELETE FROM nothing")
        let steps = Migration.all + [half]
        try await withSpool(directory, configure: { $0.migrations = steps }) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error?.description.contains("schema step 2") == true)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().schemaBefore == 1)
            #expect(try await spool.counts().stored == 1)
            let columns = try await spool.list("SELECT name FROM pragma_table_info('record')")
            #expect(!columns.contains("half"))
        }
    }

    /// The digests of the released steps. A failure here means: add a step, do not change one.
    @Test func `released steps never change`() {
        let released = [
            1: "fc4292eef8e6fcc32741d4f739cb8b2b613037f3bce38925d7b8abe862884162"
        ]
        for (version, checksum) in released {
            #expect(Migration.all.first { $0.version == version }?.checksum == checksum)
        }
        #expect(Migration.all.map(\.version) == Array(1...Migration.all.count))
    }
}
