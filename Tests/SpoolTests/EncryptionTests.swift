import Crypto
import Glibc
import Measurement
import Testing

@testable import Spool

/// Values on the disk that nobody can read without the key.
@Suite struct EncryptionTests {
    let directory = TemporaryDirectory()
    let keys = TemporaryDirectory()
    private static let first = String(repeating: "1a", count: 32)
    private static let second = String(repeating: "2b", count: 32)

    private var keyFile: String { keys.path + "/master.key" }
    private func write(_ lines: String...) {
        writeFile(keyFile, Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func withSealed(
        seals: Bool = true, _ body: (Spool) async throws -> Void
    ) async throws {
        try await withSpool(
            directory,
            configure: { $0.encryption = StoreEncryption(keyFile: keyFile, seals: seals) }, body)
    }

    private func marked(_ number: Int, of participant: String? = "P0000001") -> SpoolEntry {
        var made = entry(number)
        made.participant = participant
        made.record.quantities = [Quantity(.weight, ExactDecimal("98.7654"), .kilogram)]
        made.record.flags = ["fasting"]
        made.frames = [RawFrame(source: "usb", bytes: Array("the-frame".utf8))]
        made.fingerprint = "weight the-frame"
        made.duplicateWindow = .seconds(1)
        return made
    }

    private static let traces = [
        "98.7654", "the-frame", "fasting", "the-answer", "the-evidence",
        "the-document",
    ]

    private var found: [String] {
        directory.entries.flatMap { name in
            Self.traces.filter { file(directory.path + "/" + name, holds: $0) }
                .map { "\(name): \($0)" }
        }
    }

    private func fill(_ spool: Spool) async throws {
        _ = try await spool.append([marked(1), marked(20, of: nil)], at: noon)
        var waiting = marked(40)
        waiting.record.time = nil
        waiting.record.quarantine = .noClockSync
        waiting.evidence = StoredEvidence(boot: "b", text: "the-evidence")
        _ = try await spool.append([waiting], at: noon)
        let batch = try #require(try await spool.formBatch("db", max: 1, at: noon))
        try await spool.resolve(
            batch,
            batch.all(
                .rejected(reason: "no", answer: "the-answer", document: "the-document")),
            at: noon)
    }

    private func check(_ spool: Spool) async throws {
        let records = try await spool.records(limit: 9)
        #expect(
            records.map(\.record)
                == [marked(1), marked(20), marked(40)].map {
                    var record = $0.record
                    if record.key == key(40) {
                        (record.time, record.quarantine) = (nil, .noClockSync)
                    }
                    return record
                })
        for record in records {
            #expect(try await spool.frames(of: record.rowID) == marked(1).frames)
        }
        #expect(try await spool.evidence(of: records[2].rowID)?.text == "the-evidence")
        #expect(try await spool.deadLetters().map(\.answer) == ["the-answer"])
        #expect(try await spool.deadLetters().map(\.document) == ["the-document"])
    }

    @Test func `no file holds a value, a frame, a flag or an answer, and all reads back`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            try await fill(spool)
            #expect(found == [])
            try await check(spool)
        }
        #expect(found == [])
        try await withSealed { spool async throws in try await check(spool) }
    }

    @Test func `without the switch the same search finds them`() async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            #expect(
                Set(Self.traces.filter { text in found.contains { $0.hasSuffix(text) } })
                    == Set(Self.traces))
        }
    }

    @Test func `what was stored plainly is sealed when the key comes, and its pages are rewritten`()
        async throws
    {
        try await withSpool(directory) { spool async throws in try await fill(spool) }
        #expect(!found.isEmpty)
        write(Self.first)
        try await withSealed { spool async throws in
            #expect(try await spool.sealAll(at: noon) == 3)
            #expect(found == [])
            try await check(spool)
            #expect(try await spool.sealAll(at: noon) == 0)
        }
    }

    private func plain(_ spool: Spool) async throws -> Int64 {
        try await spool.number("SELECT COUNT(*) FROM record WHERE sealed_by IS NULL")
    }

    @Test func `a store that was sealed whole is not looked through again at each start`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            try await fill(spool)
            #expect(try await spool.sealAll(at: noon) == 0)
        }
        try await withSealed { spool async throws in
            // Nothing of the gateway's makes such a row; only a look through all of them finds it.
            try await spool.change(
                "UPDATE record SET sealed_by = NULL, sealed = NULL, quantities = '[]', flags = '[]' WHERE id = 1"
            )
            #expect(try await spool.sealAll(at: noon) == 0)
            #expect(try await plain(spool) == 1)
            try await spool.change("DELETE FROM remembered WHERE name = 'sealing'")
            #expect(try await spool.sealAll(at: noon) == 1)
            #expect(try await plain(spool) == 0)
        }
    }

    @Test func `what was stored while sealing was switched off is sealed when it is on again`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            try await fill(spool)
            _ = try await spool.sealAll(at: noon)
        }
        // Off, but the key is there for what lies sealed.
        try await withSealed(seals: false) { spool async throws in
            _ = try await spool.append([marked(60)], at: noon)
            #expect(try await spool.sealAll(at: noon) == 0)
            #expect(try await plain(spool) == 1)
        }
        #expect(!found.isEmpty)
        try await withSealed { spool async throws in
            #expect(try await spool.sealAll(at: noon) == 1)
            #expect(found == [])
        }
    }

    @Test func `when the power fails between sealing and rewriting, the next start rewrites`()
        async throws
    {
        try await withSpool(directory) { spool async throws in try await fill(spool) }
        write(Self.first)
        try await withSealed { spool async throws in
            let step = try await spool.sealMore(after: RowID(0), at: noon)
            #expect(step?.last == RowID(3) && step?.unreadable == 0)
            try await spool.change(
                "CREATE TABLE f(x); INSERT INTO f VALUES(zeroblob(200000)); DROP TABLE f")
        }
        try await withSealed { spool async throws in
            #expect(try await spool.number("PRAGMA freelist_count") > 40)
            #expect(try await spool.sealAll(at: noon) == 0)
            #expect(try await spool.number("PRAGMA freelist_count") == 0)
            #expect(found == [])
        }
    }

    @Test func `a row that cannot be read is tried again at each start and stops no other`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            try await spool.change("UPDATE record SET quantities = 'no list' WHERE id = 1")
        }
        write(Self.first)
        for sealed in [2, 0] {
            try await withSealed { spool async throws in
                #expect(try await spool.sealAll(at: noon) == sealed)
                #expect(try await plain(spool) == 1)
            }
        }
        try await withSealed { spool async throws in
            try await spool.change("UPDATE record SET quantities = '[]' WHERE id = 1")
            #expect(try await spool.sealAll(at: noon) == 1)
        }
    }

    struct Lost: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var content: String?
        var says: String
    }

    @Test(arguments: [
        Lost(testDescription: "no file", content: nil, says: "No such file"),
        Lost(testDescription: "another key", content: second, says: "sealed under master key"),
        Lost(testDescription: "half a key", content: "1a1a", says: "line 1 is no key"),
        Lost(testDescription: "an empty file", content: "\n", says: "holds no key"),
        Lost(testDescription: "not a key", content: "zz" + first.dropFirst(2), says: "line 1"),
    ])
    func `a lost key is a clear error, nothing is changed, and the key put back opens all`(
        lost: Lost
    ) async throws {
        write(Self.first)
        try await withSealed { spool async throws in try await fill(spool) }
        unlink(keyFile)
        if let content = lost.content { write(content) }
        try await withSealed { spool async throws in
            for _ in 1...2 {
                let error = await failure { try await spool.append([marked(60)], at: noon) }
                #expect(error?.name == "key-missing")
                #expect(error?.description.contains(lost.says) == true, "\(error.debugDescription)")
                #expect(error?.description.contains(Self.first) == false)
            }
            write(Self.first)
            try await check(spool)
        }
    }

    @Test func `a sealed store does not open without its key being named`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in try await fill(spool) }
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error?.name == "key-missing")
            #expect(error?.description.contains("storage.encryption") == true)
        }
        #expect(!directory.entries.contains { $0.contains("corrupt") })
    }

    @Test func `switched off, what is sealed stays readable and what is new is plain`() async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            _ = try await spool.append([marked(1)], at: noon)
        }
        try await withSealed(seals: false) { spool async throws in
            var new = marked(2)
            new.frames[0].bytes = Array("the-answer".utf8)
            new.fingerprint = "other"
            _ = try await spool.append([new], at: noon)
            #expect(try await spool.records(limit: 9).count == 2)
            #expect(try await spool.frames(of: RowID(1)) == marked(1).frames)
            #expect(found.contains { $0.hasSuffix("the-answer") })
        }
    }

    @Test func `the master key is changed while the store works, and the old one may go`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            try await fill(spool)
            write(Self.second, Self.first)
            #expect(try await spool.rotateKeys(by: .user(0), at: noon) == 2)
            #expect(try await spool.rotateKeys(by: .user(0), at: noon) == 0)
            write(Self.second)
            _ = try await spool.append([marked(60)], at: noon)
            let event = try #require(try await spool.ledger(limit: 99).last { $0.actor == "uid 0" })
            #expect(event.event == "keys-rotated")
            #expect(!event.details.contains(Self.second))
        }
        try await withSealed { spool async throws in
            #expect(try await spool.records(limit: 9).count == 4)
        }
    }

    @Test func `a new key without the old one below it changes nothing`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in try await fill(spool) }
        try await withSealed { spool async throws in
            _ = try await spool.open()
            write("not a key")
            #expect(
                await failure { try await spool.rotateKeys(by: .gateway, at: noon) }?.name
                    == "key-missing")
            write(Self.first)
            try await check(spool)
        }
        try await withSpool(TemporaryDirectory()) { spool async throws in
            #expect(
                await failure { try await spool.rotateKeys(by: .gateway, at: noon) }?.name
                    == "refused")
        }
    }

    @Test func `each person has a key of their own, and a purge drops it first`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in
            _ = try await spool.append([marked(1), marked(20, of: "P0000002")], at: noon)
            #expect(
                try await spool.list("SELECT owner FROM data_key ORDER BY owner")
                    == ["", "P0000001", "P0000002"])
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            #expect(
                try await spool.list("SELECT owner FROM data_key ORDER BY owner")
                    == ["", "P0000002"])
            #expect(try await spool.records(limit: 9).map(\.participant) == ["P0000002"])
        }
    }

    @Test func `a record that gets its owner is sealed under the owner's key`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in
            let row = try await spool.append([marked(1, of: nil)], at: noon)[0].rowID
            try await spool.assign(
                row, to: "P0000001", rule: "device-owner",
                destinations: [EntryDestination("db", .waiting)], at: noon)
            let owners = """
                SELECT k.owner FROM record r JOIN data_key k ON k.id = r.sealed_by UNION ALL
                SELECT k.owner FROM raw_frame f JOIN data_key k ON k.id = f.sealed_by
                """
            #expect(try await spool.list(owners) == ["P0000001", "P0000001"])
            #expect(try await spool.frames(of: row) == marked(1).frames)
            #expect(try await spool.formBatch("db", max: 1, at: noon)?.items.count == 1)
        }
    }

    @Test func `a changed or moved value is not read as another one; the others go on`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            _ = try await spool.append([marked(1), marked(20), marked(40)], at: noon)
            // A value of one record in the place of another's.
            try await spool.change(
                "UPDATE record SET sealed = (SELECT sealed FROM record WHERE id = 2) WHERE id = 1")
            let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
            #expect(batch.keys == [key(20), key(40)])
            #expect(
                try await spool.list("SELECT reason FROM delivery WHERE record_id = 1")
                    == ["unreadable: sealed values"])
        }
    }

    @Test func `a reading that is heard twice is one also where its bytes are blinded`()
        async throws
    {
        write(Self.first)
        try await withSealed { spool async throws in
            _ = try await spool.append([marked(1)], at: noon)
            var again = marked(1)
            again.record.key = key(99)
            #expect(try await spool.append([again], at: noon)[0].isDuplicate)
        }
    }

    @Test func `a running day goes on growing under the seal`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in
            var day = marked(1)
            day.grows = true
            _ = try await spool.append([day], at: noon)
            #expect(try await spool.append([day], at: noon)[0].isDuplicate)
            day.record.quantities = [Quantity(.weight, ExactDecimal("99"), .kilogram)]
            day.record.received.utc = noon + .seconds(600)
            guard case .grown(let row) = try await spool.append([day], at: noon)[0] else {
                Issue.record("it did not grow")
                return
            }
            #expect(
                try await spool.record(row)?.record.quantities == day.record.quantities)
        }
    }

    @Test func `a damaged sealed store is salvaged with its keys`() async throws {
        write(Self.first)
        try await withSealed { spool async throws in
            _ = try await spool.append((1...40).map { marked($0 * 10) }, at: noon)
        }
        var bytes = readFile(directory.store)
        bytes.replaceSubrange(0..<200, with: [UInt8](repeating: 0x55, count: 200))
        writeFile(directory.store, bytes)
        try await withSealed { spool async throws in
            let report = try await spool.open()
            #expect(report.salvage?.records == 40)
            #expect(try await spool.records(limit: 99).count == 40)
        }
    }
}
