import Measurement
import Testing

@testable import Spool

/// A destination that is added later and wants what was measured before.
@Suite struct HistoryTests {
    let directory = TemporaryDirectory()

    /// Goes through the whole store, a few rows at a time, as the daemon does.
    private func take(
        _ spool: Spool, since: Instant = noon, day: String = "2026-03-01",
        _ state: (StoredRecord) -> EntryDestination.FirstState = { _ in .waiting }
    ) async throws -> Int {
        var row = try await spool.historyTaken("new", since: day)
        var count = 0
        while true {
            let slice = try await spool.history(
                without: "new", since: since, after: row, limit: 3)
            guard let next = slice.next else { return count }
            count += try await spool.addHistory(
                slice.records.map { ($0.rowID, state($0)) }, to: "new", since: day, through: next,
                at: noon)
            row = next
        }
    }

    @Test func `what was measured from that day on waits for the new destination, oldest first`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            let early = entry(1, secondsAfterNoon: -1)
            _ = try await spool.append([early] + entries(2...10).reversed(), at: noon)
            #expect(try await take(spool) == 9)
            let batch = try #require(try await spool.formBatch("new", max: 99, at: noon))
            #expect(batch.keys == (2...10).map(key))
            #expect(try await spool.due("db", limit: 99).count == 10, "the other backlog stays")
            #expect(try await spool.ledger(limit: 99).contains { $0.event == "history-taken" })
        }
    }

    @Test
    func `a second start takes nothing twice, and what came meanwhile is not looked at again`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...5), at: noon)
            #expect(try await take(spool) == 5)
            #expect(try await spool.historyTaken("new", since: "2026-03-01") == RowID(5))
        }
        try await withSpool(directory) { spool async throws in
            var known = entry(6)
            known.destinations.append(EntryDestination("new", .waiting))
            _ = try await spool.append([known, entry(7)], at: noon)
            #expect(try await take(spool) == 1, "7 was stored while the destination was away")
            #expect(try await spool.due("new", limit: 99).count == 7)
        }
    }

    @Test func `an earlier day takes the rest`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(
                [entry(1, secondsAfterNoon: -90_000), entry(2)], at: noon)
            #expect(try await take(spool) == 1)
            let before = noon + .seconds(-100_000)
            #expect(try await take(spool, since: before, day: "2026-02-28") == 1)
            #expect(try await spool.due("new", limit: 9).map(\.record.key) == [key(1), key(2)])
        }
    }

    @Test func `consent and format decide as for a new reading, and nobody's waits for nobody`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            var nobodys = entry(3)
            nobodys.participant = nil
            var guests = entry(4)
            guests.participant = nil
            guests.participantRule = SpoolEntry.guestRule
            _ = try await spool.append(
                [entry(1), entry(2), nobodys, guests, quarantined(5), entry(6)], at: noon)
            let taken = try await take(spool) { stored in
                switch stored.record.key {
                case key(1): .held("no consent")
                case key(2): .noTable
                default: .waiting
                }
            }
            #expect(taken == 1)
            let states = try await spool.list(
                """
                SELECT record_id || ' ' || state || ' ' || coalesce(reason, '') FROM delivery
                WHERE destination = 'new' ORDER BY record_id
                """)
            #expect(
                states == [
                    "1 held no consent", "2 no-table ", "3 held unassigned", "4 held guest",
                    "6 waiting ",
                ])
        }
    }

    @Test func `a kill in the middle loses no record of the history`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...8), at: noon)
            let slice = try await spool.history(
                without: "new", since: noon, after: RowID(0), limit: 3)
            _ = try await spool.addHistory(
                slice.records.map { ($0.rowID, .waiting) }, to: "new", since: "2026-03-01",
                through: try #require(slice.next), at: noon)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await take(spool) == 5)
            #expect(try await spool.due("new", limit: 99).map(\.record.key) == (1...8).map(key))
        }
    }
}
