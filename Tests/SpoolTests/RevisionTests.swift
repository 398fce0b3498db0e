import Measurement
import Testing

@testable import Spool

/// One measurement has one time and one natural key for ever; what may change is said to the receiver.
@Suite struct RevisionTests {
    let directory = TemporaryDirectory()

    /// A day's steps as a pedometer shows them so far.
    private func day(
        _ steps: Int64, minutes: Int64, deviceMinutes: Int? = nil, grows: Bool = true
    ) -> SpoolEntry {
        var made = entry(1)
        made.record.kind = .activity
        made.record.quantities = [Quantity(.steps, ExactDecimal(steps), .steps)]
        made.record.received.utc = noon + .minutes(minutes)
        made.record.time?.observed = noon + .seconds(steps)
        made.record.deviceTime = deviceMinutes.flatMap {
            LocalDateTime(year: 2026, month: 3, day: 1, hour: 12, minute: $0)
        }
        made.frames = [RawFrame(source: "usb", bytes: [UInt8(truncatingIfNeeded: steps)])]
        made.grows = grows
        return made
    }

    private func steps(_ spool: Spool) async throws -> String? {
        try await spool.record(key(1))?.record.quantity(.steps)?.number?.text
    }

    private func deliver(_ spool: Spool) async throws {
        let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
        try await spool.resolve(batch, batch.all(.accepted), at: noon)
    }

    // MARK: the first time stays

