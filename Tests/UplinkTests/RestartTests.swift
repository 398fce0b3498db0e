import EventLoop
import Exchange
import GatewayTestKit
import JSON
import Measurement
import Spool
import Testing

@testable import Uplink

/// The worker on the real store, over restarts.
@Suite("Worker and store over restarts", .timeLimit(.minutes(2))) struct RestartTests {
    @Test("a batch whose answer was lost comes again after a restart, same key and same bytes")
    func restart() async throws {
        let receiver = try ReceiverProcess()
        // Stored at the receiver, and the gateway never hears of it.
        try receiver.misbehave(#""mode":"status","status":500,"after_storing":true,"times":3"#)
        let directory = try Scratch.folder()
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 4 }
        try await store(in: directory, (1...6).map { Sample.weight($0) })
        for _ in 1...3 {
            try await life(directory, destination) { worker in
                await eventually { worker.snapshot.counters.failedAttempts > 0 }
            }
        }
        // Records that come in between do not change the batch under way.
        try await store(in: directory, [Sample.weight(7)])
        try await life(directory, destination) { worker in
            await eventually { worker.snapshot.counters.delivered == 3 }
        }
        #expect(try receiver.stat("records") == 7)
        #expect(try receiver.stat("key_with_other_body") == 0)
        #expect(try receiver.stat("unstable_key") == 0)
        let requests = try receiver.log("request")
        #expect(requests.compactMap { $0["records"]?.integer } == [4, 4, 4, 4, 3])
        #expect(Set(try receiver.keys()).count == 2)
        #expect(try receiver.stat("repeated_requests") == 3)
    }

    @Test("a gateway that stops in the middle of an exchange sends the same batch when it is back")
    func stoppedInTheMiddle() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"slow","seconds":20"#)
        let directory = try Scratch.folder()
        let destination = try Sample.destination(receiver.url)
        try await store(in: directory, [Sample.weight(1), Sample.weight(2)])
        try await life(directory, destination) { _ in
            await eventually { (try? receiver.log("record").count) == 2 }
        }
        try await life(directory, destination) { worker in
            await eventually { worker.snapshot.counters.duplicates == 2 }
        }
        #expect(try receiver.stat("records") == 2)
        #expect(Set(try receiver.keys()).count == 1)
    }

    @Test(
        "a backlog through bad weather arrives in its order, nothing twice under another key",
        arguments: 1...6)
    func weather(seed: Int) async throws {
        var chance = SeededGenerator(seed: UInt64(seed))
        let receiver = try ReceiverProcess()
        let weather = [
            #""mode":"slow","seconds":0"#, #""mode":"slow","seconds":0"#, #""mode":"reset""#,
            #""mode":"status","status":503"#, #""mode":"cut""#, #""mode":"garbage""#,
            #""mode":"status","status":500,"after_storing":true"#,
            #""mode":"slow","seconds":0.2"#,
        ]
        for _ in 1...25 {
            try receiver.misbehave(weather[Int.random(in: 0..<weather.count, using: &chance)])
        }
        let directory = try Scratch.folder()
        let destination = try Sample.destination(receiver.url) {
            $0.maximumRecords = 3
            $0.requestsPerSecond = 1_000
        }
        try await store(in: directory, (1...40).map { Sample.weight($0) })
        // The gateway stops in between, wherever it stands.
        for _ in 1...3 {
            try await life(directory, destination) { worker in
                await eventually {
                    worker.snapshot.counters.delivered > 6
                        || (try? receiver.stat("records")) == 40
                }
            }
        }
        try await life(directory, destination) { worker in
            await eventually {
                worker.snapshot.state == .idle && (try? receiver.stat("records")) == 40
            }
        }
        #expect(try receiver.stat("records") == 40)
        #expect(try receiver.stat("key_with_other_body") == 0)
        #expect(try receiver.stat("unstable_key") == 0)
        let accepted = try receiver.log("record").filter { $0["verdict"]?.string == "accepted" }
        let times = accepted.compactMap { $0["values"]?["observation_time"]?.string }
        #expect(times.count == 40 && times == times.sorted())
    }

    /// Puts records into the store as an intake would.
    private func store(in directory: String, _ items: [Uplink.OutboxItem]) async throws {
        let spool = Spool(SpoolConfiguration(directory: directory), now: { Sample.moment })
        for item in items {
            var record = item.record
            record.key = RecordKey(hex: padded(Int(item.id), 32))
            let entry = SpoolEntry(
                record: record, participant: item.participant, participantRule: "owner",
                destinations: [EntryDestination("common-db", .waiting)])
            let result = try await spool.append([entry], at: Sample.moment)
            #expect(result.first?.isStored == true)
        }
        await spool.close()
    }

    /// One life of the gateway's sending half: store and worker begin, and end without a word.
    private func life(
        _ directory: String, _ destination: Destination,
        until isReached: @escaping @LoopActor @Sendable (DestinationWorker) async -> Bool
    ) async throws {
        try await LoopThread.run {
            let spool = Spool(SpoolConfiguration(directory: directory), now: { Sample.moment })
            let worker = DestinationWorker(
                destination, store: TestOutbox(spool: spool),
                client: try HTTPClient(userAgent: "hakaru/0.0.0"),
                prepare: { $0.allReady })
            let task = spawn { await worker.run() }
            #expect(await isReached(worker))
            task.cancel()
            await task.value
            await spool.close()
        }
    }
}

/// The store behind the uplink's protocol.
private struct TestOutbox: OutboxStore {
    let spool: Spool

    func openBatch(_ destination: String) async throws -> OutboxBatch? {
        try await spool.openBatch(destination).map(batch)
    }
    func formBatch(
        _ destination: String, maximum: Int, at now: Instant
    ) async throws -> OutboxBatch? {
        try await spool.formBatch(destination, max: maximum, at: now).map(batch)
    }
    func resolve(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws {
        try await spool.resolve(
            batch: batch.id, results.map(word), at: now, next: maximum)
    }
    func formFollower(
        of batch: OutboxBatch, _ destination: String, maximum: Int, at now: Instant
    ) async throws -> FormedBatch? {
        try await spool.formFollower(of: batch.id, destination, max: maximum, at: now)
            .map { FormedBatch(self.batch($0), behind: batch.id) }
    }
    func settle(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws -> FormedBatch? {
        try await spool.settle(
            batch: batch.id, results.map(word), at: now, next: maximum
        ).map { FormedBatch(self.batch($0.batch), behind: $0.behind) }
    }
    func leaves(_ batch: OutboxBatch, for destination: String) -> Bool {
        spool.stands(batch: batch.id)
    }
    func split(_ batch: OutboxBatch) async throws { try await spool.split(batch: batch.id) }

    private func word(_ result: OutboxResult) -> RecordResult {
        RecordResult(
            RowID(result.item), result.outcome == .duplicate ? .duplicate : .accepted)
    }

    private func batch(_ batch: Batch) -> OutboxBatch {
        OutboxBatch(
            id: batch.id, idempotencyKey: batch.idempotencyKey, formedAt: batch.formedAt,
            items: batch.items.map {
                Uplink.OutboxItem(
                    id: $0.rowID.number, record: $0.record, participant: $0.participant,
                    stored: $0.storedAt)
            })
    }
}
