import CSQLite
import EventLoop
import Glibc
import Measurement
import Testing

@testable import Spool

/// Every answer that SQLite can get from the system, and what the gateway makes of it.
@Suite struct FaultTableTests {
    let directory = TemporaryDirectory()

    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var call: FileCall
        var code: Int32
        var number: Int32
        /// The state's name, as the status has it.
        var name: String

        init(
            _ call: FileCall, _ code: Int32, _ extended: Int32 = 0, _ number: Int32 = 0,
            is name: String, _ description: String
        ) {
            self.call = call
            self.code = code | extended << 8
            self.number = number
            self.name = name
            testDescription = description
        }
    }

    static let inUse = [
        Fault(.write, SQLITE_FULL, 0, ENOSPC, is: "disk-full", "SQLITE_FULL of a write"),
        Fault(.write, SQLITE_IOERR, 3, EDQUOT, is: "disk-full", "a quota that is used up"),
        Fault(.write, SQLITE_IOERR, 3, EIO, is: "input-output", "SQLITE_IOERR_WRITE"),
        Fault(.write, SQLITE_IOERR, 3, EROFS, is: "read-only", "a remount as read-only"),
        Fault(.write, SQLITE_READONLY, is: "read-only", "SQLITE_READONLY"),
        Fault(.write, SQLITE_PERM, is: "read-only", "SQLITE_PERM"),
        Fault(.synchronise, SQLITE_IOERR, 4, EIO, is: "input-output", "SQLITE_IOERR_FSYNC"),
        Fault(.synchronise, SQLITE_IOERR, 4, ENOSPC, is: "disk-full", "ENOSPC of the last fsync"),
        Fault(.lockWriter, SQLITE_BUSY, is: "busy", "SQLITE_BUSY"),
        Fault(.lockWriter, SQLITE_IOERR, 20, EIO, is: "input-output", "SQLITE_IOERR_SHMLOCK"),
    ]

    @Test(arguments: inUse)
    func `an error in use has its name, nothing is half stored, and the next use heals it`(
        fault: Fault
    ) async throws {
        let faults = FaultLayer.faults(below: directory.path)
        try await withSpool(directory, configure: { $0.vfs = FaultLayer.name }) {
            spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            faults.answer(fault.call, fault.code, fault.number)
            let error = await failure { try await spool.append([entry(4)], at: noon) }
            #expect(error?.name == fault.name, "\(String(describing: error))")
            #expect(error?.description.contains(directory.store) == true)
            faults.heal()
            _ = try await spool.append(entries(1...5), at: noon)
            #expect(try await spool.records(limit: 9).map(\.record.key) == (1...5).map(key))
            #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
            #expect(await spool.openReport?.salvage == nil, "an error is no damage")
        }
    }

    static let atStart = [
        Fault(.open, SQLITE_CANTOPEN, 0, EACCES, is: "read-only", "a file of another user"),
        Fault(.open, SQLITE_CANTOPEN, 0, EMFILE, is: "input-output", "no descriptor left"),
        Fault(.open, SQLITE_CANTOPEN, 0, ENOENT, is: "gone", "a directory that went away"),
        Fault(.open, SQLITE_IOERR, 3, EIO, is: "input-output", "SQLITE_IOERR of the opening"),
        Fault(.read, SQLITE_IOERR, 1, EIO, is: "input-output", "SQLITE_IOERR_READ"),
        Fault(.size, SQLITE_IOERR, 7, EIO, is: "input-output", "SQLITE_IOERR_FSTAT"),
        Fault(.mapShared, SQLITE_IOERR, 21, EIO, is: "input-output", "SQLITE_IOERR_SHMMAP"),
        Fault(.mapShared, SQLITE_IOERR, 19, ENOSPC, is: "disk-full", "no room for the log's index"),
        Fault(.lock, SQLITE_BUSY, is: "busy", "another program's lock"),
        Fault(.lock, SQLITE_IOERR, 15, EIO, is: "input-output", "SQLITE_IOERR_LOCK"),
    ]

    @Test(arguments: atStart)
    func `an error at the start is a state with a name, and the same store opens after it`(
        fault: Fault
    ) async throws {
        let faults = FaultLayer.faults(below: directory.path)
        let layered: (inout SpoolConfiguration) -> Void = { $0.vfs = FaultLayer.name }
        try await withSpool(directory, configure: layered) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
        }
        try await withSpool(directory, configure: layered) { spool async throws in
            faults.answer(fault.call, fault.code, fault.number)
            for _ in 1...3 {
                let error = await failure { try await spool.open() }
                #expect(error?.name == fault.name, "\(String(describing: error))")
            }
            faults.heal()
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 3)
        }
        #expect(directory.entries.allSatisfy { !$0.contains("corrupt") })
    }

    /// What a call of each kind answers where the disk has an error.
    private static let diskError: @Sendable (FileCall) -> Faults.Answer = { call in
        let extended: Int32 =
            switch call {
            case .read: 1
            case .write: 3
            case .synchronise: 4
            case .truncate: 6
            case .size: 7
            case .delete: 10
            case .access: 13
            case .lock: 15
            case .lockReader, .lockWriter: 20
            case .mapShared: 21
            case .open: 0
            }
        let code = call == .open ? SQLITE_CANTOPEN : SQLITE_IOERR | extended << 8
        return Faults.Answer(code: code, number: EIO)
    }

    /// A store's whole life: opened, filled, sent from, answered, thinned out. Returns what it promised.
    private func live(_ spool: Spool) async -> (stored: Set<Int>, delivered: Set<RecordKey>) {
        var stored: Set<Int> = []
        var delivered: Set<RecordKey> = []
        for number in 1...4
        where await failure({
            try await spool.append([entry(number)], at: noon)
        }) == nil {
            stored.insert(number)
        }
        if let batch = try? await spool.formBatch("db", max: 2, at: noon),
            await failure({ try await spool.resolve(batch, batch.all(.accepted), at: noon) }) == nil
        {
            delivered.formUnion(batch.keys)
        }
        return (stored, delivered)
    }

    @Test(arguments: 1...3)
    func `whichever single call fails, what was promised is there and stands once`(
        first: Int
    ) async throws {
        try await withSpool(directory) { spool async throws in _ = try await spool.open() }
        let empty = readFile(directory.store)
        var kinds: Set<String> = []
        var met: Set<FileCall> = []
        // Every third call from the first, the second and the third on: each of them once.
        var number = first
        while true {
            let scratch = TemporaryDirectory()
            writeFile(scratch.store, empty)
            let faults = FaultLayer.faults(below: scratch.path)
            let failing = Locked<FileCall?>(nil)
            faults.failCall(number) { call in
                failing.withLock { $0 = call }
                return Self.diskError(call)
            }
            let promised = try await withSpool(
                scratch, configure: { $0.vfs = FaultLayer.name }
            ) { spool async throws in await live(spool) }
            let isEnd = !faults.hasFailed
            faults.heal()
            if let call = failing.withLock({ $0 }) { met.insert(call) }
            try await withSpool(scratch) { spool async throws in
                let records = try await spool.records(limit: 99)
                let keys = records.map(\.record.key)
                #expect(promised.stored.isSubset(of: Set(1...4)))
                #expect(promised.stored.allSatisfy { keys.contains(key($0)) }, "call \(number)")
                #expect(Set(keys).count == keys.count)
                for record in records where promised.delivered.contains(record.record.key) {
                    #expect(record.deliveries.map(\.state) == [.delivered], "call \(number)")
                }
                #expect(try await spool.list("PRAGMA integrity_check") == ["ok"])
                kinds.insert(await spool.openReport?.salvage == nil ? "whole" : "salvaged")
            }
            if isEnd { break }
            number += 3
        }
        #expect(number > 60, "the sweep went over \(number) calls")
        #expect(kinds == ["whole"])
        #expect(met.isSuperset(of: [.read, .write, .synchronise, .lockWriter]), "\(met)")
    }

    @Test func `damage that is met in use is set aside, and what can be read goes on`() async throws
    {
        let faults = FaultLayer.faults(below: directory.path)
        let layered: (inout SpoolConfiguration) -> Void = { $0.vfs = FaultLayer.name }
        try await withSpool(directory, configure: layered) { spool async throws in
            _ = try await spool.append(entries(1...3), at: noon)
            faults.answer(.write, SQLITE_CORRUPT)
            let error = await failure { try await spool.append([entry(4)], at: noon) }
            #expect(error?.name == "damaged")
            faults.heal()
            // The file is whole after all: it is checked and kept.
            _ = try await spool.append([entry(4)], at: noon)
            #expect(await spool.openReport?.integrityChecked == true)
            #expect(await spool.openReport?.salvage == nil)
            #expect(try await spool.counts().stored == 4)
        }
    }
}
