import GatewayTestKit
import Measurement
import Testing

@testable import Spool

/// The numbers of the status are kept, not counted: they must never part from the rows.
@Suite struct TallyTests {
    let directory = TemporaryDirectory()

    /// Counts the rows, as nobody else does.
    private func counted(_ spool: Spool) async throws -> SpoolCounts {
        func number(_ condition: String) async throws -> Int {
            Int(try await spool.number("SELECT COUNT(*) FROM record WHERE \(condition)"))
        }
        func some(_ state: String) async throws -> Int {
            try await number("id IN (SELECT record_id FROM delivery WHERE state = '\(state)')")
        }
        var counts = SpoolCounts()
        counts.stored = try await number("true")
        counts.waiting = try await some("waiting")
        counts.unassigned = try await number(
            "participant IS NULL AND quarantine IS NULL AND participant_rule IS NOT 'guest' "
                + "AND discarded_at IS NULL")
        counts.quarantined = try await number("quarantine IS NOT NULL AND discarded_at IS NULL")
        counts.discarded = try await number("quarantine IS NOT NULL AND discarded_at IS NOT NULL")
        counts.deadLetters = try await some("dead")
        counts.delivered = try await some("delivered")
        return counts
    }

    private func countedDestinations(_ spool: Spool) async throws -> [String] {
        try await spool.list(
            """
            SELECT destination || ' ' || state || ' ' || COUNT(*) FROM delivery
            GROUP BY destination, state ORDER BY destination, state
            """)
    }

    private func keptDestinations(_ spool: Spool) async throws -> [String] {
        try await spool.list(
            """
            SELECT destination || ' ' || name || ' ' || number FROM tally
            WHERE destination <> '' AND number <> 0 ORDER BY destination, name
            """)
    }

    private func agree(_ spool: Spool, _ when: String) async throws {
        #expect(try await spool.counts() == counted(spool), "\(when)")
        #expect(try await keptDestinations(spool) == countedDestinations(spool), "\(when)")
    }

    private func made(_ number: Int, _ chance: inout SeededGenerator) -> SpoolEntry {
        var made = chance.next() % 7 == 0 ? quarantined(number) : entry(number)
        if chance.next() % 5 == 0 { made.participant = nil }
        if made.participant == nil, chance.next() % 2 == 0 {
            made.participantRule = SpoolEntry.guestRule
        }
        made.destinations = [EntryDestination("a", .waiting)]
        if chance.next() % 2 == 0 { made.destinations.append(EntryDestination("b", .waiting)) }
        if chance.next() % 3 == 0 { made.destinations.append(EntryDestination("c", .noTable)) }
        return made
    }

