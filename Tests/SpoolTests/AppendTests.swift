import Measurement
import Testing

@testable import Spool

@Suite struct AppendTests {
    let directory = TemporaryDirectory()

    @Test func `a stored record comes back with every field it went in with`() async throws {
        var full = entry(1)
        full.record.quantities = [
            Quantity(.weight, ExactDecimal(3600, exponent: -2), .kilogram),
            Quantity(.bodyFat, nil, .percent),
            Quantity(.basalMetabolism, ExactDecimal(2, exponent: 1), .kilocalorie),
            Quantity(.impedance, ExactDecimal(-5, exponent: -30), .ohm),
        ]
        full.record.flags = ["stored", "battery-low"]
        full.record.userSlot = 2
        full.record.measurementPositionCode = "31"
        full.record.duration = .seconds(600)
        full.record.mealCode = "1"
        full.record.simulated = true
        full.record.dataInputCode = .edited
        full.record.device.assetNumber = "A-17"
        full.record.device.firmware = "1.0.3"
        full.record.time?.clockOffset = .seconds(-360)
        full.record.time?.uncertainty = .milliseconds(1_500)
        full.record.time?.resolution = .minute
        full.record.time?.basis = .corrected
        full.record.time?.origin = .corrected
        full.record.received.synchronised = false
        let sent = full
        try await withSpool(directory) { spool async throws in
            let result = try await spool.append([sent], at: noon)
            let stored = try #require(try await spool.record(result[0].rowID))
            #expect(stored.record == sent.record)
            #expect(
                stored.record.quantities.map(\.number?.text) == [
                    "36.00", nil, "20", sent.record.quantities[3].number?.text,
                ])
            #expect(stored.record.quantities.map(\.number?.exponent) == [-2, nil, 1, -30])
            #expect(stored.participant == "P0000001")
            #expect(stored.participantRule == "device-owner")
            #expect(stored.storedAt == noon)
            #expect(try await spool.frames(of: stored.rowID) == sent.frames)
        }
    }

    @Test func `a record without any optional field comes back without them`() async throws {
        var bare = entry(1)
        bare.record.device = DeviceDescription(id: scale)
        bare.record.deviceTime = nil
        bare.record.sequenceNumber = nil
        bare.record.quantities = []
        bare.frames = [RawFrame(source: "usb", bytes: [])]
        let sent = bare
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            #expect(try await spool.record(row)?.record == sent.record)
            #expect(try await spool.frames(of: row) == sent.frames)
        }
    }

    @Test func `records keep their order and get rising numbers`() async throws {
        try await withSpool(directory) { spool async throws in
            let first = try await spool.append(entries(1...3), at: noon)
            let second = try await spool.append(entries(4...5), at: noon)
            let numbers = (first + second).map(\.rowID.number)
            #expect(numbers == numbers.sorted())
            #expect(Set(numbers).count == 5)
            #expect(try await spool.records(limit: 10).map(\.record.key) == (1...5).map(key))
        }
    }

    @Test func `what was stored is there after the store is closed and opened`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...2), at: noon)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.counts().stored == 2)
            #expect(await spool.openReport?.wasUnclean == false)
        }
    }

    @Test func `one bad entry refuses the whole call and stores nothing`() async throws {
        struct Bad {
            var name: String
            var change: @Sendable (inout SpoolEntry) -> Void
        }
        let table = [
            Bad(name: "without a key") { $0.record.key = RecordKey(hex: "") },
            Bad(name: "without a key") {
                $0.record.key = RecordKey(hex: String(repeating: "A", count: 32))
            },
            Bad(name: "without a key") {
                $0.record.key = RecordKey(hex: String(repeating: "é", count: 16))
            },
            Bad(name: "neither a time nor a reason") { $0.record.time = nil },
            Bad(name: "names a destination twice") {
                $0.destinations.append(EntryDestination("db", .noTable))
            },
            Bad(name: "a fingerprint and a window") { $0.fingerprint = "x" },
            Bad(name: "a fingerprint and a window") { $0.duplicateWindow = .seconds(1) },
        ]
        try await withSpool(directory) { spool async throws in
            for bad in table {
                var broken = entry(2)
                bad.change(&broken)
                let sent = [entry(1), broken]
                let error = await failure { try await spool.append(sent, at: noon) }
                #expect(error?.name == "refused")
                #expect(error?.description.contains(bad.name) == true)
            }
            let stored = try await spool.counts().stored
            #expect(stored == 0)
        }
    }

    @Test func `an unassigned record is kept and never waits for sending`() async throws {
        var nobodys = entry(1)
        nobodys.participant = nil
        let sent = nobodys
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            let stored = try #require(try await spool.record(row))
            #expect(stored.deliveries.map(\.state) == [.held])
            #expect(stored.deliveries[0].reason == "unassigned")
            #expect(try await spool.due("db", limit: 10).isEmpty)
            #expect(try await spool.formBatch("db", max: 10, at: noon) == nil)
            #expect(try await spool.counts().unassigned == 1)
        }
    }

    @Test(arguments: QuarantineReason.allCases)
    func `a quarantined record is kept with its reason and never waits for sending`(
        reason: QuarantineReason
    ) async throws {
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([quarantined(1, reason)], at: noon)[0].rowID
            let stored = try #require(try await spool.record(row))
            #expect(stored.record.quarantine == reason)
            #expect(stored.record.time == nil)
            #expect(stored.deliveries[0].reason == "quarantined: \(reason.rawValue)")
            #expect(try await spool.formBatch("db", max: 10, at: noon) == nil)
            let counts = try await spool.counts()
            #expect(counts.quarantined == 1)
            #expect(counts.unassigned == 0)
        }
    }

    @Test func `each destination begins where the entry says`() async throws {
        var many = entry(1)
        many.destinations = [
            EntryDestination("a", .waiting), EntryDestination("b", .held("no consent")),
            EntryDestination("c", .noTable),
        ]
        let sent = many
        try await withSpool(directory) { spool async throws in
            let row = try await spool.append([sent], at: noon)[0].rowID
            #expect(
                try await spool.record(row)?.deliveries == [
                    Delivery(destination: "a", state: .waiting),
                    Delivery(destination: "b", state: .held, reason: "no consent"),
                    Delivery(destination: "c", state: .noTable),
                ])
        }
    }

    @Test func `the device's memory is saved in the same call, also beside duplicates`()
        async throws
    {
        var memory = DeviceMemory()
        memory.nextSequence = 18
        memory.clockOffset = .seconds(360)
        memory.clockCheckedAt = noon
        memory.clockSetAt = noon + .seconds(1)
        memory.newestDeviceTime = LocalDateTime(year: 2026, month: 2, day: 28, hour: 23)
        memory.newestSequence = 17
        memory.lastSessionEndedAt = noon + .seconds(2)
        memory.batteryPercent = 88
        for number in 0..<DeviceMemory.maximumClockSteps {
            memory.clockSteps.append(
                ClockStep(
                    deviceBefore: LocalDateTime(localMicroseconds: Int64(number) * 1_000_001),
                    offset: .seconds(Int64(-number)), setAt: noon + .seconds(Int64(number)),
                    drained: number % 2 == 0))
        }
        let first = memory
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon, memory: (cuff, first))
            #expect(try await spool.memory(of: cuff) == first)
            var later = first
            later.nextSequence = 19
            later.batteryPercent = nil
            _ = try await spool.append([entry(1)], at: noon, memory: (cuff, later))
            let saved = try await spool.memory(of: cuff)
            #expect(saved?.nextSequence == 19)
            #expect(saved?.batteryPercent == 88, "a level that was not read stays known")
            #expect(try await spool.memory(of: scale) == nil)
        }
    }

    @Test func `a refused call saves no memory: the device still has to send the record`()
        async throws
    {
        try await withSpool(directory, configure: { $0.maximumBytes = 1 }) { spool async throws in
            var memory = DeviceMemory()
            memory.nextSequence = 2
            let sent = memory
            let error = await failure {
                try await spool.append([entry(1)], at: noon, memory: (cuff, sent))
            }
            #expect(error?.name == "full")
            let saved = try await spool.memory(of: cuff)
            #expect(saved == nil)
        }
    }
}
