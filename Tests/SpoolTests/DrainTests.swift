import Measurement
import Testing

@testable import Spool

/// A drain in which each answer and the next batch share a transaction.
@Suite struct DrainTests {
    let directory = TemporaryDirectory()

    @Test func `a drain waits for the disk once a batch`() async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append(entries(1...50), at: noon)
            var batch = try #require(try await spool.formBatch("db", max: 5, at: noon))
            let before = faults.synchronised("-wal")
            var keys: [RecordKey] = []
            while true {
                keys += batch.keys
                try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: 5)
                guard let next = try await spool.openBatch("db") else { break }
                batch = next
            }
            #expect(keys == (1...50).map(key))
            #expect(faults.synchronised("-wal") - before == 10)
            #expect(try await spool.counts().delivered == 50)
        }
    }

    @Test func `the next batch has the key that it would have had, over a restart too`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: 2)
        }
        let key = try await withSpool(directory) { spool async throws in
            try #require(try await spool.openBatch("db")?.idempotencyKey)
        }
        let other = TemporaryDirectory()
        try await withSpool(other) { spool async throws in
            _ = try await spool.append(entries(3...4), at: noon)
            #expect(try await spool.formBatch("db", max: 2, at: noon)?.idempotencyKey == key)
        }
    }

    @Test func `what happens to a record meanwhile is in the batch that is sent`() async throws {
        try await withSpool(directory) { spool async throws in
            var running = entry(2)
            running.grows = true
            _ = try await spool.append([entry(1), running, entry(3)], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 1, at: noon))
            try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: 5)
            let formed = try #require(try await spool.openBatch("db"))
            #expect(try await spool.openBatch("db") == formed)
            // The device goes on counting: the batch that stood for the former value is no more.
            running.record.quantities[0].number = ExactDecimal(131)
            running.record.deviceTime = running.record.deviceTime?.adding(.seconds(60))
            running.record.received.utc = running.record.received.utc + .seconds(60)
            #expect(try await spool.append([running], at: noon) == [.grown(RowID(2))])
            #expect(try await spool.openBatch("db") == nil)
            let again = try #require(try await spool.formBatch("db", max: 5, at: noon))
            #expect(again.items[0].record.quantities[0].number == ExactDecimal(131))
            #expect(again.idempotencyKey != formed.idempotencyKey)
        }
    }

    @Test func `a purged person's records are not in the batch that was formed before`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            var others = entry(2)
            others.participant = "P0000002"
            _ = try await spool.append([entry(1), others, entry(3)], at: noon)
            _ = try await spool.formBatch("db", max: 5, at: noon)
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            #expect(try await spool.openBatch("db") == nil)
            #expect(try await spool.formBatch("db", max: 5, at: noon)?.keys == [key(2)])
        }
    }

    @Test func `a batch of one destination is not taken for another's`() async throws {
        try await withSpool(directory) { spool async throws in
            var both = entry(1)
            both.destinations = [EntryDestination("a", .waiting), EntryDestination("b", .waiting)]
            _ = try await spool.append([both], at: noon)
            let first = try await spool.formBatch("a", max: 5, at: noon)
            let second = try await spool.formBatch("b", max: 5, at: noon)
            #expect(try await spool.openBatch("a") == first)
            #expect(try await spool.openBatch("b") == second)
            #expect(first?.id != second?.id)
        }
    }

    @Test func `where the answer cannot be written no next batch is promised`() async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 2, at: noon))
            faults.fill()
            let error = await failure {
                try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: 2)
            }
            #expect(error?.name == "disk-full")
            faults.heal()
            #expect(try await spool.openBatch("db") == batch, "the same one again")
            #expect(try await spool.counts().delivered == 0)
        }
    }

    @Test
    func `what is taken back out of a batch under way is named until the batch is another one`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let open = try #require(try await spool.formBatch("db", max: 9, at: noon))
            #expect(try await spool.withdrawn(fromBatch: open.id).isEmpty)
            // Another write makes it look again, and find the same.
            _ = try await spool.append([entry(4)], at: noon)
            #expect(try await spool.withdrawn(fromBatch: open.id).isEmpty)
            _ = try await spool.withdraw(RowID(2), reason: "x", by: .user(1_000), at: noon)
            #expect(try await spool.withdrawn(fromBatch: open.id) == [RowID(2)])
            #expect(try await spool.withdrawn(fromBatch: open.id + 1).isEmpty)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.withdrawn(fromBatch: 1) == [RowID(2)], "after a restart too")
            let next = try #require(try await spool.formBatch("db", max: 9, at: noon))
            #expect(next.keys == [key(1), key(3), key(4)])
            #expect(try await spool.withdrawn(fromBatch: next.id).isEmpty)
        }
    }
}
