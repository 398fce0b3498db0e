import EventLoop
import Glibc

/// A directory that takes documents, for a place without a network: somebody carries them on.
///
/// A document appears whole or not at all, and is on the disk when `write` returns. Its name is made
/// of the batch, so a second try after a crash writes the same file again. Runs on a thread of its
/// own: a slow stick holds up nothing else.
package actor DocumentDirectory {
    private let executor = ThreadExecutor(name: "documents")
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }
    package nonisolated let path: String

    package init(path: String) { self.path = path }

    /// Ends the thread; no call may follow.
    package nonisolated func shutDown() { executor.stop() }

    /// Writes one document under its name.
    package func write(_ name: String, _ bytes: [UInt8]) throws(DocumentProblem) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw problem("open") }
        defer { close(directory) }
        let unfinished = ".\(name).part"
        do throws(DocumentProblem) {
            try fill(directory, unfinished, bytes)
            guard renameat(directory, unfinished, directory, name) == 0 else {
                throw problem("rename")
            }
        } catch {
            unlinkat(directory, unfinished, 0)
            throw error
        }
        guard fsync(directory) == 0 else { throw problem("synchronise") }
    }

    private func fill(
        _ directory: Int32, _ name: String, _ bytes: [UInt8]
    ) throws(DocumentProblem) {
        // A left-over of a try that was cut off may stand there, a link of somebody else's not.
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let file = openat(directory, name, flags, 0o640)
        guard file >= 0 else { throw problem("make a file") }
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.write(file, raw.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw problem("write") }
            done += count
        }
        guard fsync(file) == 0 else { throw problem("synchronise") }
    }

    private func problem(_ operation: String) -> DocumentProblem {
        DocumentProblem(path: path, message: "\(operation): \(String(cString: strerror(errno)))")
    }
}

/// A directory that did not take a document, and why; a reason to try again.
package struct DocumentProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var message: String
    package var description: String { "\(path): \(message)" }
}
