import Glibc
import Measurement
import Testing

@testable import Spool

/// A person's values, gone from every byte of every file.
@Suite struct PurgeTests {
    let directory = TemporaryDirectory()

    /// Values, frames and answers that can be found again byte for byte.
    private func marked(_ number: Int, of participant: String) -> SpoolEntry {
        var made = entry(number)
        made.participant = participant
        made.record.quantities = [
            Quantity(.weight, ExactDecimal("\(participant.suffix(1))8.765\(number)"), .kilogram)
        ]
        // Short and long ones: a long one lies on pages of its own.
        let length = number.isMultiple(of: 5) ? 6_000 : 40
        let mark = Array("frame-of-\(participant)-".utf8)
        made.frames = [
            RawFrame(source: "gatt:2a9d", bytes: mark + [UInt8](repeating: 7, count: length))
        ]
        if number.isMultiple(of: 7) {
            made.record.time = nil
            made.record.quarantine = .noClockSync
            made.evidence = StoredEvidence(boot: "b", text: "evidence-of-\(participant)")
        }
        return made
    }

    /// A store with a past: two people in turn, deliveries, a dead letter, an open batch, growth.
    private func live(_ spool: Spool) async throws {
        for start in stride(from: 1, to: 200, by: 10) {
            let some = (start..<start + 10).map {
                marked($0, of: $0.isMultiple(of: 2) ? "P0000001" : "P0000002")
            }
            _ = try await spool.append(some, at: noon)
        }
        for round in 1...4 {
            let batch = try #require(try await spool.formBatch("db", max: 20, at: noon))
            let results = batch.items.map { item in
                RecordResult(
                    item.rowID,
                    round == 2
                        ? .rejected(reason: "no", answer: "answer-about-\(item.participant)")
                        : .accepted)
            }
            try await spool.resolve(batch, results, at: noon)
        }
        _ = try await spool.formBatch("db", max: 20, at: noon)
        // A running day whose values were replaced: the former ones are the person's too.
        var day = marked(400, of: "P0000001")
        day.grows = true
        _ = try await spool.append([day], at: noon)
        day.record.quantities = [Quantity(.weight, ExactDecimal("18.7659999"), .kilogram)]
        day.record.received.utc = noon + .seconds(5_000)
        _ = try await spool.append([day], at: noon)
        while try await spool.applyRetention(
            delivered: .minutes(1), rawFrames: .minutes(1), now: noon + .minutes(9)
        ).isMore {}
    }

    private static let traces = [
        "frame-of-P0000001", "evidence-of-P0000001", "answer-about-P0000001", "18.765",
    ]

    /// The files in which one of the texts stands.
    private func found(_ texts: [String]) -> [String] {
        directory.entries.flatMap { name in
            texts.filter { file(directory.path + "/" + name, holds: $0) }.map { "\(name): \($0)" }
        }
    }

    @Test
    func `after a purge no file holds a byte of the person's values, while it runs and later`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            #expect(found(Self.traces).count >= 4, "the search finds what is there")
            let result = try await spool.purge(
                "P0000001", setAside: false, by: .user(0), at: noon)
            #expect(result.records > 50)
            #expect(found(Self.traces) == [])
            #expect(!found(["frame-of-P0000002", "28.765"]).isEmpty, "others keep theirs")
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
            let last = try #require(try await spool.ledger(limit: 9_999).last)
            #expect(last.event == "purged" && last.subject == "P0000001" && last.actor == "uid 0")
        }
        #expect(found(Self.traces) == [])
    }

    @Test func `the others' records, places and order stay as they are`() async throws {
        try await withSpool(directory) { spool async throws in
            try await live(spool)
            var before = try await spool.records(limit: 999)
                .filter { $0.participant == "P0000002" }
            // The batch under way stood for the other one's records too: it is formed anew.
            for index in before.indices {
                for place in before[index].deliveries.indices {
                    before[index].deliveries[place].isOnItsWay = false
                }
            }
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            #expect(try await spool.records(limit: 999) == before)
            let batch = try #require(try await spool.formBatch("db", max: 500, at: noon))
            #expect(batch.items.allSatisfy { $0.participant == "P0000002" })
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
        }
    }

    @Test func `a device that sends its history again brings nothing back`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([marked(2, of: "P0000001")], at: noon)
            _ = try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            let again = try await spool.append([marked(2, of: "P0000001")], at: noon)
            #expect(again[0].isDuplicate)
            #expect(found(Self.traces) == [])
        }
    }

    @Test func `a set-aside copy is a refusal that names it, and goes when that is asked for`()
        async throws
    {
        let copy = "hakaru.db.corrupt-20260301120000"
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([marked(2, of: "P0000001")], at: noon)
            writeFile(directory.path + "/" + copy, Array("frame-of-P0000001".utf8))
            let error = await failure {
                try await spool.purge("P0000001", setAside: false, by: .gateway, at: noon)
            }
            #expect(error?.name == "refused")
            #expect(error?.description.contains(copy) == true)
            #expect(try await spool.counts().stored == 1, "nothing was removed yet")
            let result = try await spool.purge(
                "P0000001", setAside: true, by: .gateway, at: noon)
            #expect(result == PurgeResult(records: 1, setAsideFiles: [copy]))
            #expect(found(Self.traces) == [])
            #expect(!directory.entries.contains(copy))
        }
    }

    @Test func `someone unknown is purged without harm, and a second purge ends a first`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([marked(2, of: "P0000001")], at: noon)
            for _ in 1...2 {
                let result = try await spool.purge(
                    "P9999999", setAside: false, by: .gateway, at: noon)
                #expect(result == PurgeResult())
            }
            #expect(try await spool.counts().stored == 1)
        }
    }
}
