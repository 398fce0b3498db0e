import GatewayTestKit
import Glibc
import Measurement
import Testing

@testable import Spool

@Suite struct BackupTests {
    let directory = TemporaryDirectory()
    let elsewhere = TemporaryDirectory()
    private var file: String { elsewhere.path + "/hakaru.backup" }
    private var copies: StoreCopy { StoreCopy(stateDirectory: directory.path) }

    /// Ten records: three delivered, one dead, six waiting, two of them in a batch under way.
    private func fill(_ spool: Spool) async throws {
        var memory = DeviceMemory()
        memory.nextSequence = 11
        _ = try await spool.append(entries(1...10), at: noon, memory: (cuff, memory))
        let batch = try #require(try await spool.formBatch("db", max: 4, at: noon))
        var results = batch.all(.accepted)
        results[3].outcome = .rejected(reason: "422", answer: "no")
        try await spool.resolve(batch, results, at: noon)
        _ = try await spool.formBatch("db", max: 2, at: noon)
    }

    private func restore(_ file: String, keyFile: String? = nil) throws(SpoolError) -> RestoreReport
    {
        try copies.restore(file, keyFile: keyFile, by: .user(0), at: noon)
    }

    @Test func `a copy is made while the gateway works, and holds all that was accepted before`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            let report = try copies.backUp(to: file)
            _ = try await spool.append(entries(11...12), at: noon)
            #expect(report.records == 10 && report.waiting == 6)
            #expect(report.schema == Migration.all.count)
            #expect(report.ledgerEntries == 2)
            #expect(!report.isSealed)
            #expect(report.bytes == fileMark(file)?.size)
            #expect(permissions(file) == 0o600, "the values are for nobody else")
            #expect(elsewhere.entries == ["hakaru.backup"])
            #expect(try await spool.counts().stored == 12)
        }
    }

    @Test func `whatever is being written, a copy is one moment of it`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            let writing = Task {
                for number in stride(from: 1, to: 400, by: 2) {
                    // Two at once: a copy with one of them would be no moment of the store.
                    _ = try await spool.append([entry(number), entry(number + 1)], at: noon)
                }
            }
            let copies = copies
            for number in 1...6 {
                let copy = elsewhere.path + "/\(number)"
                let report = try await Task.detached { try copies.backUp(to: copy) }.value
                #expect(report.records % 2 == 0)
                #expect(report.ledgerEntries == report.records / 2)
            }
            try await writing.value
        }
    }

    @Test func `a restored store goes on where the copy was, and the former one is kept`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
            _ = try await spool.append(entries(11...15), at: noon)
        }
        let former = readFile(directory.store)
        let report = try restore(file)
        #expect(report.copy.records == 10)
        let setAside = try #require(report.setAside)
        #expect(setAside == directory.store + ".replaced-20260301030000")
        #expect(readFile(setAside) == former)
        #expect(directory.entries.count == 3, "\(directory.entries)")
        #expect(permissions(directory.store) == 0o640)
        try await withSpool(directory) { spool async throws in
            let opened = try await spool.open()
            #expect(opened.salvage == nil && !opened.isNew && !opened.wasUnclean)
            let counts = try await spool.counts()
            #expect(counts.stored == 10 && counts.delivered == 3 && counts.deadLetters == 1)
            #expect(try await spool.openBatch("db")?.keys == [key(5), key(6)])
            #expect(try await spool.memory(of: cuff)?.nextSequence == 11)
            #expect(try await spool.ledger(limit: 9).map(\.event).last == "restored")
            #expect(try await spool.verifyLedger().isWhole)
            // What the gateway took meanwhile comes again from the devices.
            #expect(try await spool.append([entry(11)], at: noon)[0].isStored)
            #expect(try await spool.append([entry(1)], at: noon) == [.duplicate(RowID(1))])
            #expect(await spool.setAsideFiles.count == 1, "a purge knows of it")
        }
    }

    @Test func `a copy is restored where there is no store at all`() async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
        }
        let new = TemporaryDirectory()
        let report = try StoreCopy(stateDirectory: new.path + "/var/lib/hakaru")
            .restore(file, keyFile: nil, by: .user(0), at: noon)
        #expect(report.setAside == nil && report.copy.waiting == 6)
    }

    @Test func `an unclean store is set aside with its log`() async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
            // As a kill leaves them.
            let crashed = TemporaryDirectory()
            for name in ["", "-wal", "-shm"] {
                writeFile(crashed.store + name, readFile(directory.store + name))
            }
            let report = try StoreCopy(stateDirectory: crashed.path)
                .restore(file, keyFile: nil, by: .user(0), at: noon)
            let kept = try #require(report.setAside)
            #expect(readFile(kept + "-wal") == readFile(directory.store + "-wal"))
        }
    }

    @Test func `while a daemon has the store nothing is restored`() async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
            let error = await failure { try restore(file) }
            #expect(error?.name == "in-use")
            #expect(error?.description.contains("stop it") == true)
            #expect(try await spool.counts().stored == 10)
        }
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var name: String
        var damage: @Sendable (_ file: String) async throws -> Void
    }

    static let broken = [
        Broken(testDescription: "no file", name: "gone") { _ = unlink($0) },
        Broken(testDescription: "an empty file", name: "not-a-store") { writeFile($0, []) },
        Broken(testDescription: "garbage", name: "failed") {
            writeFile($0, Array(repeating: 7, count: 9_000))
        },
        Broken(testDescription: "half a copy", name: "failed") {
            writeFile($0, Array(readFile($0).prefix(40_000)))
        },
        Broken(testDescription: "a page of garbage", name: "failed") {
            var bytes = readFile($0)
            for index in 20_480..<24_576 { bytes[index] = 0xa5 }
            writeFile($0, bytes)
        },
        Broken(testDescription: "a value changed by hand in the ledger", name: "failed") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("DROP TRIGGER ledger_is_fixed"))
            try copy.run(SQL("UPDATE ledger SET actor = 'nobody' WHERE id = 1"))
        },
        Broken(testDescription: "the last entry of the ledger is gone", name: "failed") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("DROP TRIGGER ledger_stays"))
            try copy.run(SQL("DELETE FROM ledger WHERE id = 2"))
        },
        Broken(testDescription: "a delivery of no record", name: "failed") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("UPDATE delivery SET record_id = 999 WHERE record_id = 1"))
        },
        Broken(testDescription: "a newer program's", name: "newer-schema") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("PRAGMA user_version = 999"))
        },
        Broken(testDescription: "another step of the schema", name: "other-schema") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("UPDATE migration SET checksum = 'x' WHERE version = 1"))
        },
        Broken(testDescription: "another program's database", name: "not-a-store") {
            let copy = Connection(try Database(path: $0))
            try copy.run(SQL("PRAGMA application_id = 1"))
        },
        Broken(testDescription: "a copy of a store in use", name: "refused") {
            writeFile($0 + "-wal", [1])
        },
    ]

    @Test(arguments: broken)
    func `what is no good copy is refused by name, and the store stays as it was`(
        broken: Broken
    ) async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
        }
        let before = readFile(directory.store)
        try await broken.damage(file)
        let error = await failure { try restore(file) }
        #expect(error?.name == broken.name, "\(String(describing: error))")
        #expect(error?.description.contains(file) == true, "\(String(describing: error))")
        #expect(readFile(directory.store) == before)
        #expect(directory.entries == ["hakaru.db", "hakaru.lock"])
    }

    @Test func `an interrupted restore leaves the store that was there, or the whole copy`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            _ = try copies.backUp(to: file)
        }
        // While the copy is being written.
        writeFile(directory.store + ".new", Array(readFile(file).prefix(5_000)))
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 10)
        }
        // Between the two renames.
        writeFile(directory.store + ".new", readFile(file))
        #expect(rename(directory.store, directory.store + ".replaced-1") == 0)
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.counts().stored == 10)
        }
    }

    @Test func `an existing file is never written over, and no half copy is left behind`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            writeFile(file, [1, 2, 3])
            #expect(await failure { try copies.backUp(to: file) }?.name == "refused")
            #expect(readFile(file) == [1, 2, 3])
            let nowhere = elsewhere.path + "/nowhere/copy"
            #expect(await failure { try copies.backUp(to: nowhere) } != nil)
            #expect(elsewhere.entries == ["hakaru.backup"])
        }
        let empty = StoreCopy(stateDirectory: elsewhere.path)
        #expect(await failure { try empty.backUp(to: elsewhere.path + "/x") }?.name == "gone")
        #expect(elsewhere.entries == ["hakaru.backup"], "asking made no store")
    }

    @Test func `sealed values stay sealed in a copy, and it is restored only with its key`()
        async throws
    {
        let keyFile = elsewhere.path + "/master.key"
        let otherKey = elsewhere.path + "/other.key"
        writeFile(keyFile, Array(String(repeating: "1a", count: 32).utf8))
        writeFile(otherKey, Array(String(repeating: "2b", count: 32).utf8))
        let sealing: (inout SpoolConfiguration) -> Void = {
            $0.encryption = StoreEncryption(keyFile: keyFile)
        }
        try await withSpool(directory, configure: sealing) { spool async throws in
            try await fill(spool)
            #expect(try copies.backUp(to: file).isSealed)
        }
        #expect(!BackupTests.holds(file, "systolic"))
        for wrong in [nil, otherKey] {
            #expect(await failure { try restore(file, keyFile: wrong) }?.name == "key-missing")
        }
        #expect(directory.entries == ["hakaru.db", "hakaru.lock"])
        #expect(try restore(file, keyFile: keyFile).copy.records == 10)
        try await withSpool(directory, configure: sealing) { spool async throws in
            let values = try await spool.records(limit: 1)[0].record.quantities
            #expect(values == bloodPressure(1).quantities)
        }
    }

    private static func holds(_ path: String, _ text: String) -> Bool {
        SpoolTests.file(path, holds: text)
    }
}
