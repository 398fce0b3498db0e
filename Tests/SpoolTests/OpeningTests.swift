import GatewayTestKit
import Glibc
import Measurement
import Testing

@testable import Spool

@Suite struct OpeningTests {
    let directory = TemporaryDirectory()

    @Test func `a new store is made with its directories, readable by nobody else`() async throws {
        let before = umask(0)
        defer { umask(before) }
        let root = directory.path
        var configuration = SpoolConfiguration(directory: root + "/var/lib/hakaru")
        configuration.busyTimeout = .milliseconds(50)
        let spool = Spool(configuration, now: { noon })
        let report = try await spool.open()
        #expect(report.isNew)
        #expect(!report.wasUnclean)
        #expect(report.schema == Migration.all.count)
        _ = try await spool.append([entry(1)], at: noon)
        #expect(permissions(root + "/var/lib/hakaru") == 0o750)
        for name in directoryEntries(root + "/var/lib/hakaru") {
            #expect(permissions(root + "/var/lib/hakaru/" + name) == 0o640, "\(name)")
        }
        await spool.shutDown()
    }

    @Test func `a store that anybody could read is closed to others when opened`() async throws {
        try await withSpool(directory) { spool async throws in try await spool.open() }
        chmod(directory.store, 0o666)
        try await withSpool(directory) { spool async throws in try await spool.open() }
        #expect(permissions(directory.store) == 0o640)
    }

    @Test func `a proper end leaves one file and is recognised`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        #expect(directory.entries == ["hakaru.db", "hakaru.lock"])
        let report = try await withSpool(directory) { spool async throws in try await spool.open() }
        #expect(!report.isNew)
        #expect(!report.wasUnclean)
        #expect(!report.integrityChecked)
        #expect(report.schemaBefore == report.schema)
    }

    @Test func `an empty file in place of the store is reported, not taken for a first start`()
        async throws
    {
        writeFile(directory.store, [])
        let report = try await withSpool(directory) { spool async throws in try await spool.open() }
        #expect(report.wasEmpty)
        #expect(report.isNew)
    }

    @Test func `a store is not opened by two processes, and the second one says who has it`()
        async throws
    {
        let holder = try Child(builtProgram("SpoolTorture"), ["hold", directory.path])
        #expect(holder.readLine() == "open false")
        let path = directory.path + "/hakaru.lock"
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error == .inUse(path: path, holder: holder.processID))
            #expect(
                error?.description
                    == "\(path) is in use by process \(holder.processID); stop it or choose "
                    + "another state directory")
            holder.signal(SIGKILL)
            _ = holder.wait()
            #expect(try await spool.append([entry(1)], at: noon)[0].isStored)
        }
    }

    @Test func `a store is not opened twice by one process`() async throws {
        try await withSpool(directory) { spool async throws in
            try await spool.open()
            try await withSpool(directory) { second async throws in
                let error = await failure { try await second.open() }
                #expect(error?.name == "in-use")
                await spool.close()
                try await second.open()
            }
        }
    }

    @Test func `nothing opens the store again while the program ends`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
            await spool.close()
            let error = await failure { try await spool.append([entry(2)], at: noon) }
            #expect(error == .closed(path: directory.store))
        }
        #expect(directory.entries == ["hakaru.db", "hakaru.lock"])
    }

    @Test(.enabled(if: geteuid() == 0, "needs a user to give up"))
    func `a directory that may not be written is named as the reason`() async throws {
        try await withSpool(directory) { spool async throws in
            _ = try await spool.append([entry(1)], at: noon)
        }
        chmod(directory.path, 0o755)
        chmod(directory.store, 0o644)
        let child = try Child(builtProgram("SpoolTorture"), ["nobody", directory.path])
        #expect(child.readLine() == "error read-only")
        let text = child.readLine()
        #expect(text?.contains(directory.path) == true)
        #expect(text?.contains("Permission denied") == true)
        #expect(child.wait() == 0)
        try await withSpool(directory) { spool async throws in
            #expect(try await spool.open().salvage == nil)
            #expect(try await spool.counts().stored == 1)
        }
    }

    @Test func `a path that cannot be a directory is named as the reason`() async throws {
        writeFile(directory.path + "/file", [1])
        for path in [directory.path + "/file", directory.path + "/file/below"] {
            let spool = Spool(SpoolConfiguration(directory: path), now: { noon })
            let error = await failure { try await spool.open() }
            #expect(["gone", "input-output"].contains(error?.name), "\(String(describing: error))")
            #expect(error?.description.contains(path) == true)
            await spool.shutDown()
        }
    }

    @Test func `another program's database is left alone`() async throws {
        do {
            let other = Connection(try Database(path: directory.store))
            try other.run(SQL("CREATE TABLE recipe(name TEXT)"))
        }
        let before = readFile(directory.store)
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error?.name == "not-a-store")
            #expect(error?.description.contains(directory.store) == true)
        }
        #expect(!directory.entries.contains { $0.contains("corrupt") })
        let tables = try Connection(try Database(path: directory.store))
            .all(SQL("SELECT name FROM sqlite_schema")) { row throws(SpoolError) in row.text() }
        #expect(tables == ["recipe"])
        #expect(before.count == readFile(directory.store).count)
    }

    @Test func `a symbolic link in place of the store is not followed`() async throws {
        let target = directory.path + "/elsewhere"
        writeFile(target, [])
        #expect(symlink(target, directory.store) == 0)
        try await withSpool(directory) { spool async throws in
            let error = await failure { try await spool.open() }
            #expect(error?.name == "input-output")
        }
        #expect(readFile(target).isEmpty)
    }
}
