import Measurement
import Testing

@testable import Spool

@Suite struct DecisionTests {
    let directory = TemporaryDirectory()

    @Test func `a record whose clock is known at last leaves quarantine under its own key`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([quarantined(1)], at: noon)[0].rowID
            try await spool.reconsider(row, as: entry(1), at: noon + .seconds(60))
            let stored = try #require(try await spool.record(row))
            #expect(stored.record == entry(1).record)
            #expect(stored.storedAt == noon, "the first storing counts")
            #expect(try await spool.frames(of: row) == entry(1).frames)
            #expect(try await spool.formBatch("db", max: 1, at: noon)?.keys == [key(1)])
            #expect(try await spool.append([entry(1)], at: noon) == [.duplicate(row)])
        }
    }

    @Test func `an accepted record never gets a second time`() async throws {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([entry(1)], at: noon)[0].rowID
            var other = entry(1)
            other.record.time?.observed = noon + .seconds(500)
            let sent = other
            let error = await failure { try await spool.reconsider(row, as: sent, at: noon) }
            #expect(error == .refused("record 1 is not in quarantine"))
            #expect(try await spool.record(row)?.record == entry(1).record)
        }
    }

    @Test func `a reading with another key does not take a quarantined record's place`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([quarantined(1)], at: noon)[0].rowID
            let error = await failure { try await spool.reconsider(row, as: entry(2), at: noon) }
            #expect(error == .refused("record 1 has another key"))
            let none = await failure {
                try await spool.reconsider(RowID(77), as: entry(1), at: noon)
            }
            #expect(none == .refused("there is no record 77"))
            #expect(try await spool.counts().quarantined == 1)
        }
    }

    @Test func `an unassigned record goes out after a person said whose it is`() async throws {
        var nobodys = entry(1)
        nobodys.participant = nil
        let sent = nobodys
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            try await spool.assign(
                row, to: "P0000009", rule: "person",
                destinations: [EntryDestination("db", .waiting)],
                at: noon + .seconds(5))
            #expect(try await spool.due("db", limit: 9).map(\.participant) == ["P0000009"])
            #expect(try await spool.destinations()[0].oldestWaitingAt == noon + .seconds(5))
            let error = await failure {
                try await spool.assign(
                    row, to: "P0000001", rule: "person", destinations: [], at: noon)
            }
            #expect(error == .refused("record 1 is assigned already"))
        }
    }

    @Test func `assigning a quarantined record does not send it`() async throws {
        var nobodys = quarantined(1, .timeFault)
        nobodys.participant = nil
        let sent = nobodys
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            try await spool.assign(
                row, to: "P0000009", rule: "person",
                destinations: [EntryDestination("db", .waiting)],
                at: noon)
            #expect(try await spool.due("db", limit: 9).isEmpty)
        }
    }

    @Test func `a withdrawn consent stops a retry that is under way`() async throws {
        try await withSpool(directory) { spool async throws in
            let rows = try await spool.append(entries(1...3), at: noon).map(\.rowID)
            let before = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(try await spool.hold([rows[1]], at: "db", reason: "consent withdrawn") == 1)
            #expect(try await spool.openBatch("db") == nil)
            let after = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(after.keys == [key(1), key(3)])
            #expect(after.idempotencyKey != before.idempotencyKey)
            #expect(try await spool.record(rows[1])?.deliveries[0].reason == "consent withdrawn")
            let late = await failure {
                try await spool.resolve(before, before.all(.accepted), at: noon)
            }
            #expect(late?.name == "refused", "an answer to the old batch marks nothing")
        }
    }

    @Test func `what a receiver has is not held any more`() async throws {
        try await withSpool(directory) { spool async throws in
            let rows = try await spool.append([entry(1)], at: noon).map(\.rowID)
            let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
            #expect(try await spool.hold(rows, at: "db", reason: "late") == 0)
            #expect(try await spool.record(rows[0])?.deliveries[0].state == .delivered)
            #expect(try await !spool.release(rows[0], to: "db", at: noon))
        }
    }

    @Test func `a dead letter is sent again when a person says so, and its letter goes`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([entry(1)], at: noon)[0].rowID
            let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
            try await spool.resolve(
                batch, batch.all(.rejected(reason: "400", answer: "no")), at: noon)
            #expect(try await spool.formBatch("db", max: 3, at: noon) == nil)
            #expect(try await spool.release(row, to: "db", at: noon + .seconds(9)))
            #expect(try await spool.deadLetters().isEmpty)
            let again = try #require(try await spool.formBatch("db", max: 3, at: noon))
            #expect(again.idempotencyKey == batch.idempotencyKey, "the same records, the same key")
            try await spool.resolve(
                again, again.all(.rejected(reason: "422", answer: "still")), at: noon)
            #expect(try await spool.deadLetters().map(\.reason) == ["422"])
        }
    }

    @Test func `a held record waits again after it is released, an unassigned one does not`()
        async throws
    {
        var held = entry(1)
        held.destinations = [EntryDestination("db", .held("no consent"))]
        var nobodys = entry(2)
        nobodys.participant = nil
        let sent = [held, nobodys, quarantined(3)]
        try await withSpool(directory) { spool async throws in
            let rows = try await spool.append(sent, at: noon).map(\.rowID)
            #expect(try await spool.release(rows[0], to: "db", at: noon))
            for row in rows.dropFirst() {
                let error = await failure { try await spool.release(row, to: "db", at: noon) }
                #expect(error?.name == "refused")
            }
            #expect(try await spool.due("db", limit: 9).map(\.record.key) == [key(1)])
        }
    }
}
