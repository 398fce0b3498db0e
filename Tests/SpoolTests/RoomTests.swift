import EventLoop
import Measurement
import Testing

@testable import Spool

@Suite struct RoomTests {
    let directory = TemporaryDirectory()

    private func deliver(_ spool: Spool, _ destination: String = "db") async throws {
        while let batch = try await spool.formBatch(destination, max: 100, at: noon) {
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
        }
    }

    /// A store whose limit is met exactly, with a reserve of 256 kB above it.
    private func tight(_ spool: Spool) async throws {
        let used = try await spool.bytesInUse()
        await spool.setMaximum(bytes: used + (256 << 10) - 4_096)
    }

    @Test func `while there is room nothing is removed and nothing is short`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...10), at: noon)
            try await deliver(spool)
            let room = try await spool.makeRoom(at: noon)
            #expect(room.shortage == nil && room.freedRecords == 0)
            #expect(room.usedBytes > 0)
            #expect(try await spool.counts().stored == 10)
        }
    }

    @Test func `devices stop before the store is full, and what is under way still fits`()
        async throws
    {
        try await withSpool(directory, configure: { $0.reserveBytes = 256 << 10 }) {
            spool async throws in
            _ = try await spool.append(entries(1...50), at: noon)
            try await tight(spool)
            let room = try await spool.makeRoom(at: noon)
            #expect(room.shortage?.name == "full")
            #expect(room.shortage?.description.contains("nothing more is taken") == true)
            #expect(room.freedRecords == 0, "nothing that waits is removed for room")
            // The session that was under way ends, deliveries and decisions go on.
            _ = try await spool.append(entries(51...80), at: noon)
            try await deliver(spool)
            #expect(try await spool.counts().delivered == 80)
        }
    }

    @Test func `delivered records go first, the oldest first, and then there is room again`()
        async throws
    {
        try await withSpool(directory, configure: { $0.reserveBytes = 256 << 10 }) {
            spool async throws in
            let rows = try await spool.append(entries(1...600), at: noon).map(\.rowID)
            try await deliver(spool)
            _ = try await spool.append(entries(601...700), at: noon)
            try await tight(spool)
            let room = try await spool.makeRoom(at: noon, steps: 1)
            #expect(room.shortage == nil)
            #expect(room.freedRecords == 200)
            #expect(try await spool.record(rows[199]) == nil)
            #expect(try await spool.record(rows[200]) != nil)
            #expect(try await spool.counts().waiting == 100)
            let last = try #require(try await spool.ledger(limit: 5_000).last)
            #expect(last.event == "expired" && last.details.contains("room"))
            #expect(try await spool.counters()["records_dropped_for_room"] == 200)
            // What was removed is known: a device that sends it again fills nothing in anew.
            #expect(try await spool.append([entry(1)], at: noon)[0].isDuplicate)
        }
    }

    @Test func `held, refused, unassigned and quarantined records are no room`() async throws {
        var held = entry(1)
        held.destinations = [EntryDestination("db", .held("no consent"))]
        var nobodys = entry(2)
        nobodys.participant = nil
        var half = entry(3)
        half.destinations.append(EntryDestination("later", .waiting))
        let sent = [held, nobodys, half, quarantined(4)]
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(sent, at: noon)
            try await deliver(spool)
            await spool.setMaximum(bytes: 4_096)
            let room = try await spool.makeRoom(at: noon)
            #expect(room.freedRecords == 0 && room.shortage?.name == "full")
            #expect(try await spool.counts().stored == 4)
        }
    }

    @Test func `a full store still tells a device what it has already, and takes nothing new`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...50), at: noon)
            let used = try await spool.bytesInUse()
            await spool.setMaximum(bytes: used - 4_096)
            let again = try await spool.append(entries(1...50), at: noon)
            #expect(again.count(where: { $0.isDuplicate }) == 50)
            let error = await failure { _ = try await spool.append([entry(51)], at: noon) }
            #expect(error?.name == "full")
            #expect(try await spool.counts().stored == 50)
        }
    }

    @Test func `a disk that is nearly full is noticed before a write fails`() async throws {
        let free = Locked<Int64>(1 << 20)
        try await withSpool(
            directory,
            configure: {
                $0.reserveBytes = 2 << 20
                $0.freeBytes = { _ in free.withLock { $0 } }
            }
        ) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            let short = try await spool.makeRoom(at: noon)
            #expect(short.shortage?.name == "disk-full")
            #expect(short.shortage?.description.contains("1048576 bytes are free") == true)
            #expect(
                try await spool.append([entry(2)], at: noon)[0].isStored, "the reserve is there")
            free.withLock { $0 = 3 << 20 }
            #expect(try await spool.makeRoom(at: noon).shortage == nil)
        }
    }

    @Test func `the system says how much is free, and nothing where there is nothing`() {
        #expect((Spool.freeBytes(at: directory.path) ?? 0) > 0)
        #expect(Spool.freeBytes(at: "/nowhere/at/all") == nil)
    }
}
