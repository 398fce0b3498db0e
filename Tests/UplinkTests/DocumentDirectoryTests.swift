import CLinux
import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Testing

@testable import Uplink

/// Documents as files, for a place without a network.
@Suite("Document directory", .timeLimit(.minutes(1))) struct DocumentDirectoryTests {
    private func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func destination(_ path: String) throws -> Destination {
        try Sample.destination("https://localhost:9/") {
            $0.place = .directory(DocumentDirectory(path: path))
            $0.maximumRecords = 4
        }
    }

    @Test("every batch is one whole document, and its records count as delivered")
    func written() async throws {
        let folder = try Scratch.folder()
        let destination = try destination(folder)
        try await LoopThread.run {
            try await Running.with(destination, (1...10).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...10).map { Int64($0) })
                #expect(running.worker.snapshot.counters.attempts == 3)
            }
        }
        let files = names(folder)
        #expect(files.count == 3)
        #expect(files.allSatisfy { $0.hasSuffix(".json") && !$0.hasPrefix(".") }, "\(files)")
        for file in files {
            let document = try JSONValue.parse(try Scratch.read(folder + "/" + file))
            #expect(document.members?.isEmpty == false)
        }
    }

    @Test("the second try of a batch writes the same file again, not another one")
    func again() async throws {
        let folder = try Scratch.folder()
        let destination = try destination(folder)
        try await LoopThread.run {
            let outbox = MemoryOutbox([Sample.weight(1)])
            outbox.failuresOfResolve = 2
            let worker = DestinationWorker(
                destination, store: outbox, client: try HTTPClient(userAgent: "hakaru/0.0.0"),
                prepare: { $0.allReady }, chance: { 0 })
            let task = spawn { await worker.run() }
            #expect(await eventually(within: .seconds(5)) { outbox.isDone })
            task.cancel()
            await task.value
        }
        #expect(names(folder).count == 1)
    }

    @Test("a directory that is missing or full is an outage with its reason; nothing is lost")
    func missing() async throws {
        let folder = try Scratch.folder()
        let stick = folder + "/stick"
        let destination = try destination(stick)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                let error = running.worker.snapshot.lastError ?? ""
                #expect(error.contains(stick) && error.contains("No such file"), "\(error)")
                #expect(mkdir(stick, 0o750) == 0)
                #expect(await running.isDone())
            }
        }
        #expect(names(stick).count == 1)
    }

    @Test("what a try left behind that was cut off is replaced, and never seen as a document")
    func leftOver() async throws {
        let folder = try Scratch.folder()
        try Scratch.write("half", to: folder + "/.a.json.part")
        let directory = DocumentDirectory(path: folder)
        try await directory.write("a.json", Array("whole".utf8))
        directory.shutDown()
        #expect(names(folder) == ["a.json"])
        #expect(try Scratch.read(folder + "/a.json") == Array("whole".utf8))
    }

    @Test("a name that somebody made a link of is not followed")
    func link() async throws {
        let folder = try Scratch.folder()
        try Scratch.write("precious", to: folder + "/other")
        #expect(symlink(folder + "/other", folder + "/.a.json.part") == 0)
        let directory = DocumentDirectory(path: folder)
        await #expect(throws: DocumentProblem.self) {
            try await directory.write("a.json", [1])
        }
        directory.shutDown()
        #expect(try Scratch.read(folder + "/other") == Array("precious".utf8))
    }
}