    @Test func `a later read of the same record with another clock error is a duplicate`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            try await deliver(spool)
            let before = try #require(try await spool.record(key(1)))
            for seconds in [4, -3_600, 86_400] as [Int64] {
                var again = entry(1)
                again.record.time?.observed = noon + .seconds(seconds)
                again.record.time?.basis = .corrected
                again.record.time?.clockOffset = .seconds(seconds)
                again.record.received.utc = noon + .minutes(60)
                let sent = again
                #expect(try await spool.append([sent], at: noon) == [.duplicate(RowID(1))])
            }
            #expect(try await spool.record(key(1)) == before)
            #expect(try await spool.counters()["records_duplicate"] == 3)
            #expect(try await spool.due("db", limit: 9).isEmpty)
        }
    }

    // MARK: days that grow

    @Test func `a running day takes its later count, keeps its time and goes out again`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([day(1_000, minutes: 0)], at: noon)
            try await deliver(spool)
            let later = noon + .minutes(60)
            #expect(
                try await spool.append([day(2_500, minutes: 60)], at: later) == [.grown(RowID(1))])
            let stored = try #require(try await spool.record(key(1)))
            #expect(stored.record.quantity(.steps)?.number == ExactDecimal(2_500))
            #expect(stored.record.time?.observed == noon + .seconds(1_000), "the first time stays")
            #expect(stored.storedAt == noon && stored.updatedAt == later && stored.revision == 2)
            #expect(stored.deliveries.map(\.state) == [.waiting])
            #expect(try await spool.frames(of: RowID(1)) == day(2_500, minutes: 60).frames)
            let item = try #require(try await spool.due("db", limit: 9).first)
            #expect(item.updatedAt == later && item.heldUpdate == noon)
            #expect(try await spool.ledger(limit: 9).last?.event == "corrected")
            try await deliver(spool)
            #expect(
                try await spool.number("SELECT held_update FROM delivery") == later.microseconds)
        }
    }

    struct Order: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var second: SpoolEntry
        var grows: Bool
        var isOutdated: Bool
    }

    @Test func `an older frame never takes the place of a newer one`() async throws {
        let cases = [
            Order(
                testDescription: "received before", second: day(900, minutes: 5), grows: false,
                isOutdated: true),
            Order(
                testDescription: "received at the same moment", second: day(900, minutes: 10),
                grows: false, isOutdated: true),
            Order(
                testDescription: "received later", second: day(900, minutes: 11), grows: true,
                isOutdated: false),
            Order(
                testDescription: "the same values", second: day(1_000, minutes: 30), grows: false,
                isOutdated: false),
            Order(
                testDescription: "no running day", second: day(900, minutes: 30, grows: false),
                grows: false, isOutdated: false),
        ]
        for order in cases {
            let directory = TemporaryDirectory()
            try await withSpool(directory) { spool async throws in
                _ = try await spool.append([day(1_000, minutes: 10)], at: noon)
                let result = try await spool.append([order.second], at: noon)
                #expect(result == [order.grows ? .grown(RowID(1)) : .duplicate(RowID(1))])
                let expected = order.grows ? "900" : "1000"
                #expect(try await steps(spool) == expected, "\(order.testDescription)")
                let outdated = try await spool.counters()["readings_outdated"] ?? 0
                #expect(outdated == (order.isOutdated ? 1 : 0), "\(order.testDescription)")
            }
        }
    }

    @Test func `the device's own stamp goes before the order of arrival`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([day(1_000, minutes: 0, deviceMinutes: 30)], at: noon)
            let old = try await spool.append(
                [day(700, minutes: 90, deviceMinutes: 10)], at: noon)
            #expect(old == [.duplicate(RowID(1))])
            let new = try await spool.append(
                [day(1_400, minutes: 5, deviceMinutes: 40)], at: noon)
            #expect(new == [.grown(RowID(1))])
            #expect(try await steps(spool) == "1400")
        }
    }

    @Test func `a batch under way that held the former count is not answered for the new one`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([day(1_000, minutes: 0), entry(2)], at: noon)
            let old = try #require(try await spool.formBatch("db", max: 9, at: noon))
            _ = try await spool.append([day(2_000, minutes: 1)], at: noon)
            let late = await failure {
                try await spool.resolve(old, old.all(.accepted), at: noon)
            }
            #expect(late?.name == "refused")
            let new = try #require(try await spool.formBatch("db", max: 9, at: noon))
            #expect(new.items.count == 2)
            #expect(new.idempotencyKey != old.idempotencyKey)
            try await spool.resolve(new, new.all(.accepted), at: noon)
            #expect(try await spool.counts().delivered == 2)
        }
    }

    @Test func `each destination gets the new count, a held one stays held`() async throws {
        var two = day(1_000, minutes: 0)
        two.destinations = [
            EntryDestination("db", .waiting), EntryDestination("other", .waiting),
            EntryDestination("closed", .held("no consent")), EntryDestination("none", .noTable),
        ]
        let sent = two
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            try await deliver(spool)
            _ = try await spool.append([day(1_500, minutes: 9)], at: noon)
            let states = try await spool.record(key(1))?.deliveries.map { $0.state.rawValue }
            #expect(states == ["held", "waiting", "no-table", "waiting"])
        }
    }

    @Test func `a discarded day does not grow`() async throws {
        var waiting = day(1_000, minutes: 0)
        waiting.record.time = nil
        waiting.record.quarantine = .implausible
        let sent = waiting
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            _ = try await spool.append([day(1_100, minutes: 1)], at: noon)
            #expect(try await steps(spool) == "1100", "in quarantine it does")
            #expect(try await spool.record(key(1))?.record.quarantine == .implausible)
            _ = try await spool.discard(RowID(1), reason: "no", by: .gateway, at: noon)
            _ = try await spool.append([day(1_200, minutes: 2)], at: noon)
            #expect(try await steps(spool) == "1100")
        }
    }

    // MARK: the key of a batch

    @Test func `a plain retry keeps its key, also over a restart; a changed record gets another`()
        async throws
    {
        var keys: [String] = []
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([day(1_000, minutes: 0)], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
            keys.append(batch.idempotencyKey)
            try await spool.resolve(batch, batch.all(.retry), at: noon)
            keys.append(try #require(try await spool.openBatch("db")).idempotencyKey)
        }
        try await withSpool(directory) { spool async throws in
            keys.append(try #require(try await spool.openBatch("db")).idempotencyKey)
            _ = try await spool.append([day(1_001, minutes: 1)], at: noon)
            keys.append(
                try #require(try await spool.formBatch("db", max: 9, at: noon)).idempotencyKey)
        }
        #expect(keys[0] == keys[1] && keys[1] == keys[2])
        #expect(keys[3] != keys[0])
    }

    @Test func `a dead letter that a person sends again has a new key, at its destination only`()
        async throws
    {
        var made = entry(1)
        made.destinations = [EntryDestination("a", .waiting), EntryDestination("b", .waiting)]
        let sent = made
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            let refused = try #require(try await spool.formBatch("a", max: 9, at: noon))
            let other = try #require(try await spool.formBatch("b", max: 9, at: noon))
            try await spool.resolve(
                refused, refused.all(.rejected(reason: "no", answer: "400")), at: noon)
            #expect(try await spool.deadLetters().map(\.key) == [key(1)])
            let row = RowID(1)
            let person = LedgerActor.user(0)
            let first = try await spool.retryDeadLetter(row, at: "a", by: person, now: noon)
            let second = try await spool.retryDeadLetter(row, at: "a", by: person, now: noon)
            #expect(first == .done && second == .decidedBefore)
            let again = try #require(try await spool.formBatch("a", max: 9, at: noon))
            #expect(again.keys == [key(1)])
            #expect(again.idempotencyKey != refused.idempotencyKey)
            #expect(try await spool.openBatch("b")?.idempotencyKey == other.idempotencyKey)
            // A hold and its release are no new sending: the receiver answered nothing in between.
            try await spool.hold([row], at: "b", reason: "no consent")
            try await spool.release(row, to: "b", at: noon)
            let formed = try #require(try await spool.formBatch("b", max: 9, at: noon))
            #expect(formed.idempotencyKey == other.idempotencyKey)
        }
    }

    @Test func `a dead letter that was given up is held with the reason and told once`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 9, at: noon))
            try await spool.resolve(
                batch, batch.all(.rejected(reason: "no", answer: "400")), at: noon)
            for expected in [DecisionResult.done, .decidedBefore] {
                let result = try await spool.discardDeadLetter(
                    RowID(1), at: "db", reason: "left the study", by: .user(0), now: noon)
                #expect(result == expected)
            }
            let stored = try #require(try await spool.record(key(1)))
            #expect(stored.deliveries.map(\.reason) == ["discarded: left the study"])
            #expect(try await spool.deadLetters().isEmpty)
            #expect(try await spool.formBatch("db", max: 9, at: noon) == nil)
            let events = try await spool.ledger(limit: 9).map(\.event)
            #expect(events == ["received", "delivery", "dead-letter-discarded"])
        }
    }

    // MARK: clocks over time

    private func memory(_ minutes: Int64, offset: Int64, set: Bool = false) -> DeviceMemory {
        var memory = DeviceMemory()
        memory.clockOffset = .seconds(offset)
        memory.clockCheckedAt = noon + .minutes(minutes)
        memory.clockLatency = .milliseconds(80)
        if set { memory.clockSetAt = noon + .minutes(minutes) + .seconds(1) }
        return memory
    }

    @Test func `a device's clock error is kept over time, each look once`() async throws {
        try await withSpool(directory) { spool async throws in
            for (minutes, offset) in [(0, 10), (0, 10), (60, 12), (120, -3_600)] as [(Int64, Int64)]
            {
                try await spool.saveMemory(memory(minutes, offset: offset), of: cuff, at: noon)
            }
            // The same look, after which the clock was set.
            try await spool.saveMemory(memory(120, offset: -3_600, set: true), of: cuff, at: noon)
            _ = try await spool.append(
                [], at: noon, memory: (scale, memory(5, offset: 1)))
            let history = try await spool.clockHistory(of: cuff)
            #expect(history.map(\.offset) == [.seconds(10), .seconds(12), .seconds(-3_600)])
            #expect(history.map(\.at) == [noon, noon + .minutes(60), noon + .minutes(120)])
            #expect(history.map(\.wasSet) == [false, false, true])
            #expect(history.map(\.latency) == Array(repeating: .milliseconds(80), count: 3))
            #expect(try await spool.clockHistory(of: scale).count == 1)
            #expect(try await spool.clockHistory(of: DeviceID("ble:none")).isEmpty)
            #expect(try await spool.memory(of: cuff)?.clockLatency == .milliseconds(80))
        }
    }

    @Test(arguments: [[], ["one-bond-only"], ["multiple-bonds", "weight-resolution 0.05 kg"]])
    func `what a device can do is known after a restart, and a session that did not ask keeps it`(
        _ abilities: [String]
    ) async throws {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.memory(of: cuff)?.abilities == nil)
            var asked = memory(0, offset: 10)
            asked.abilities = abilities
            try await spool.saveMemory(asked, of: cuff, at: noon)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.memory(of: cuff)?.abilities == abilities)
            try await spool.saveMemory(memory(60, offset: 12), of: cuff, at: noon)
            #expect(try await spool.memory(of: cuff)?.abilities == abilities)
            #expect(try await spool.devices().first?.memory.abilities == abilities)
        }
    }

    @Test func `a store that gave its memory back holds hardly a page, and has all of its records`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            await spool.releaseMemory()
            _ = try await spool.append(entries(1...600), at: noon)
            _ = try await spool.records(limit: 600)
            let working = try await spool.cachedBytes()
            #expect(working > 200_000, "\(working) bytes: there is nothing to give back")
            await spool.releaseMemory()
            let resting = try await spool.cachedBytes()
            #expect(resting < working / 4, "\(resting) of \(working) bytes")
            #expect(try await spool.counts().stored == 600)
            #expect(
                try await spool.records(limit: 3).map(\.record.key) == [key(1), key(2), key(3)])
        }
    }

    @Test func `the history of a clock is bounded and keeps the newest`() async throws {
        try await withSpool(directory) { spool async throws in
            let many = ClockHistoryEntry.maximum + 7
            for number in 0..<many {
                try await spool.saveMemory(
                    memory(Int64(number), offset: Int64(number)), of: cuff, at: noon)
            }
            let history = try await spool.clockHistory(of: cuff)
            #expect(history.count == ClockHistoryEntry.maximum)
            #expect(history.last?.offset == .seconds(Int64(many - 1)))
            #expect(history.first?.offset == .seconds(7))
        }
    }
}
