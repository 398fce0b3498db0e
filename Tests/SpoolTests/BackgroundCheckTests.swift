import Glibc
import Measurement
import Testing

@testable import Spool

/// A store that is too large to be looked through before the gateway starts.
@Suite struct BackgroundCheckTests {
    let directory = TemporaryDirectory()

    /// The files of a killed gateway with records in them.
    private func crash(damaging: Bool = false) async throws {
        let living = TemporaryDirectory()
        try await withSpool(living) { spool async throws in
            _ = try await spool.append(entries(1...400), at: noon)
            _ = try await spool.number("PRAGMA wal_checkpoint(TRUNCATE)")
            var bytes = readFile(living.store)
            if damaging {
                let page = bytes.count / 4_096 * 2 / 3
                for index in 0..<4_096 { bytes[page * 4_096 + index] = 0xa5 }
            }
            writeFile(directory.store, bytes)
            for suffix in ["-wal", "-shm"] {
                writeFile(directory.store + suffix, readFile(living.store + suffix))
            }
        }
    }

    private func withLarge<T>(_ body: (Spool) async throws -> T) async throws -> T {
        try await withSpool(directory, configure: { $0.checkAtOnceBytes = 0 }, body)
    }

    @Test func `after an unclean end a large store works at once and is checked meanwhile`()
        async throws
    {
        try await crash()
        try await withLarge { spool async throws in
            let report = try await spool.open()
            #expect(report.wasUnclean && report.integrityPending && !report.integrityChecked)
            async let found = spool.checkInBackground(until: StopFlag())
            #expect(try await spool.append([entry(401)], at: noon)[0].isStored)
            let damage = await found
            #expect(damage == nil)
            #expect(await spool.openReport?.integrityChecked == true)
            #expect(await spool.openReport?.integrityPending == false)
        }
        try await withLarge { spool async throws in
            let report = try await spool.open()
            #expect(!report.integrityPending && !report.integrityChecked, "once is enough")
        }
    }

    @Test func `damage that is found meanwhile is set aside, and the readings go on`() async throws
    {
        try await crash(damaging: true)
        try await withLarge { spool async throws in
            #expect(try await spool.open().integrityPending)
            let found = try #require(await spool.checkInBackground(until: StopFlag()))
            #expect(!found.isEmpty)
            #expect(try await spool.append([entry(900)], at: noon)[0].isStored)
            let report = await spool.openReport
            let salvage = try #require(report?.salvage)
            #expect(salvage.records > 300 && salvage.records <= 400)
            #expect(directory.entries.contains { $0.contains(".corrupt-") })
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
        }
    }

    @Test func `a check that was not finished is done at the next start, after a proper end too`()
        async throws
    {
        try await crash(damaging: true)
        try await withLarge { spool async throws in
            #expect(try await spool.open().integrityPending)
        }
        try await withLarge { spool async throws in
            let report = try await spool.open()
            #expect(!report.wasUnclean && report.integrityPending)
            let stop = StopFlag()
            stop.set()
            #expect(await spool.checkInBackground(until: stop) == nil, "it was stopped")
            #expect(await spool.openReport?.integrityPending == true)
        }
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage != nil, "small enough to be checked at once")
        }
    }

    @Test func `a small store is checked before it is used`() async throws {
        try await crash()
        try await withSpool(directory) { spool async throws in
            let report = try await spool.open()
            #expect(report.integrityChecked && !report.integrityPending)
            #expect(await spool.checkInBackground(until: StopFlag()) == nil)
        }
    }
}
