import DataFiles
import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Gateway

@Suite("Services: directory watcher") struct ServicesDirectoryWatcherTests {
    init() { LoopThread.start() }

    /// Opens a file for writing, as a program that copies a tape does.
    private func begin(_ path: String) -> Int32 {
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    }

    @Test("a file counts as being written from its beginning to its end, however long that takes")
    func writing() async throws {
        let scratch = ScratchDirectory()
        try await LoopThread.run {
            let watcher = DirectoryWatcher([scratch.path], untilWritten: true)
            let file = begin(scratch.path + "/a.tape")
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten == ["a.tape"])
            _ = write(file, "x", 1)
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten == ["a.tape"])
            close(file)
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten.isEmpty)
        }
    }

    @Test("one that is opened anew and added to is being written again")
    func addedTo() async throws {
        let scratch = ScratchDirectory()
        let path = scratch.write("a.tape", "x")
        try await LoopThread.run {
            let watcher = DirectoryWatcher([scratch.path], untilWritten: true)
            let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
            _ = write(file, "y", 1)
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten == ["a.tape"])
            close(file)
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten.isEmpty)
        }
    }

    @Test("what appears whole at once is never waited for: a move, a hard link, a link, a pipe")
    func whole() async throws {
        let scratch = ScratchDirectory()
        let outside = ScratchDirectory()
        let source = outside.write("a", "x")
        try await LoopThread.run {
            let watcher = DirectoryWatcher([scratch.path], untilWritten: true)
            link(source, scratch.path + "/hard.tape")
            symlink(source, scratch.path + "/soft.tape")
            mkfifo(scratch.path + "/pipe.tape", 0o600)
            rename(source, scratch.path + "/moved.tape")
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten.isEmpty)
        }
    }

    @Test("a file that goes while it is written is forgotten")
    func removed() async throws {
        let scratch = ScratchDirectory()
        try await LoopThread.run {
            let watcher = DirectoryWatcher([scratch.path], untilWritten: true)
            let file = begin(scratch.path + "/a.tape")
            unlink(scratch.path + "/a.tape")
            _ = watcher.takeChanges()
            #expect(watcher.beingWritten.isEmpty)
            close(file)
        }
    }

    @Test(
        "what is taken is told, so that a name that came after the directory was read is not lost")
    func told() async throws {
        let scratch = ScratchDirectory()
        let outside = ScratchDirectory()
        let source = outside.write("a", "x")
        try await LoopThread.run {
            let watcher = DirectoryWatcher([scratch.path], untilWritten: true)
            var told = [watcher.takeChanges()]
            rename(source, scratch.path + "/moved.tape")
            told += [watcher.takeChanges(), watcher.takeChanges()]
            #expect(told == [false, true, false])
            let file = begin(scratch.path + "/b.tape")
            told = [watcher.takeChanges()]
            close(file)
            told += [watcher.takeChanges()]
            #expect(told == [false, true], "what is begun is not whole")
        }
    }

    @Test("a directory that is not there is told by name")
    func missing() async throws {
        try await LoopThread.run {
            let watcher = DirectoryWatcher(["/none/here"])
            #expect(watcher.failures.map(\.directory) == ["/none/here"])
        }
    }

    @Test("a pipe, a device and a directory are no files to the reader that must not wait")
    func regularOnly() throws {
        let scratch = ScratchDirectory()
        let pipe = scratch.path + "/pipe"
        mkfifo(pipe, 0o600)
        for path in [pipe, "/dev/zero", scratch.path] {
            let error = #expect(throws: FileError.self) {
                _ = try FileReader.read(path, regularOnly: true)
            }
            #expect(error?.description == "\(path): not a regular file")
        }
        #expect(try FileReader.read(scratch.write("a", "x"), regularOnly: true) == [120])
    }
}
