import Measurement
import Testing

@testable import Spool

@Suite struct DuplicateTests {
    let directory = TemporaryDirectory()

    @Test func `a record that the device sends again changes nothing of the first`() async throws {
        try await withSpool(directory) { spool async throws in
            let first = try await spool.append([entry(1)], at: noon)[0]
            var again = entry(1)
            again.record.time?.observed = noon + .seconds(4)
            again.record.time?.clockOffset = .seconds(364)
            again.record.quantities[0].number = ExactDecimal(126)
            again.frames.append(RawFrame(source: "gatt:2a35", bytes: [9]))
            again.participant = "P0000002"
            again.destinations = [EntryDestination("other", .waiting)]
            let sent = again
            let second = try await spool.append([sent], at: noon + .seconds(60))[0]
            #expect(second == .duplicate(first.rowID))
            let stored = try #require(try await spool.record(first.rowID))
            #expect(stored.record == entry(1).record)
            #expect(stored.storedAt == noon)
            #expect(stored.participant == "P0000001")
            #expect(stored.deliveries.map(\.destination) == ["db"])
            #expect(try await spool.frames(of: first.rowID).count == 1)
        }
    }

    @Test func `duplicates are counted and the counter survives a restart`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append(entries(1...2), at: noon)
            _ = try await spool.append(entries(1...3), at: noon)
        }
        try await withSpool(directory) { spool async throws in
            let counters = try await spool.counters()
            #expect(counters["records_stored"] == 3)
            #expect(counters["records_duplicate"] == 2)
        }
    }

    @Test func `the same record twice in one call is stored once`() async throws {
        try await withSpool(directory) { spool async throws in
            let results = try await spool.append([entry(1), entry(1)], at: noon)
            #expect(results == [.stored(results[0].rowID), .duplicate(results[0].rowID)])
        }
    }

    struct Redelivery: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var seconds: Int64
        var fingerprint = "weight 72.5"
        var device = scale
        var isDuplicate: Bool
    }

    @Test(arguments: [
        Redelivery(testDescription: "repeated at once", seconds: 0, isDuplicate: true),
        Redelivery(testDescription: "at the end of the window", seconds: 30, isDuplicate: true),
        Redelivery(testDescription: "heard late, from before", seconds: -30, isDuplicate: true),
        Redelivery(testDescription: "after the window", seconds: 31, isDuplicate: false),
        Redelivery(testDescription: "long before", seconds: -31, isDuplicate: false),
        Redelivery(
            testDescription: "another value", seconds: 1, fingerprint: "weight 72.6",
            isDuplicate: false),
        Redelivery(
            testDescription: "another scale", seconds: 1, device: cuff, isDuplicate: false),
    ])
    func `a reading without index or time is one record however often it is heard`(
        case redelivery: Redelivery
    ) async throws {
        func heard(_ number: Int, _ seconds: Int64, _ text: String, _ device: DeviceID)
            -> SpoolEntry
        {
            var made = entry(number, device: device, secondsAfterNoon: seconds)
            made.record.sequenceNumber = nil
            made.record.deviceTime = nil
            made.fingerprint = text
            made.duplicateWindow = .seconds(30)
            return made
        }
        let first = heard(1, 0, "weight 72.5", scale)
        let second = heard(
            2, redelivery.seconds, redelivery.fingerprint, redelivery.device)
        try await withSpool(directory) { spool async throws in
            let stored = try await spool.append([first], at: noon)[0]
            let result = try await spool.append([second], at: noon)[0]
            #expect(result.isStored == !redelivery.isDuplicate)
            if redelivery.isDuplicate { #expect(result.rowID == stored.rowID) }
        }
    }

    @Test func `a failed measurement that the device sends again is counted once`() async throws {
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.noteFailedMeasurement(cuff, key: "a", at: noon))
            #expect(try await spool.noteFailedMeasurement(cuff, key: "b", at: noon))
            #expect(try await !spool.noteFailedMeasurement(cuff, key: "a", at: noon + .seconds(9)))
            #expect(try await spool.noteFailedMeasurement(scale, key: "a", at: noon))
            #expect(try await spool.memory(of: cuff)?.failedMeasurements == 2)
            #expect(try await spool.counters()["failed_measurements"] == 3)
        }
    }

    @Test func `failed measurements of a transfer are committed with its records`() async throws {
        let failures = (1...30).map { FailedMeasurement(device: cuff, key: "f\($0)", at: noon) }
        try await withSpool(directory) { spool async throws in
            for _ in 1...2 {
                _ = try await spool.append(entries(1...2), at: noon, failures: failures)
            }
            var memory = DeviceMemory()
            memory.failedMeasurements = 0
            try await spool.saveMemory(memory, of: cuff, at: noon)
            let device = try #require(try await spool.devices().first)
            #expect(device.memory.failedMeasurements == 30, "saving memory must not lose the count")
            #expect(device.records == 2)
        }
    }
}
