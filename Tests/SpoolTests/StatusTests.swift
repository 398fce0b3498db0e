import Measurement
import Testing

@testable import Spool

@Suite struct StatusTests {
    let directory = TemporaryDirectory()

    /// Six records: two delivered, one dead, one waiting, one unassigned, one in quarantine.
    private func fill(_ spool: Spool) async throws {
        _ = try await spool.append(entries(1...3), at: noon)
        let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
        let rows = batch.items.map(\.rowID)
        try await spool.resolve(
            batch,
            [
                RecordResult(rows[0], .accepted), RecordResult(rows[1], .duplicate),
                RecordResult(rows[2], .rejected(reason: "422", answer: "")),
            ], at: noon + .seconds(30))
        var nobodys = entry(5)
        nobodys.participant = nil
        _ = try await spool.append(
            [entry(4, secondsAfterNoon: -9_999_999), nobodys, quarantined(6)],
            at: noon + .seconds(60))
    }

    @Test func `status counts every record in its place`() async throws {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.counts() == SpoolCounts())
            #expect(try await spool.destinations().isEmpty)
            try await fill(spool)
            var expected = SpoolCounts()
            expected.stored = 6
            expected.waiting = 1
            expected.unassigned = 1
            expected.quarantined = 1
            expected.deadLetters = 1
            expected.delivered = 2
            #expect(try await spool.counts() == expected)
        }
    }

    @Test func `a destination shows since when it is behind, not how old the measurement is`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            var expected = DestinationCounts(name: "db")
            expected.waiting = 1
            expected.held = 2
            expected.deadLetters = 1
            expected.delivered = 2
            expected.oldestWaitingAt = noon + .seconds(60)
            expected.lastDeliveredAt = noon + .seconds(30)
            #expect(try await spool.destinations() == [expected])
        }
    }

    @Test func `a record that waits for two destinations is one waiting record`() async throws {
        var both = entry(1)
        both.destinations = [EntryDestination("a", .waiting), EntryDestination("b", .waiting)]
        let sent = both
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([sent], at: noon)
            #expect(try await spool.counts().waiting == 1)
            #expect(try await spool.destinations().map(\.waiting) == [1, 1])
        }
    }

    @Test(arguments: [
        (RecordFilter.all, [1, 2, 3, 4, 5, 6]), (.waiting, [4]), (.held, [5, 6]),
        (.unassigned, [5]), (.quarantined, [6]), (.deadLetters, [3]), (.delivered, [1, 2]),
    ])
    func `lists hold the records of their state`(filter: RecordFilter, expected: [Int]) async throws
    {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            let found = try await spool.records(limit: 100, filter: filter)
            #expect(found.map(\.record.key) == expected.map(key))
            #expect(found.allSatisfy { $0.deliveries.count == 1 })
            // Page by page, the same records.
            var paged: [RecordKey] = []
            var after = RowID(0)
            while let next = try await spool.records(after: after, limit: 1, filter: filter).first {
                paged.append(next.record.key)
                after = next.rowID
            }
            #expect(paged == expected.map(key))
        }
    }

    @Test func `a record is found by its key, and an unknown one is not`() async throws {
        try await withSpool(directory) { spool async throws in
            try await fill(spool)
            #expect(try await spool.record(key(3))?.rowID == RowID(3))
            #expect(try await spool.record(key(99)) == nil)
            #expect(try await spool.record(RowID(99)) == nil)
            #expect(try await spool.quarantine().map(\.record.key) == [key(6)])
        }
    }

    @Test func `a device keeps what it said before and shows when it was last heard`() async throws
    {
        let known = bloodPressure(1).device
        let bare = DeviceDescription(id: cuff, firmware: "2.0")
        try await withSpool(directory) { spool async throws in
            try await spool.noteDevice(known, profile: "and-ua-651ble", seenAt: noon)
            try await spool.noteDevice(bare, profile: nil, seenAt: noon + .seconds(50))
            try await spool.noteDevice(bare, profile: nil, seenAt: noon + .seconds(20))
            _ = try await spool.append([entry(2), entry(1)], at: noon + .seconds(90))
            let device = try #require(try await spool.devices().first)
            #expect(device.description.model == "UA-651BLE")
            #expect(device.description.firmware == "2.0")
            #expect(device.profile == "and-ua-651ble")
            #expect(device.firstSeen == noon)
            #expect(device.lastSeen == noon + .seconds(50))
            #expect(device.lastRecord == noon + .seconds(2))
            #expect(device.records == 2)
            #expect(try await spool.device(cuff) == device)
            #expect(try await spool.device(DeviceID("ble:00:00:00:00:00:00")) == nil)
        }
    }

    @Test func `counters add up by name and survive a restart`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.increment(["frames_rejected": 2, "sightings_unknown": 1])
            try await spool.increment(["frames_rejected": 3, "nothing": 0])
        }
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            #expect(
                try await spool.counters() == ["frames_rejected": 5, "sightings_unknown": 1])
        }
    }

    @Test func `the used bytes grow with the records`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            let empty = await spool.usedBytes
            _ = try await spool.append(entries(1...200), at: noon)
            #expect(await spool.usedBytes > empty)
            #expect(await spool.maximumBytes == 512 << 20)
        }
    }
}