    private func answer(_ chance: inout SeededGenerator) -> RecordResult.Outcome {
        switch chance.next() % 6 {
        case 0: .rejected(reason: "422", answer: "")
        case 1: .held(reason: "no consent")
        case 2: .duplicate
        case 3: .noTable
        default: .accepted
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `after whatever happens to records the kept numbers are those of the rows`(
        seed: UInt64
    ) async throws {
        var chance = SeededGenerator(seed: seed)
        try await withSpool(directory) { spool async throws in
            var number = 0
            for step in 1...60 {
                switch chance.next() % 8 {
                case 0...3:
                    number += 1
                    _ = try await spool.append([made(number, &chance)], at: noon)
                case 4, 5:
                    let name = chance.next() % 2 == 0 ? "a" : "b"
                    guard let batch = try await spool.formBatch(name, max: 4, at: noon) else {
                        continue
                    }
                    let results = batch.items.map { RecordResult($0.rowID, answer(&chance)) }
                    try await spool.resolve(batch, results, at: noon)
                case 6:
                    if let letter = try await spool.deadLetters(limit: 1).first {
                        _ = try await spool.retryDeadLetter(
                            letter.rowID, at: letter.destination, by: .gateway, now: noon)
                    }
                default:
                    _ = try await spool.applyRetention(
                        delivered: .zero, rawFrames: .zero, now: noon + .seconds(1))
                }
                try await agree(spool, "seed \(seed), step \(step)")
            }
            _ = try await spool.purge(
                "P0000001", setAside: false, by: .gateway, at: noon)
            try await agree(spool, "after the purge")
        }
    }

    /// A batch that nothing has touched is counted at once: with one destination, and only then.
    @Test(arguments: [11, 12, 13, 14, 15, 16] as [UInt64])
    func `whole batches are counted as their records are, whatever comes between`(
        seed: UInt64
    ) async throws {
        var chance = SeededGenerator(seed: seed)
        try await withSpool(directory) { spool async throws in
            var number = 0
            for step in 1...60 {
                let several = seed > 13 && chance.next() % 3 == 0
                for _ in 0..<(chance.next() % 4) {
                    number += 1
                    var running = entry(number)
                    running.grows = true
                    if several { running.destinations.append(EntryDestination("b", .waiting)) }
                    _ = try await spool.append([running], at: noon)
                }
                guard let batch = try await spool.formBatch("db", max: 3, at: noon) else {
                    continue
                }
                let follower =
                    chance.next() % 2 == 0
                    ? try await spool.formFollower(of: batch.id, "db", max: 3, at: noon) : nil
                switch chance.next() % 5 {
                case 0:  // the device goes on counting while the batch travels
                    var running = entry(Int(batch.items[0].rowID.number))
                    running.grows = true
                    running.record.quantities[0].number = ExactDecimal(Int64(140 + step))
                    running.record.received.utc = running.record.received.utc + .seconds(60)
                    _ = try await spool.append([running], at: noon)
                case 1:
                    let row = batch.items[0].rowID
                    _ = try await spool.withdraw(row, reason: "x", by: .user(1_000), at: noon)
                default: break
                }
                // A batch whose reading has grown is no more, and its answer is refused.
                let error = await failure {
                    guard follower != nil else {
                        return try await spool.resolve(
                            batch: batch.id, batch.all(.accepted), at: noon, next: 3)
                    }
                    _ = try await spool.settle(
                        batch: batch.id, batch.all(.accepted), at: noon,
                        next: 3)
                }
                #expect(error == nil || error?.name == "refused")
                try await agree(spool, "seed \(seed), step \(step)")
            }
            while let batch = try await spool.formBatch("b", max: 3, at: noon) {
                try await spool.resolve(batch: batch.id, batch.all(.accepted), at: noon, next: 3)
                try await agree(spool, "the other destination")
            }
            // Delivered rows that wait again are counted as any other.
            for row in 1...5 {
                var running = entry(row)
                running.grows = true
                running.record.quantities[0].number = ExactDecimal(199)
                running.record.received.utc = running.record.received.utc + .seconds(120)
                _ = try await spool.append([running], at: noon)
                try await agree(spool, "row \(row) has grown after its delivery")
            }
        }
    }

    /// Both ways of finding records by a state give the same ones.
    @Test func `a long list and a short one are the same list`() async throws {
        var chance = SeededGenerator(seed: 5)
        try await withSpool(directory) { spool async throws in
            for number in 1...40 { _ = try await spool.append([made(number, &chance)], at: noon) }
            while let batch = try await spool.formBatch("a", max: 5, at: noon) {
                let results = batch.items.map { RecordResult($0.rowID, answer(&chance)) }
                try await spool.resolve(batch, results, at: noon)
            }
            for state in ["waiting", "held", "dead", "delivered"] {
                let values: [SQLValue] = [.integer(Int64(7)), .integer(Int64(9)), .text(state)]
                let few = try await spool.rows(.recordsByDelivery, values)
                #expect(try await spool.rows(.recordsByManyDeliveries, values) == few, "\(state)")
            }
            let page: [SQLValue] = [.integer(Int64(4))]
            let few = try await spool.rows(.oldestDelivered, page)
            #expect(try await spool.rows(.oldestOfMany, page) == few)
            #expect(!few.isEmpty)
        }
    }

    @Test func `a transaction that is undone changes no number`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let before = try await spool.counts()
            await spool.setMaximum(bytes: 1)
            #expect(await failure { try await spool.append([entry(4)], at: noon) }?.name == "full")
            #expect(try await spool.counts() == before)
            try await agree(spool, "after the refusal")
        }
    }

    @Test func `a store of the schema before has its numbers from the first moment`() async throws {
        let before = Array(Migration.all.prefix(6))
        try await withSpool(directory, configure: { $0.migrations = before }) {
            spool async throws in
            try await spool.change(
                """
                INSERT INTO record(record_key, device_id, kind, quantities, flags, received_at,
                received_monotonic, received_synchronised, data_input_code, profile,
                profile_revision, simulated, participant, stored_at)
                VALUES('a','d','weight','[]','[]',1,1,1,'1','p',1,0,'P0000001',1),
                ('b','d','weight','[]','[]',1,1,1,'1','p',1,0,NULL,1)
                """)
            try await spool.change(
                """
                INSERT INTO delivery(record_id, destination, state, waiting_since)
                SELECT id, 'db', 'waiting', 7 FROM record WHERE participant IS NOT NULL
                """)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.counts().stored == 2)
            #expect(try await spool.counts().unassigned == 1)
            #expect(try await spool.destinations().map(\.waiting) == [1])
            #expect(try await spool.destinations()[0].oldestWaitingAt?.microseconds == 7)
            try await agree(spool, "after the migration")
        }
    }

    @Test func `the numbers of a salvaged store are those of what was salvaged`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...300), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
        }
        var bytes = readFile(directory.store)
        for page in stride(from: 50, to: bytes.count / 4_096, by: 9) {
            for index in 0..<4_096 { bytes[page * 4_096 + index] = 0xa5 }
        }
        writeFile(directory.store, bytes + [0])
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage != nil)
            try await agree(spool, "after the salvage")
        }
    }
}

extension Spool {
    /// The row ids that a statement gives.
    func rows(_ sql: SQL, _ values: [SQLValue]) throws -> [Int64] {
        try reading { connection throws(SpoolError) in
            try connection.all(sql, values) { row throws(SpoolError) in row.integer() }
        }
    }
}
