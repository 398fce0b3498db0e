import Measurement
import Testing

@testable import Spool

@Suite struct OutboxTests {
    let directory = TemporaryDirectory()

    @Test func `per device the oldest measurement goes first, in whatever order they came`()
        async throws
    {
        let mixed = [
            entry(1, secondsAfterNoon: 30), entry(2, device: scale, secondsAfterNoon: 20),
            entry(3, secondsAfterNoon: 10), entry(4, device: scale, secondsAfterNoon: 40),
            entry(5, secondsAfterNoon: -3_600), entry(6, secondsAfterNoon: 30),
        ]
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(mixed, at: noon)
            let due = try await spool.due("db", limit: 10)
            #expect(due.map(\.record.key) == [5, 3, 2, 1, 6, 4].map(key))
            #expect(try await spool.due("db", limit: 10) == due, "the order is stable")
            let ofCuff = due.filter { $0.record.device.id == cuff }.map(\.record.key)
            #expect(ofCuff == [5, 3, 1, 6].map(key))
        }
    }

    @Test func `an item holds what a document needs`() async throws {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([entry(1)], at: noon + .milliseconds(123))[0].rowID
            let item = OutboxItem(
                rowID: row, delivery: 1, record: entry(1).record, participant: "P0000001",
                storedAt: noon + .milliseconds(123))
            #expect(try await spool.due("db", limit: 1) == [item])
            #expect(try await spool.due("other", limit: 1).isEmpty)
        }
    }

    @Test func `a batch is the same with the same key on every try`() async throws {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.openBatch("db") == nil)
            #expect(try await spool.formBatch("db", max: 3, at: noon) == nil)
            _ = try await spool.append(entries(1...5), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(first.keys == (1...3).map(key))
            #expect(first.idempotencyKey.utf8.count == 32)
            _ = try await spool.append([entry(6, secondsAfterNoon: -60)], at: noon)
            #expect(try await spool.openBatch("db") == first)
            #expect(try await spool.formBatch("db", max: 99, at: noon + .seconds(5)) == first)
        }
    }

    @Test func `a batch keeps its records and its key over a restart`() async throws {
        let formed = try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...5), at: noon)
            return try #require(try await spool.formBatch("db", max: 3, at: noon))
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.openBatch("db") == formed)
            try await spool.resolve(formed, formed.all(.accepted), at: noon)
            let next = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(next.keys == (4...5).map(key))
            #expect(next.idempotencyKey != formed.idempotencyKey)
        }
    }

    @Test func `the same records get the same key again after they waited on`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
            try await spool.resolve(batch, batch.all(.retry), at: noon)
            #expect(try await spool.openBatch("db") == batch)
            try await spool.resolve(batch, [], at: noon)
            #expect(try await spool.openBatch("db") == batch)
        }
    }

    @Test func `destinations have batches of their own with keys of their own`() async throws {
        var both = entry(1)
        both.destinations = [EntryDestination("a", .waiting), EntryDestination("b", .waiting)]
        let sent = both
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            let a = try #require(try await spool.formBatch("a", max: 9, at: noon))
            let b = try #require(try await spool.formBatch("b", max: 9, at: noon))
            #expect(a.idempotencyKey != b.idempotencyKey)
            try await spool.resolve(a, a.all(.accepted), at: noon)
            #expect(
                try await spool.record(row)?.deliveries.map(\.state) == [.delivered, .waiting])
            #expect(try await spool.openBatch("b") == b)
        }
    }

    @Test func `every record of a batch gets its own verdict`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...5), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 5, at: noon))
            let rows = batch.items.map(\.rowID)
            try await spool.resolve(
                batch,
                [
                    RecordResult(rows[0], .accepted), RecordResult(rows[1], .duplicate),
                    RecordResult(
                        rows[2], .rejected(reason: "body_weight", answer: "{\"index\":2}")),
                    RecordResult(rows[3], .retry),
                ], at: noon + .seconds(7))
            let states = try await spool.records(limit: 9).map { $0.deliveries[0] }
            #expect(states.map(\.state) == [.delivered, .delivered, .dead, .waiting, .waiting])
            #expect(states[0].deliveredAt == noon + .seconds(7))
            #expect(states[1].reason == "duplicate")
            #expect(states[2].reason == "body_weight")
            let letter = DeadLetter(
                rowID: rows[2], destination: "db", reason: "body_weight",
                answer: "{\"index\":2}", at: noon + .seconds(7), key: key(3))
            #expect(try await spool.deadLetters() == [letter])
            #expect(try await spool.openBatch("db") == nil)
            let next = try #require(try await spool.formBatch("db", max: 5, at: noon))
            #expect(next.keys == (4...5).map(key))
            #expect(next.idempotencyKey != batch.idempotencyKey)
        }
    }

    @Test func `a batch is halved until the culprit stands alone, in order`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...5), at: noon)
            var sent: [[RecordKey]] = []
            var keys: Set<String> = []
            // The receiver refuses every document that holds record 4.
            while let batch = try await spool.formBatch("db", max: 5, at: noon) {
                sent.append(batch.keys)
                keys.insert(batch.idempotencyKey)
                if !batch.keys.contains(key(4)) {
                    try await spool.resolve(batch, batch.all(.accepted), at: noon)
                } else if batch.items.count > 1 {
                    try await spool.split(batch: batch.id)
                } else {
                    try await spool.resolve(
                        batch, batch.all(.rejected(reason: "400", answer: "no")), at: noon)
                }
            }
            #expect(
                sent.map { $0.map { Int($0.hex, radix: 16) } } == [
                    [1, 2, 3, 4, 5], [1, 2, 3], [4, 5], [4], [5],
                ])
            #expect(keys.count == 5)
            let counts = try await spool.counts()
            #expect(counts.delivered == 4)
            #expect(counts.deadLetters == 1)
            #expect(counts.waiting == 0)
        }
    }

    @Test func `halves survive a restart with their order and keys`() async throws {
        let halves = try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 4, at: noon))
            try await spool.split(batch: batch.id)
            return try #require(try await spool.openBatch("db"))
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.openBatch("db") == halves)
            #expect(halves.keys == (1...2).map(key))
            try await spool.split(batch: halves.id)
            var order: [RecordKey] = []
            while let batch = try await spool.openBatch("db") {
                order += batch.keys
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
            }
            #expect(order == (1...4).map(key))
        }
    }

    @Test func `verdicts on what is not in the batch are refused and change nothing`() async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 2, at: noon))
            let stranger = RecordResult(RowID(3), .accepted)
            let wrong = await failure {
                try await spool.resolve(batch, batch.all(.accepted) + [stranger], at: noon)
            }
            #expect(wrong == .refused("row 3 is not in batch 1"))
            #expect(try await spool.openBatch("db") == batch)
            #expect(try await spool.counts().delivered == 0)
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
            let twice = await failure {
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
            }
            #expect(twice == .refused("batch 1 is not open"))
            #expect(try await spool.destinations()[0].delivered == 2)
        }
    }

    @Test func `a batch of one cannot be halved`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 2, at: noon))
            #expect(await failure { try await spool.split(batch: batch.id) }?.name == "refused")
            #expect(try await spool.openBatch("db") == batch)
        }
    }

    @Test func `a batch with a row that cannot be read any more is formed anew without it`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let before = try #require(try await spool.formBatch("db", max: 3, at: noon))
            try await spool.tamper("UPDATE record SET time_basis = 'hearsay' WHERE id = 2")
            #expect(try await spool.openBatch("db") == nil)
            let after = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(after.keys == [key(1), key(3)])
            #expect(after.idempotencyKey != before.idempotencyKey)
            #expect(try await spool.openBatch("db") == after)
        }
    }

    @Test func `what must not go or has no place leaves the batch without being delivered`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
            let rows = batch.items.map(\.rowID)
            try await spool.resolve(
                batch: batch.id,
                [
                    RecordResult(rows[0], .held(reason: "consent withdrawn")),
                    RecordResult(rows[1], .noTable),
                ], at: noon)
            let places = try await spool.records(limit: 9).map { $0.deliveries[0] }
            #expect(places.map(\.state) == [.held, .noTable, .waiting])
            #expect(places[0].reason == "consent withdrawn")
            let counters = try await spool.counters()
            #expect(counters["records_held"] == 1)
            #expect(counters["records_without_table"] == 1)
            #expect(try await spool.destinations()[0].lastDeliveredAt == nil)
            #expect(try await spool.formBatch("db", max: 3, at: noon)?.keys == [key(3)])
        }
    }

    @Test func `a batch is halved by its number only while it is the one under way`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 4, at: noon))
            try await spool.split(batch: batch.id)
            let first = try #require(try await spool.openBatch("db"))
            #expect(first.keys == [key(1), key(2)])
            let gone = await failure { try await spool.split(batch: batch.id) }
            #expect(gone == .refused("batch \(batch.id) is not open"))
            try await spool.split(batch: first.id + 1)
            #expect(try await spool.openBatch("db") == first, "the second half has to wait")
        }
    }

    @Test func `a row that cannot be read is held and does not stop the ones behind it`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            try await spool.tamper("UPDATE record SET kind = 'telepathy' WHERE id = 1")
            try await spool.tamper(
                "UPDATE record SET quantities = '[{\"name\":\"weight\",\"number\":\"x\"}]' WHERE id = 2"
            )
            let batch = try #require(try await spool.formBatch("db", max: 2, at: noon))
            #expect(batch.keys == [key(3)])
            #expect(try await spool.counters()["records_held"] == 2)
            #expect(try await spool.destinations()[0].held == 2)
        }
    }
}

extension Spool {
    /// Changes the file as a hand with a tool would.
    func tamper(_ statement: String) throws {
        outlook.forget()
        try reading { connection throws(SpoolError) in
            try connection.database.execute(statement, during: "tampering")
        }
    }
    /// One integer that a statement gives.
    func number(_ statement: String) throws -> Int64 {
        try reading { connection throws(SpoolError) in try connection.integer(SQL(statement)) }
    }
    func change(_ statement: String) throws {
        try writing { connection throws(SpoolError) in
            try connection.database.execute(statement, during: "a test")
        }
    }
    func list(_ statement: String) throws -> [String] {
        try reading { connection throws(SpoolError) in
            try connection.all(SQL(statement)) { row throws(SpoolError) in row.text() }
        }
    }
}
