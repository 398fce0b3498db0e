import Measurement
import Testing

@testable import Spool

@Suite struct DamageTests {
    let directory = TemporaryDirectory()

    /// A store with delivered, waiting and dead records, properly closed.
    private func fill(_ count: Int = 60) async throws {
        try await withSpool(directory) { spool async throws in
            var memory = DeviceMemory()
            memory.nextSequence = count + 1
            _ = try await spool.append(entries(1...count), at: noon, memory: (cuff, memory))
            let batch = try #require(try await spool.formBatch("db", max: 10, at: noon))
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
            _ = try await spool.formBatch("db", max: 5, at: noon)
            try await spool.increment(["frames_rejected": 4])
        }
    }

    /// Names of the set-aside files.
    private var setAside: [String] { directory.entries.filter { $0.contains(".corrupt-") } }

    @Test func `a file of garbage is set aside whole and a new store starts`() async throws {
        let garbage = (0..<9_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        writeFile(directory.store, garbage)
        try await withSpool(directory) { spool async throws in
            let report = try await spool.open()
            let salvage = try #require(report.salvage)
            #expect(salvage.setAside == "\(directory.store).corrupt-20260301030000")
            #expect(salvage.records == 0)
            #expect(!report.isNew, "it is not a first start")
            #expect(readFile(salvage.setAside) == garbage)
            #expect(try await spool.append([entry(1)], at: noon)[0].isStored)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 1)
        }
    }

    @Test func `two damaged stores of the same second are both kept`() async throws {
        for _ in 1...2 {
            writeFile(directory.store, Array(repeating: 9, count: 5_000))
            try await withSpool(directory) { spool async throws in try await spool.open() }
        }
        #expect(setAside.count == 2)
    }

    @Test(arguments: [0, 5, 16, 18, 20, 21, 28, 40, 44, 56, 100, 105, 200, 4_000])
    func `flipped bytes at the head cost no record that can still be read`(
        offset: Int
    ) async throws {
        try await fill()
        var bytes = readFile(directory.store)
        for index in offset..<offset + 3 { bytes[index] ^= 0x5a }
        writeFile(directory.store, bytes)
        try await withSpool(directory) { spool async throws in
            let report = try await spool.open()
            let stored = try await spool.counts().stored
            if let salvage = report.salvage {
                #expect(setAside.contains { salvage.setAside.hasSuffix($0) })
                #expect(salvage.records == stored)
            }
            #expect(stored == 60)
            #expect(try await spool.destinations()[0].waiting == 50)
            #expect(try await spool.memory(of: cuff)?.nextSequence == 61)
            #expect(try await spool.append([entry(1_000)], at: noon)[0].isStored)
        }
    }

    /// From the third page on the tables' first pages are hit too; from the fortieth only rows.
    @Test(arguments: [3, 43])
    func `what survives of a damaged store is in the new one, with its place in the outbox`(
        firstPage: Int
    ) async throws {
        try await fill(400)
        var bytes = readFile(directory.store)
        for page in stride(from: firstPage, to: bytes.count / 4_096, by: 7) {
            for index in 0..<4_096 { bytes[page * 4_096 + index] = 0xa5 }
        }
        writeFile(directory.store, bytes)
        // Without the log, SQLite meets the damage in use.
        try await withSpool(directory) { spool async throws in
            var met: SpoolError?
            for after in stride(from: Int64(0), to: 400, by: 20) where met == nil {
                met = await failure {
                    try await spool.records(after: RowID(after), limit: 20)
                }
            }
            #expect(met?.isDamage ?? (firstPage == 3))
            let report = try await spool.open()
            let salvage = try #require(report.salvage)
            #expect(report.integrityChecked || !salvage.damage.isEmpty)
            #expect(salvage.records > 200)
            #expect(salvage.records < 400)
            #expect(salvage.unreadableRows > 0)
            let kept = try await spool.records(limit: 1_000)
            #expect(kept.count == salvage.records)
            for stored in kept {
                let number = try #require(Int(stored.record.key.hex, radix: 16))
                #expect(stored.record == entry(number).record)
                #expect(stored.rowID == RowID(Int64(number)))
            }
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
            #expect(try await spool.list("SELECT * FROM pragma_foreign_key_check").isEmpty)
            let added = try await spool.append([entry(1_000)], at: noon)[0]
            #expect(added.rowID > RowID(400), "numbers of lost records are not used again")
        }
    }

    @Test(arguments: [1, 100, 511, 512, 4_095, 4_096, 8_192, 20_480])
    func `a store that was cut off is set aside and what is left is kept`(
        length: Int
    ) async throws {
        try await fill()
        let bytes = readFile(directory.store)
        writeFile(directory.store, Array(bytes.prefix(length)))
        try await withSpool(directory) { spool async throws in
            let report = try await spool.open()
            #expect(report.salvage != nil)
            #expect(readFile(report.salvage?.setAside ?? "").count == length)
            #expect(try await spool.append([entry(1_000)], at: noon)[0].isStored)
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
        }
    }

    @Test func `a salvage that was cut off before the exchange starts again`() async throws {
        try await fill()
        writeFile(directory.store + ".new", Array(repeating: 1, count: 100))
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 60)
        }
        #expect(directory.entries == ["hakaru.db", "hakaru.lock"])
    }

    @Test func `a salvage that was cut off in the exchange is completed`() async throws {
        try await fill()
        // The moment between the two renames: the damaged store is away, the new one not yet there.
        writeFile(directory.store + ".new", readFile(directory.store))
        writeFile(directory.store + ".corrupt-20260301000000", [1])
        removeTree(directory.store)
        writeFile(directory.store + "-wal", Array(repeating: 7, count: 4_096))
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 60)
        }
        #expect(directory.entries.contains { $0.hasPrefix("hakaru.db-wal.orphan-") })
    }

    @Test func `a torn log costs only what was not acknowledged`() async throws {
        // A copy of the files while the store is open is what a cut of power leaves.
        let copy = TemporaryDirectory()
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...5), at: noon)
            let whole = readFile(directory.store + "-wal").count
            _ = try await spool.append([entry(6)], at: noon)
            writeFile(copy.store, readFile(directory.store))
            let log = readFile(directory.store + "-wal")
            writeFile(copy.store + "-wal", Array(log.prefix((whole + log.count) / 2)))
        }
        try await withSpool(copy) { spool async throws in
            let report = try await spool.open()
            #expect(report.wasUnclean)
            #expect(report.integrityChecked)
            #expect(report.salvage == nil)
            #expect(try await spool.records(limit: 9).map(\.record.key) == (1...5).map(key))
        }
    }
}
