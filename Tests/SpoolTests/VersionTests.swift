import Measurement
import Testing

@testable import Spool

/// What a person corrects or takes back: the receiver gets the right version, or never one again.
@Suite struct VersionTests {
    let directory = TemporaryDirectory()
    private let person = LedgerActor.user(1_000)
    private let later = noon + .minutes(10)

    private func pressure(_ systolic: Int64) -> [Quantity] {
        [
            Quantity(.systolic, ExactDecimal(systolic), .millimetreOfMercury),
            Quantity(.diastolic, ExactDecimal(80), .millimetreOfMercury),
        ]
    }

    private func edit(
        _ systolic: Int64, of revision: Int = 1, to state: EntryDestination.FirstState = .waiting
    ) -> RecordEdit {
        RecordEdit(
            pressure(systolic), of: revision, destinations: [EntryDestination("db", state)],
            reason: "read wrongly", by: person)
    }

    private func batch(_ spool: Spool) async throws -> Batch {
        try #require(try await spool.formBatch("db", max: 9, at: noon))
    }

    private func deliver(_ spool: Spool, at moment: Instant = noon) async throws {
        let open = try await batch(spool)
        try await spool.resolve(open, open.all(.accepted), at: moment)
    }

    private func state(_ spool: Spool, _ number: Int = 1) async throws -> Delivery {
        try #require(try await spool.record(key(number))?.deliveries.first)
    }

    // MARK: typed

    private func typed(_ number: Int) -> SpoolEntry {
        var made = entry(number)
        made.frames = []
        made.record.dataInputCode = .typed
        made.record.device = DeviceDescription(id: DeviceID("typed:gw"), assetNumber: "gw")
        return made
    }

