import EventLoop
import Glibc
import Measurement
import Testing

@testable import Spool

@Suite struct GroupCommitTests {
    let directory = TemporaryDirectory()

    /// Calls `append` once per entry, all while the disk is busy with something else.
    private func atOnce(
        _ spool: Spool, _ entries: [SpoolEntry]
    ) async -> [Result<[AppendResult], SpoolError>] {
        let gate = Locked(true)
        async let busy: Void = spool.occupy(while: { gate.withLock { $0 } })
        let results = await withTaskGroup(of: (Int, Result<[AppendResult], SpoolError>).self) {
            group in
            for (number, entry) in entries.enumerated() {
                group.addTask {
                    do throws(SpoolError) {
                        return (number, .success(try await spool.append([entry], at: noon)))
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            while spool.appends.count < entries.count { usleep(200) }
            gate.withLock { $0 = false }
            var all: [(Int, Result<[AppendResult], SpoolError>)] = []
            for await result in group { all.append(result) }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
        await busy
        return results
    }

    @Test func `readings that come while the disk is busy share its next transaction`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            let before = await spool.transactions
            let results = await atOnce(spool, (1...20).map { entry($0) })
            for result in results { #expect(try result.get().map(\.isStored) == [true]) }
            #expect(await spool.transactions == before + 1)
            #expect(try await spool.counts().stored == 20)
            #expect(await spool.appended.isEmpty, "nobody's answer is left behind")
        }
    }

    @Test func `a lone reading waits for nobody`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            for number in 1...5 { _ = try await spool.append([entry(number)], at: noon) }
            #expect(await spool.transactions == 5)
        }
    }

    @Test func `more than one transaction takes is stored in the next ones`() async throws {
        let count = AppendQueue.maximumRequests * 2 + 5
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            let results = await atOnce(spool, (1...count).map { entry($0) })
            for result in results { #expect(try result.get()[0].isStored) }
            #expect(await spool.transactions == 3)
            #expect(try await spool.counts().stored == count)
        }
    }

    @Test func `the same reading from two callers is stored once, and the second is told`()
        async throws
    {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            let results = await atOnce(spool, [entry(1), entry(2), entry(1)])
            let stored = try results.map { try $0.get()[0].isStored }
            #expect(stored.count { $0 } == 2)
            #expect(try await spool.counts().stored == 2)
        }
    }

    @Test func `one caller's refusal is not the others'`() async throws {
        var large = entry(3)
        large.frames = [RawFrame(source: "gatt:2a35", bytes: Array(repeating: 1, count: 1 << 20))]
        let sent = [entry(1), entry(2), large, entry(4)]
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            await spool.setMaximum(bytes: 1 << 20)
            let results = await atOnce(spool, sent)
            #expect(results.map { (try? $0.get()) != nil } == [true, true, false, true])
            #expect(try await spool.records(limit: 9).map(\.record.key) == [1, 2, 4].map(key))
            guard case .failure(let error) = results[2] else { return }
            #expect(error.name == "full")
        }
    }

    @Test
    func `where the disk fails every caller is told, and what is offered again is stored once`()
        async throws
    {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            try await spool.open()
            faults.breakSynchronising()
            let results = await atOnce(spool, (1...6).map { entry($0) })
            for result in results {
                guard case .failure(let error) = result else {
                    Issue.record("a reading was promised that is not on the disk")
                    continue
                }
                #expect(error.name == "input-output")
            }
            faults.heal()
            // What was not promised may have reached the disk all the same; offered again, it is one.
            _ = try await spool.append(entries(1...6), at: noon)
            #expect(try await spool.counts().stored == 6)
        }
    }

    @Test func `after the end every caller is told that the store is closed`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            await spool.close()
            let results = await atOnce(spool, [entry(1), entry(2)])
            for result in results {
                #expect(throws: SpoolError.closed(path: directory.store)) { try result.get() }
            }
        }
    }
}

extension Spool {
    /// Keeps the store's thread busy for as long as the condition holds.
    func occupy(while condition: @Sendable () -> Bool) { while condition() { usleep(200) } }
}
