import EventLoop
import Exchange
import GatewayTestKit
import Measurement
import Testing
import YAML

@testable import Uplink

/// What the tests of this target send, and where to.
enum Sample {
    static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
    /// 2026-03-01 08:15:00 in Tokyo.
    static let moment = Instant(seconds: 1_772_320_500)

    static func format(_ name: String = "meti-1.0") throws -> FormatDefinition {
        let path = Scratch.package + "/exchange-formats/\(name).yaml"
        let problems = ProblemList()
        return try #require(
            FormatDefinition.load(try Scratch.read(path), file: path, problems: problems))
    }

    static func record(
        _ kind: MeasurementKind, _ quantities: [Quantity], second: Int64 = 0
    ) -> Record {
        let device = DeviceDescription(
            id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01",
            manufacturer: "A&D", model: "UC-352BLE", serial: "5130450123")
        return Record(
            key: RecordKey(hex: String(padded(Int(second), 32))), device: device, kind: kind,
            quantities: quantities,
            received: GatewayTime(utc: moment, monotonicNanoseconds: 0, synchronised: true),
            time: RecordTime(
                observed: moment + .seconds(second), basis: .corrected, origin: .corrected),
            profile: "p", profileRevision: 1)
    }

    /// A weight of its own second, so that each has a natural key of its own.
    static func weight(_ number: Int, _ kilograms: String = "65.0") -> OutboxItem {
        OutboxItem(
            id: Int64(number),
            record: record(
                .weight, [Quantity(.weight, ExactDecimal(kilograms), .kilogram)],
                second: Int64(number)),
            participant: "P0000001", stored: moment)
    }

    static func glucose(_ number: Int) -> OutboxItem {
        OutboxItem(
            id: Int64(number),
            record: record(
                .glucose, [Quantity(.glucose, ExactDecimal(105), .milligramPerDecilitre)],
                second: Int64(number)),
            participant: "P0000001", stored: moment)
    }

    static func destination(
        _ url: String, format: FormatDefinition? = nil,
        _ change: (inout Destination) -> Void = { _ in }
    ) throws -> Destination {
        var destination = Destination(
            name: "common-db", place: .https(try DestinationURL(url)),
            format: try format ?? Sample.format(),
            options: EncoderOptions(zone: zone), consortium: "C00001",
            tls: TLSFiles(authorities: try Scratch.certificate("ca.pem")),
            retry: RetrySteps(initial: .milliseconds(20), maximum: .milliseconds(80)))
        destination.limits.total = .seconds(5)
        change(&destination)
        return destination
    }
}

/// A store in memory that keeps the promises of `OutboxStore`, and can be told to break.
@LoopActor final class MemoryOutbox: OutboxStore {
    var waiting: [OutboxItem]
    var batches: [OutboxBatch] = []
    var outcomes: [Int64: OutboxResult.Outcome] = [:]
    var deliveredInOrder: [Int64] = []
    /// How many of the next calls of `resolve` fail before anything is written.
    var failuresOfResolve = 0
    var failuresOfForm = 0
    /// A store that forgets what it was told brings the same batch again and again.
    var forgets = false
    /// How many records each follower was asked for.
    var followers: [Int] = []
    /// Which calls of `settle` fail before anything is written, and how long each takes.
    var failingSettles: Set<Int> = []
    var slownessOfSettle: Duration = .zero
    /// How many arrivals were written down while the follower travelled.
    var settled = 0
    /// Batches of which somebody has changed a record since.
    var touched: Set<Int64> = []
    /// How often the store was asked what goes first.
    var looks = 0
    private var calls = 0
    private var done = 0
    private let turn = LoopCondition()
    private var nextID: Int64 = 1

    struct DiskFull: Error {}

    init(_ items: [OutboxItem]) { waiting = items }

    func openBatch(_ destination: String) -> OutboxBatch? {
        looks += 1
        return batches.first
    }

    func formBatch(
        _ destination: String, maximum: Int, at now: Instant
    ) throws -> OutboxBatch? {
        if failuresOfForm > 0 {
            failuresOfForm -= 1
            throw DiskFull()
        }
        if let open = batches.first { return open }
        return form(maximum, now)
    }

    private func form(_ maximum: Int, _ now: Instant) -> OutboxBatch? {
        guard !waiting.isEmpty else { return nil }
        let batch = make(Array(waiting.prefix(maximum)), now)
        waiting.removeFirst(batch.items.count)
        batches.append(batch)
        return batch
    }

    func resolve(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) throws {
        if failuresOfResolve > 0 {
            failuresOfResolve -= 1
            throw DiskFull()
        }
        if forgets { return }
        write(batch, results)
        // What waits on goes before the batches behind it.
        guard results.count < batch.items.count else { return }
        waiting += batches.flatMap(\.items)
        waiting.sort { $0.id < $1.id }
        batches = []
    }

