import Measurement
import Testing

@testable import Spool

@Suite struct RetentionTests {
    let directory = TemporaryDirectory()
    private let day = Interval.minutes(24 * 60)

    private func deliver(_ spool: Spool, _ destination: String = "db", at: Instant) async throws {
        while let batch = try await spool.formBatch(destination, max: 100, at: at) {
            try await spool.resolve(batch, batch.all(.accepted), at: at)
        }
    }

    @Test func `delivered records go after their time, not a moment before`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...2), at: noon)
            try await deliver(spool, at: noon)
            let kept = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + day)
            #expect(kept == RetentionResult())
            let gone = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + day + .seconds(1))
            #expect(gone.records == 2)
            #expect(try await spool.counts().stored == 0)
            #expect(try await spool.number("SELECT COUNT(*) FROM raw_frame") == 0)
            #expect(try await spool.number("SELECT COUNT(*) FROM delivery") == 0)
            #expect(try await spool.destinations()[0].delivered == 2)
        }
    }

    @Test func `nothing that is not delivered is ever removed, however old`() async throws {
        var nobodys = entry(2)
        nobodys.participant = nil
        var held = entry(3)
        held.destinations = [EntryDestination("db", .held("no consent"))]
        var half = entry(4)
        half.destinations = [EntryDestination("now", .waiting), EntryDestination("db", .waiting)]
        var nowhere = entry(6)
        nowhere.destinations = []
        let refused = entry(7)
        let sent = [entry(1), nobodys, held, half, quarantined(5), nowhere]
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([refused], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 1, at: noon))
            try await spool.resolve(
                batch, batch.all(.rejected(reason: "400", answer: "")), at: noon)
            _ = try await spool.append(sent, at: noon)
            try await deliver(spool, "now", at: noon)
            let result = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + .minutes(60 * 24 * 3_650))
            #expect(result.records == 0)
            #expect(try await spool.counts().stored == 7)
            // Only the frame of the record that no destination wants is settled.
            #expect(result.frames == 1)
        }
    }

    @Test func `raw frames go earlier than their records, but never from quarantine`() async throws
    {
        try await withSpool(directory) { spool async throws in
            let rows = try await spool.append([entry(1), quarantined(2)], at: noon).map(\.rowID)
            try await deliver(spool, at: noon)
            let result = try await spool.applyRetention(
                delivered: .minutes(60 * 24 * 90), rawFrames: day, now: noon + day + day)
            #expect(result.records == 0)
            #expect(result.frames == 1)
            #expect(try await spool.frames(of: rows[0]).isEmpty)
            #expect(try await !spool.frames(of: rows[1]).isEmpty)
            #expect(try await spool.record(rows[0]) != nil)
        }
    }

    @Test func `a device that sends its history again fills nothing in anew`() async throws {
        try await withSpool(directory) { spool async throws in
            let first = try await spool.append(entries(1...3), at: noon).map(\.rowID)
            try await deliver(spool, at: noon)
            _ = try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + day + day)
            let again = try await spool.append(entries(1...4), at: noon + day + day)
            #expect(again.map(\.isStored) == [false, false, false, true])
            #expect(again.prefix(3).map(\.rowID) == first)
            #expect(again[3].rowID > first[2], "numbers are never used again")
        }
    }

    @Test func `a long backlog is removed in steps`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...25), at: noon)
            try await deliver(spool, at: noon)
            var steps: [Int] = []
            while true {
                let result = try await spool.applyRetention(
                    delivered: day, rawFrames: day, now: noon + day + day, limit: 10)
                steps.append(result.records)
                if !result.isMore { break }
            }
            #expect(steps == [10, 10, 5])
        }
    }

    @Test func `a full store refuses new records, keeps delivering, and takes records after that`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...50), at: noon)
            let limit = try await spool.number("PRAGMA page_count") * 4_096
            await spool.setMaximum(bytes: limit)
            var stored = 50
            var refusal: SpoolError?
            while refusal == nil, stored < 5_000 {
                let number = stored + 1
                refusal = await failure { try await spool.append([entry(number)], at: noon) }
                if refusal == nil { stored += 1 }
            }
            #expect(refusal == .full(limit: limit, path: directory.store))
            #expect(
                try await spool.counts().stored == stored, "a refused record is not half stored")
            #expect(try await spool.append([entry(1)], at: noon) == [.duplicate(RowID(1))])
            try await deliver(spool, at: noon)
            #expect(try await spool.counts().waiting == 0)
            while try await spool.applyRetention(
                delivered: day, rawFrames: day, now: noon + day + day
            ).isMore {}
            #expect(try await spool.append([entry(9_999)], at: noon)[0].isStored)
        }
    }
}
