import Glibc
import Measurement
import Testing

@testable import Spool

@Suite struct DiskTroubleTests {
    let directory = TemporaryDirectory()

    private func withFaults(_ body: (Spool, Faults) async throws -> Void) async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            try await spool.open()
            try await body(spool, faults)
            faults.heal()
        }
    }

    @Test func `an append has reached the disk when it returns`() async throws {
        try await withFaults { spool, faults async throws in
            for number in 1...3 {
                let before = faults.synchronised("-wal")
                _ = try await spool.append([entry(number)], at: noon)
                #expect(faults.synchronised("-wal") > before)
            }
            #expect(try await spool.number("PRAGMA synchronous") == 2)
        }
    }

    struct Trouble: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var begin: @Sendable (Faults) -> Void
        var name: String
        var hint: String
    }

    @Test(arguments: [
        Trouble(
            testDescription: "no space", begin: { $0.fill() }, name: "disk-full",
            hint: "free space"),
        Trouble(
            testDescription: "no space after the first page", begin: { $0.fill(afterWrites: 2) },
            name: "disk-full", hint: "free space"),
        Trouble(
            testDescription: "write error", begin: { $0.breakWrites() }, name: "input-output",
            hint: "check the disk"),
        Trouble(
            testDescription: "write error in the middle", begin: { $0.breakWrites(afterWrites: 3) },
            name: "input-output", hint: "check the disk"),
        Trouble(
            testDescription: "synchronising fails", begin: { $0.breakSynchronising() },
            name: "input-output", hint: "check the disk"),
        Trouble(
            testDescription: "remounted read-only", begin: { $0.remountReadOnly() },
            name: "read-only", hint: "writable"),
    ])
    func `a record is refused by name while the disk is in trouble, and stored when it healed`(
        trouble: Trouble
    ) async throws {
        let store = directory.store
        try await withFaults { spool, faults async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            trouble.begin(faults)
            for number in 4...6 {
                let error = await failure { try await spool.append([entry(number)], at: noon) }
                #expect(error?.name == trouble.name, "\(String(describing: error))")
                #expect(error?.description.contains(store) == true)
                #expect(error?.description.contains(trouble.hint) == true)
            }
            faults.heal()
            // The device offers again what was not acknowledged.
            _ = try await spool.append(entries(4...7), at: noon)
            #expect(try await spool.counts().stored == 7)
            #expect(try await spool.records(limit: 9).map(\.record.key) == (1...7).map(key))
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
            #expect(await spool.openReport?.salvage == nil)
        }
    }

    @Test(arguments: 0...12)
    func `a write error at any moment of an append loses nothing and doubles nothing`(
        writes: Int
    ) async throws {
        try await withFaults { spool, faults async throws in
            _ = try await spool.append(entries(1...2), at: noon)
            faults.breakWrites(afterWrites: writes)
            var sent = entries(3...20)
            sent[0].frames = [RawFrame(source: "usb", bytes: Array(repeating: 1, count: 30_000))]
            let frames = sent
            let failed = await failure { try await spool.append(frames, at: noon) } != nil
            faults.heal()
            let results = try await spool.append(frames, at: noon)
            // After an error of the last synchronising a record may be there or not; never twice.
            if !failed { #expect(results.allSatisfy { !$0.isStored }) }
            #expect(try await spool.counts().stored == 20)
            #expect(try await spool.number("SELECT COUNT(*) FROM raw_frame") == 20)
            #expect(try await spool.number("SELECT COUNT(*) FROM delivery") == 20)
        }
    }

    @Test func `a verdict that could not be written is asked for again under the same key`()
        async throws
    {
        try await withFaults { spool, faults async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            let batch = try #require(try await spool.formBatch("db", max: 3, at: noon))
            faults.fill()
            let error = await failure {
                try await spool.resolve(batch, batch.all(.accepted), at: noon)
            }
            #expect(error?.name == "disk-full")
            faults.heal()
            #expect(try await spool.openBatch("db") == batch)
            try await spool.resolve(batch, batch.all(.accepted), at: noon)
            #expect(try await spool.counts().delivered == 3)
        }
    }

    @Test func `a lock that another program holds is reported as busy and waited out`() async throws
    {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            do {
                let other = Connection(try Database(path: directory.store))
                try other.run(.begin)
                let error = await failure { try await spool.append([entry(2)], at: noon) }
                #expect(error?.name == "busy")
                #expect(try await spool.counts().stored == 1, "reading goes on")
            }
            #expect(try await spool.append([entry(2)], at: noon)[0].isStored)
        }
    }

    @Test func `a state directory that vanishes is noticed at once and made again`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            removeTree(directory.path)
            let error = await failure { try await spool.append([entry(2)], at: noon) }
            #expect(error?.name == "gone", "not acknowledged into a file that nobody can find")
            #expect(error?.description.contains(directory.store) == true)
            #expect(try await spool.append([entry(2)], at: noon)[0].isStored)
            #expect(await spool.openReport?.vanished == true)
            #expect(fileMark(directory.store) != nil)
        }
    }

    @Test(arguments: ["hakaru.db", "hakaru.db-wal", "hakaru.lock"])
    func `a file that is taken away under the store is noticed`(name: String) async throws {
        let path = directory.path + "/" + name
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            #expect(rename(path, path + ".away") == 0)
            let error = await failure { try await spool.append([entry(2)], at: noon) }
            #expect(error?.name == "gone")
            #expect(rename(path + ".away", path) == 0)
            _ = try await spool.append([entry(2)], at: noon)
            #expect(try await spool.counts().stored == 2, "put back, the store goes on")
        }
    }
}