    private func write(_ batch: OutboxBatch, _ results: [OutboxResult]) {
        batches.removeAll { $0.id == batch.id }
        for result in results {
            #expect(outcomes[result.item] == nil, "record \(result.item) was resolved before")
            outcomes[result.item] = result.outcome
            if result.outcome == .accepted { deliveredInOrder.append(result.item) }
        }
        waiting = batch.items.filter { outcomes[$0.id] == nil } + waiting
    }

    func formFollower(
        of batch: OutboxBatch, _ destination: String, maximum: Int, at now: Instant
    ) -> FormedBatch? {
        followers.append(maximum)
        guard batches.first?.id == batch.id else { return nil }
        return (batches.count > 1 ? batches[1] : form(maximum, now))
            .map { FormedBatch($0, behind: batch.id) }
    }

    @LoopActor func settle(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws -> FormedBatch? {
        // One after the other, as a store's thread does it.
        calls += 1
        let call = calls
        while done < call - 1 { _ = try await turn.wait() }
        defer {
            done = call
            turn.broadcast()
        }
        if slownessOfSettle > .zero { try await sleep(for: slownessOfSettle) }
        if failuresOfResolve > 0 || failingSettles.contains(call) {
            failuresOfResolve = max(0, failuresOfResolve - 1)
            throw DiskFull()
        }
        if forgets { return nil }
        #expect(
            batches.first?.id == batch.id || !failingSettles.isEmpty,
            "an arrival is written down in its order")
        #expect(results.count == batch.items.count)
        write(batch, results)
        settled += 1
        let follower = batches.first?.id
        return (batches.count > 1 ? batches[1] : form(maximum, now))
            .map { FormedBatch($0, behind: follower) }
    }

    func leaves(_ batch: OutboxBatch, for destination: String) -> Bool {
        !touched.contains(batch.id) && batches.contains { $0.id == batch.id }
    }

    func split(_ batch: OutboxBatch) {
        let middle = (batch.items.count + 1) / 2
        batches.removeAll { $0.id == batch.id }
        batches.insert(make(Array(batch.items[middle...]), batch.formedAt), at: 0)
        batches.insert(make(Array(batch.items[..<middle]), batch.formedAt), at: 0)
    }

    private func make(_ items: [OutboxItem], _ now: Instant) -> OutboxBatch {
        defer { nextID += 1 }
        // The same records give the same key.
        let hash = items.reduce(UInt64(14_695_981_039_346_656_037)) {
            ($0 ^ UInt64($1.id)) &* 1_099_511_628_211
        }
        return OutboxBatch(
            id: nextID, idempotencyKey: "batch-\(hash)", formedAt: now, items: items)
    }

    func count(_ outcome: OutboxResult.Outcome) -> Int {
        outcomes.values.count { $0 == outcome }
    }
    var isDone: Bool { waiting.isEmpty && batches.isEmpty }
    var deadLetters: [Int64] {
        outcomes.filter { if case .rejected = $0.value { true } else { false } }.keys.sorted()
    }
}

extension OutboxBatch {
    /// All of its records, with nothing registered about their devices.
    var allReady: [Preparation] { items.map { .ready($0.exchangeRecord) } }
}

/// A worker that runs for as long as the body of a test.
@LoopActor struct Running {
    let worker: DestinationWorker
    let outbox: MemoryOutbox

    static func with(
        _ destination: Destination, _ items: [OutboxItem],
        chance: Double = 1,
        prepare: @escaping @LoopActor (OutboxItem) async -> Preparation = {
            .ready($0.exchangeRecord)
        },
        _ body: @LoopActor (Running) async throws -> Void
    ) async throws {
        let outbox = MemoryOutbox(items)
        let worker = DestinationWorker(
            destination, store: outbox, client: try HTTPClient(userAgent: "hakaru/0.0.0"),
            prepare: { batch in
                var prepared: [Preparation] = []
                for item in batch.items { prepared.append(await prepare(item)) }
                return prepared
            }, chance: { chance })
        let task = spawn { await worker.run() }
        do {
            try await body(Running(worker: worker, outbox: outbox))
        } catch {
            task.cancel()
            await task.value
            throw error
        }
        task.cancel()
        await task.value
    }

    func isDone(within limit: Duration = .seconds(10)) async -> Bool {
        await eventually(within: limit) { outbox.isDone && worker.snapshot.state == .idle }
    }
    func reaches(_ state: DestinationSnapshot.State) async -> Bool {
        await eventually(within: .seconds(10)) {
            worker.snapshot.state == state && worker.snapshot.lastError != nil
        }
    }
}