    @Test func `a typed value is stored once, told in the ledger, and is no device`() async throws {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.add(typed(1), by: person, at: noon) == .stored(RowID(1)))
            #expect(try await spool.add(typed(1), by: person, at: noon) == .duplicate(RowID(1)))
            #expect(try await spool.devices().isEmpty)
            let ledger = try await spool.ledger(limit: 9)
            #expect(ledger.map(\.event) == ["typed"])
            #expect(ledger[0].actor == "uid 1000")
            #expect(!ledger[0].details.contains("125"), "the ledger holds no value")
            try await deliver(spool)
            #expect(try await state(spool).state == .delivered)
        }
    }

    @Test func `the value of a second is found before another one is typed for it`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.add(typed(1), by: person, at: noon)
            func found(
                _ code: String = "P0000001", _ kind: MeasurementKind = .bloodPressure,
                _ device: String = "typed:gw", _ seconds: Int64 = 1
            ) async throws -> RecordKey? {
                try await spool.record(
                    of: code, device: DeviceID(device), kind: kind, at: noon + .seconds(seconds))
            }
            #expect(try await found() == key(1))
            #expect(try await found("P0000002") == nil)
            #expect(try await found("P0000001", .weight) == nil)
            #expect(try await found("P0000001", .bloodPressure, "typed:other") == nil)
            #expect(try await found("P0000001", .bloodPressure, "typed:gw", 2) == nil)
            _ = try await spool.withdraw(RowID(1), reason: "x", by: person, at: noon)
            #expect(try await found() == nil)
        }
    }

    // MARK: edited

    @Test
    func `an edited record goes out under its key with the held update time, the original kept`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let first = try await batch(spool)
            try await spool.resolve(first, first.all(.accepted), at: noon)
            #expect(try await spool.edit(RowID(1), edit(135), at: later) == .done)
            let stored = try #require(try await spool.record(key(1)))
            #expect(stored.record.quantities == pressure(135))
            #expect(stored.record.dataInputCode == .edited && stored.revision == 2)
            #expect(stored.record.time == entry(1).record.time, "the time is the natural key")
            #expect(stored.updatedAt == later && stored.storedAt == noon)
            let versions = try await spool.versions(of: RowID(1))
            #expect(versions.map(\.quantities) == [pressure(125)])
            #expect(versions[0].dataInputCode == .device && versions[0].revision == 1)
            #expect(versions[0].since == noon && versions[0].until == later)
            #expect(versions[0].actor == "uid 1000" && versions[0].reason == "read wrongly")
            let second = try await batch(spool)
            #expect(second.items[0].heldUpdate == noon, "what the receiver holds")
            #expect(second.idempotencyKey != first.idempotencyKey)
            try await spool.resolve(second, second.all(.accepted), at: later)
            // The edit's time is held for the one after it.
            #expect(
                try await spool.edit(RowID(1), edit(136, of: 2), at: later + .minutes(5)) == .done)
            #expect(try await batch(spool).items[0].heldUpdate == later)
            #expect(try await spool.versions(of: RowID(1)).map(\.revision) == [1, 2])
            let note = try #require(try await spool.ledger(limit: 20).last)
            #expect(note.event == "corrected" && note.details.contains("\"systolic\""))
            #expect(!note.details.contains("136"))
        }
    }

    @Test func `two people who edit the same version do not overwrite each other`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            #expect(try await spool.edit(RowID(1), edit(135), at: later) == .done)
            #expect(try await spool.edit(RowID(1), edit(99), at: later) == .decidedBefore)
            #expect(try await spool.record(key(1))?.record.quantities == pressure(135))
        }
    }

    @Test func `what was edited before it was sent goes out once, as it is now`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            let only = try await batch(spool)
            #expect(only.items[0].heldUpdate == nil && only.items[0].updatedAt == later)
            try await spool.resolve(only, only.all(.accepted), at: later)
            #expect(try await spool.formBatch("db", max: 9, at: later) == nil)
        }
    }

    @Test func `an answer to the former version counts for it, and the new one waits on`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            let travelling = try await batch(spool)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            try await spool.resolve(travelling, travelling.all(.accepted), at: later)
            #expect(try await state(spool).state == .waiting)
            #expect(try await state(spool).deliveredAt == later, "the first version is there")
            #expect(try await state(spool, 2).state == .delivered)
            let next = try await batch(spool)
            #expect(next.keys == [key(1)])
            #expect(next.items[0].heldUpdate == noon)
            try await spool.resolve(next, next.all(.accepted), at: later)
            #expect(try await state(spool).state == .delivered)
        }
    }

    @Test(arguments: [
        RecordResult.Outcome.rejected(reason: "no", answer: "400"), .held(reason: "no consent"),
        .noTable,
    ])
    func `no other answer to the former version keeps the new one back`(
        _ outcome: RecordResult.Outcome
    ) async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let travelling = try await batch(spool)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            try await spool.resolve(travelling, travelling.all(outcome), at: later)
            #expect(try await state(spool).state == .waiting)
            #expect(try await spool.deadLetters().isEmpty)
        }
    }

    @Test func `a retry after an edit is another batch with another key`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            let before = try await batch(spool)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            #expect(try await spool.openBatch("db") == nil, "its key stands for other values")
            let after = try await batch(spool)
            #expect(after.keys == before.keys)
            #expect(after.idempotencyKey != before.idempotencyKey)
            #expect(after.items[0].record.quantities == pressure(135))
        }
    }

    @Test func `an edit of a dead letter sends it again; without consent it is held`() async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            let refused = try await batch(spool)
            try await spool.resolve(
                refused, refused.all(.rejected(reason: "no", answer: "400")), at: noon)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            _ = try await spool.edit(RowID(2), edit(135, to: .held("no consent")), at: later)
            #expect(try await state(spool).state == .waiting)
            #expect(try await state(spool, 2).reason == "no consent")
            #expect(try await spool.deadLetters().isEmpty)
        }
    }

    @Test func `a device does not count on in what a person corrected`() async throws {
        var day = entry(1)
        day.record.kind = .activity
        day.record.quantities = [Quantity(.steps, ExactDecimal(1_000), .steps)]
        day.grows = true
        let sent = day
        day.record.quantities = [Quantity(.steps, ExactDecimal(2_000), .steps)]
        day.record.received.utc = later
        let grown = day
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            _ = try await spool.edit(RowID(1), edit(120), at: later)
            #expect(try await spool.append([grown], at: later) == [.duplicate(RowID(1))])
            #expect(try await spool.record(key(1))?.record.quantities == pressure(120))
        }
    }

    @Test func `nobody edits what waits in quarantine, was taken back or is not there`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([quarantined(1), entry(2)], at: noon)
            _ = try await spool.withdraw(RowID(2), reason: "x", by: person, at: noon)
            for row in 1...3 {
                let error = await failure {
                    try await spool.edit(RowID(Int64(row)), edit(135), at: later)
                }
                #expect(error?.name == "refused", "row \(row)")
            }
        }
    }

    // MARK: withdrawn

    @Test func `what was taken back before it was sent is never sent`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            #expect(
                try await spool.withdraw(RowID(1), reason: "a child", by: person, at: later)
                    == .done)
            #expect(try await batch(spool).keys == [key(2)])
            let stored = try #require(try await spool.record(key(1)))
            #expect(stored.discarded == StoredRecord.Discarded(at: later, reason: "a child"))
            #expect(stored.deliveries.map(\.reason) == ["withdrawn"])
            #expect(stored.deliveries.allSatisfy { $0.deliveredAt == nil && !$0.isOnItsWay })
            #expect(
                try await spool.records(limit: 9, filter: .withdrawn).map(\.record.key) == [key(1)])
            #expect(
                try await spool.withdraw(RowID(1), reason: "x", by: person, at: later)
                    == .decidedBefore)
            let refusal = await failure { try await spool.release(RowID(1), to: "db", at: later) }
            #expect(refusal?.name == "refused")
        }
    }

    @Test func `what was taken back while it travelled may arrive, and is not tried again`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            let travelling = try await batch(spool)
            _ = try await spool.withdraw(RowID(1), reason: "x", by: person, at: later)
            #expect(try await state(spool).isOnItsWay)
            try await spool.resolve(travelling, travelling.all(.accepted), at: later)
            #expect(try await state(spool).state == .delivered, "the truth is that it was sent")
        }
        let second = TemporaryDirectory()
        try await withSpool(second) { spool async throws in
            _ = try await spool.append([entry(1), entry(2)], at: noon)
            _ = try await batch(spool)
            _ = try await spool.withdraw(RowID(1), reason: "x", by: person, at: later)
            #expect(try await spool.openBatch("db") == nil)
            #expect(try await batch(spool).keys == [key(2)], "no answer came: the rest goes alone")
            #expect(try await state(spool).reason == "withdrawn")
        }
    }

    @Test func `what was sent and taken back stays told, and a later read brings nothing back`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            try await deliver(spool)
            _ = try await spool.withdraw(RowID(1), reason: "x", by: person, at: later)
            #expect(try await state(spool).state == .delivered)
            #expect(try await spool.append([entry(1)], at: later) == [.duplicate(RowID(1))])
            #expect(try await spool.formBatch("db", max: 9, at: later) == nil)
            let note = try #require(try await spool.ledger(limit: 9).last)
            #expect(note.event == "withdrawn")
            #expect(note.details.contains("\"sent_before_to\":[\"db\"]"))
            let gone = try await spool.applyRetention(
                delivered: .minutes(5), rawFrames: .minutes(5), now: later + .minutes(6))
            #expect(gone.records == 1)
        }
    }

    @Test func `nobody's record that was taken back is no longer to be assigned`() async throws {
        var made = entry(1)
        made.participant = nil
        made.participantRule = "nobody's"
        let sent = made
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            _ = try await spool.withdraw(RowID(1), reason: "a test", by: person, at: later)
            #expect(try await spool.counts().unassigned == 0)
            #expect(try await spool.records(limit: 9, filter: .unassigned).isEmpty)
            let refusal = await failure {
                try await spool.assign(
                    RowID(1), to: "P1", rule: "person", destinations: [], at: later)
            }
            #expect(refusal?.name == "refused")
        }
    }

    // MARK: what a person may know

    @Test func `each delivery of each version is told, also of records that are gone`()
        async throws
    {
        var other = entry(3)
        other.participant = "P0000002"
        let second = other
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1), entry(2), second], at: noon)
            try await deliver(spool)
            _ = try await spool.edit(RowID(1), edit(135), at: later)
            try await deliver(spool, at: later)
            let sent = try await spool.deliveries(of: "P0000001", limit: 99)
            #expect(sent.map(\.key) == [key(1), key(2), key(1)])
            #expect(sent.map(\.at) == [noon, noon, later])
            #expect(sent.allSatisfy { $0.destination == "db" && $0.answer == "accepted" })
            #expect(sent.allSatisfy { $0.kind == .bloodPressure && $0.observed != nil })
            #expect(try await spool.deliveries(of: "P0000002", limit: 99).map(\.key) == [key(3)])
            #expect(try await spool.deliveries(of: "P0000009", limit: 99).isEmpty)
            // An answer is not divided, and the next page goes on behind it.
            let page = try await spool.deliveries(of: "P0000001", limit: 1)
            #expect(page.count == 2)
            let rest = try await spool.deliveries(
                of: "P0000001", after: page[1].entry, limit: 1)
            #expect(rest == Array(sent.dropFirst(2)))
            while try await spool.applyRetention(
                delivered: .minutes(5), rawFrames: .minutes(5), now: later + .minutes(60)
            ).isMore {}
            #expect(try await spool.counts().stored == 0)
            #expect(try await spool.deliveries(of: "P0000001", limit: 99) == sent)
            _ = try await spool.purge(
                "P0000001", setAside: false, by: person, at: later + .minutes(61))
            #expect(try await spool.deliveries(of: "P0000001", limit: 99).isEmpty)
            #expect(try await spool.deliveries(of: "P0000002", limit: 99).count == 1)
        }
    }

    @Test func `former values go with a purge, byte for byte, and are sealed where values are`()
        async throws
    {
        let keys = TemporaryDirectory()
        writeFile(
            keys.path + "/master.key", Array((String(repeating: "1a", count: 32) + "\n").utf8))
        var made = entry(1)
        made.record.quantities = [Quantity(.weight, ExactDecimal("98.7654"), .kilogram)]
        made.participant = nil
        let sent = made
        for seals in [false, true] {
            let directory = TemporaryDirectory()
            let holds = {
                directory.entries.contains { file(directory.path + "/" + $0, holds: "98.7654") }
            }
            try await withSpool(
                directory,
                configure: {
                    $0.encryption = StoreEncryption(
                        keyFile: keys.path + "/master.key", seals: seals)
                }
            ) { spool async throws in
                _ = try await spool.append([sent], at: noon)
                _ = try await spool.edit(RowID(1), edit(135), at: later)
                try await spool.assign(
                    RowID(1), to: "P0000001", rule: "person", destinations: [], at: later)
                let former = try await spool.versions(of: RowID(1))
                #expect(former.first?.quantities == sent.record.quantities)
                #expect(holds() == !seals)
                _ = try await spool.purge("P0000001", setAside: false, by: person, at: later)
                #expect(!holds())
                #expect(try await spool.number("SELECT COUNT(*) FROM record_version") == 0)
            }
        }
    }
}
