import Measurement
import Testing

@testable import Spool

@Suite struct QuarantineTests {
    let directory = TemporaryDirectory()
    private let person = LedgerActor.user(1_000)

    private func release(_ number: Int, seconds: Int64 = 0) -> Reconsideration {
        var made = entry(number, secondsAfterNoon: Int64(number) + seconds)
        made.record.time?.basis = .person
        made.record.time?.origin = .corrected
        return Reconsideration(
            RowID(Int64(number)), as: made,
            note: LedgerNote(.released, by: person, on: key(number).hex))
    }

    @Test func `a released reading goes out under its own key, as its second revision`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1)], at: noon)
            #expect(try await spool.decide([release(1)], at: noon) == [.done])
            let stored = try #require(try await spool.record(key(1)))
            #expect(stored.record.quarantine == nil)
            #expect(stored.record.time?.origin == .corrected)
            #expect(stored.record.dataInputCode == .device)
            #expect(stored.revision == 2)
            #expect(stored.deliveries.map(\.state) == [.waiting])
            #expect(stored.storedAt == noon)
        }
    }

    @Test func `who decides second changes nothing`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1), quarantined(2)], at: noon)
            async let one = spool.decide([release(1, seconds: 10)], at: noon)
            async let other = spool.decide([release(1, seconds: 20)], at: noon)
            async let discarded = spool.discard(RowID(1), reason: "no", by: person, at: noon)
            let all = try await one + other + [discarded]
            #expect(all.filter { $0 == .done }.count == 1)
            let decisions = try await spool.ledger(limit: 99).dropFirst()
            #expect(decisions.count == 1, "one decision, one line")
            // The other reading of the same transaction is decided all the same.
            #expect(
                try await spool.decide([release(1), release(2)], at: noon) == [
                    .decidedBefore, .done,
                ])
        }
    }

    @Test func `a reading that arrives again while it is released stays one record`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1)], at: noon)
            async let decided = spool.decide([release(1)], at: noon)
            async let again = spool.append([quarantined(1), entry(1)], at: noon)
            #expect(try await decided == [.done])
            #expect(try await again == [.duplicate(RowID(1)), .duplicate(RowID(1))])
            #expect(try await spool.counts().stored == 1)
            #expect(try await spool.record(key(1))?.record.time?.basis == .person)
        }
    }

    @Test func `what a person discarded is out of the way, not gone, and never comes back`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1), quarantined(2)], at: noon)
            let first = try await spool.discard(
                RowID(1), reason: "measured on the dog", by: person, at: noon)
            #expect(first == .done)
            let second = try await spool.discard(RowID(1), reason: "x", by: person, at: noon)
            #expect(second == .decidedBefore)
            #expect(try await spool.decide([release(1)], at: noon) == [.decidedBefore])
            let error = await failure {
                try await spool.reconsider(RowID(1), as: entry(1), at: noon)
            }
            #expect(error == .refused("record 1 was discarded"))
            let counts = try await spool.counts()
            #expect(counts.quarantined == 1 && counts.discarded == 1 && counts.waiting == 0)
            #expect(try await spool.quarantine().map(\.rowID) == [RowID(2)])
            let found = try await spool.records(limit: 9, filter: .discarded)
            #expect(found.map(\.discarded?.reason) == ["measured on the dog"])
            #expect(try await spool.append([quarantined(1)], at: noon) == [.duplicate(RowID(1))])
        }
    }

    @Test func `an accepted record cannot be discarded`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let result = try await spool.discard(RowID(1), reason: "no", by: person, at: noon)
            #expect(result == .decidedBefore)
            #expect(try await spool.counts().waiting == 1)
        }
    }

    @Test func `discarded readings leave after the time of delivered ones and stay known`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1), quarantined(2)], at: noon)
            _ = try await spool.discard(RowID(1), reason: "no", by: person, at: noon)
            let day = Interval.minutes(1_440)
            var result = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + .minutes(60))
            #expect(result.records == 0)
            result = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + .minutes(1_500))
            #expect(result.records == 1)
            #expect(try await spool.counts().stored == 1)
            #expect(try await spool.ledger(limit: 9).last?.event == "expired")
            #expect(try await spool.append([quarantined(1)], at: noon) == [.duplicate(RowID(1))])
        }
    }

    @Test func `what a time is decided from is kept beside the reading, over a restart`()
        async throws
    {
        var waiting = quarantined(1)
        waiting.evidence = StoredEvidence(boot: "a", text: "{}")
        var accepted = entry(2)
        accepted.evidence = StoredEvidence(boot: "a", text: "{}")
        let sent = [waiting, accepted]
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(sent, at: noon)
        }
        try await withSpool(directory) { spool async throws in
            let kept = try await spool.undated(boot: "a")
            #expect(kept.map(\.stored.rowID) == [RowID(1)])
            #expect(kept[0].evidence == waiting.evidence)
            #expect(kept[0].frames == waiting.frames)
            #expect(try await spool.undated(boot: "b").isEmpty)
            #expect(try await spool.evidence(of: RowID(2)) == nil, "its time is decided")
            try await spool.noteRetry(
                RowID(1), "no layout", ledger: LedgerNote(.retried, on: "x"), at: noon)
            #expect(try await spool.evidence(of: RowID(1))?.note == "no layout")
            #expect(try await spool.evidence(of: RowID(1))?.boot == "a")
        }
    }

    @Test func `readings that wait for the clock are given in their order, page by page`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            var sent: [SpoolEntry] = []
            for number in 1...25 {
                var made = quarantined(number, number == 7 ? .future : .noClockSync)
                made.evidence = StoredEvidence(boot: number % 2 == 0 ? "a" : "b", text: "{}")
                sent.append(made)
            }
            _ = try await spool.append(sent, at: noon)
            let first = try await spool.undated(boot: "b", limit: 5)
            #expect(first.map(\.stored.rowID.number) == [1, 3, 5, 9, 11])
            let rest = try await spool.undated(boot: "b", after: first[4].stored.rowID)
            #expect(rest.map(\.stored.rowID.number) == [13, 15, 17, 19, 21, 23, 25])
        }
    }

    @Test func `neighbours are the accepted records of the same device`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(
                [
                    entry(1), entry(2, device: scale), quarantined(3), quarantined(4), entry(5),
                    entry(6),
                ], at: noon)
            let stored = try #require(try await spool.record(RowID(3)))
            let found = try await spool.neighbours(of: stored)
            #expect(found.before?.rowID == RowID(1) && found.after?.rowID == RowID(5))
            let alone = try #require(try await spool.record(RowID(2)))
            let none = try await spool.neighbours(of: alone)
            #expect(none.before == nil && none.after == nil)
        }
    }

    @Test func `a release that the disk has no room for changes nothing and works later`()
        async throws
    {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append([quarantined(1), quarantined(2)], at: noon)
            faults.fill()
            let error = await failure {
                try await spool.decide([release(1), release(2)], at: noon)
            }
            #expect(error?.name == "disk-full")
            faults.heal()
            #expect(try await spool.counts().quarantined == 2)
            #expect(try await spool.record(key(1))?.revision == 1)
            #expect(try await spool.decide([release(1), release(2)], at: noon) == [.done, .done])
            #expect(try await spool.due("db", limit: 9).count == 2)
        }
    }
}
