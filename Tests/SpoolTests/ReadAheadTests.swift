import Measurement
import Testing

@testable import Spool

/// What is read while a batch travels saves time and must change nothing else.
@Suite struct ReadAheadTests {
    let directory = TemporaryDirectory()

    /// Drains one destination; gives keys and idempotency keys in the order of sending.
    private func drain(
        _ spool: Spool, max: Int, ahead: Bool,
        meanwhile: (Int, Batch) async throws -> Void = { _, _ in }
    ) async throws -> [String] {
        var sent: [String] = []
        var open = try await spool.formBatch("db", max: max, at: noon)
        while let batch = open {
            sent.append(batch.idempotencyKey)
            if ahead { try await spool.readAhead("db", max: max) }
            try await meanwhile(sent.count, batch)
            try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: max)
            open = try await spool.openBatch("db")
        }
        return sent
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `batches and their keys are the same with and without it`(max: Int) async throws {
        let other = TemporaryDirectory()
        var drains: [[String]] = []
        for (place, ahead) in [(directory, true), (other, false)] {
            try await withSpool(place) { spool async throws in
                // Stored in another order than observed.
                for number in [9, 2, 7, 4, 1, 8, 3, 6, 5] {
                    _ = try await spool.append([entry(number)], at: noon)
                }
                drains.append(try await drain(spool, max: max, ahead: ahead))
                #expect(try await spool.counts().delivered == 9)
            }
        }
        #expect(drains[0] == drains[1])
    }

    @Test func `a drain reads no record twice`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            #expect(spool.outlook.ahead(behind: first.id, max: 2)?.map(\.row.number) == [3, 4])
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(3), key(4)])
            #expect(spool.outlook.ahead(behind: first.id, max: 2) == nil, "it is used up")
        }
    }

    @Test func `an older reading that comes meanwhile goes first`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(10...13), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            _ = try await spool.append([entry(1)], at: noon)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(1), key(12)])
        }
    }

    @Test func `what the receiver said nothing of goes before what was read`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            let word = [RecordResult(first.items[1].rowID, .accepted)]
            try await spool.resolve(batch: first.id, word, at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(1), key(3)])
        }
    }

    @Test func `a refusal in the batch does not hold up what was read`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            let words = [
                RecordResult(first.items[0].rowID, .rejected(reason: "422", answer: "")),
                RecordResult(first.items[1].rowID, .duplicate),
            ]
            try await spool.resolve(batch: first.id, words, at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(3), key(4)])
            #expect(try await spool.counts().deadLetters == 1)
        }
    }

    @Test func `a reading that is taken back meanwhile is not sent`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            _ = try await spool.withdraw(RowID(3), reason: "x", by: .user(1_000), at: noon)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(4)])
        }
    }

    @Test func `a purge meanwhile leaves nothing of the person to be sent`() async throws {
        try await withSpool(directory) { spool async throws in
            var others = entry(4)
            others.participant = "P0000002"
            _ = try await spool.append(entries(1...3) + [others], at: noon)
            _ = try await spool.formBatch("db", max: 2, at: noon)
            try await spool.readAhead("db", max: 2)
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            #expect(try await spool.openBatch("db") == nil)
            #expect(try await spool.formBatch("db", max: 2, at: noon)?.keys == [key(4)])
        }
    }

    @Test func `another size, another destination or no batch at all: it is not used`() async throws
    {
        try await withSpool(directory) { spool async throws in
            try await spool.readAhead("db", max: 2)  // nothing is under way
            _ = try await spool.append(entries(1...6), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("elsewhere", max: 2)
            #expect(spool.outlook.ahead(behind: first.id, max: 2) == nil)
            try await spool.readAhead("db", max: 2)
            #expect(spool.outlook.ahead(behind: first.id + 1, max: 2) == nil)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 1)
            #expect(try await spool.openBatch("db")?.keys == [key(3)])
        }
    }

    @Test func `an answer that cannot be written keeps batch and order`() async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.readAhead("db", max: 2)
            faults.fill()
            _ = await failure {
                try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            }
            faults.heal()
            #expect(try await spool.openBatch("db") == first)
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            #expect(try await spool.openBatch("db")?.keys == [key(3), key(4)])
            #expect(try await spool.counts().delivered == 2)
        }
    }

    @Test func `the ledger tells of a batch the same, looked up or remembered`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...4), at: noon)
            let first = try #require(try await spool.formBatch("db", max: 2, at: noon))
            try await spool.resolve(batch: first.id, first.all(.accepted), at: noon, next: 2)
            let second = try #require(try await spool.openBatch("db"))
            _ = try await spool.append([entry(9)], at: noon)  // now it has to be looked up
            try await spool.resolve(batch: second.id, second.all(.accepted), at: noon)
            let lines = try await spool.ledger(limit: 100).filter { $0.event == "delivery" }
            let told = [first, second].map { batch in
                let keys = batch.keys.map { "\"\($0.hex)\"" }.joined(separator: ",")
                return
                    "{\"idempotency_key\":\"\(batch.idempotencyKey)\",\"accepted\":[\(keys)]}"
            }
            #expect(lines.map(\.details) == told)
            #expect(try await spool.verifyLedger().problems.isEmpty)
        }
    }
}
