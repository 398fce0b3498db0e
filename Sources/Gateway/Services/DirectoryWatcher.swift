import CLinux
import EventLoop
import Glibc

/// Tells when a file was written, moved or removed in one of a few directories; no polling.
@LoopActor final class DirectoryWatcher {
    private let descriptor: Int32
    private var source: EventSource?
    private let changed = LoopCondition()
    private let directories: [Int32: String]
    /// Names of files that were begun or changed and not closed yet; only where that was asked for.
    private(set) var beingWritten: Set<String> = []
    /// Directories that could not be watched, with the reason.
    private(set) var failures: [(directory: String, reason: String)] = []

    /// - Parameter untilWritten: whether it keeps account of the files that are still being written.
    init(_ directories: [String], untilWritten: Bool = false) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        let mask =
            UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM)
            | UInt32(IN_DELETE) | (untilWritten ? UInt32(IN_CREATE) | UInt32(IN_MODIFY) : 0)
        var watches: [Int32: String] = [:]
        for directory in directories {
            let watch = descriptor < 0 ? -1 : inotify_add_watch(descriptor, directory, mask)
            if watch >= 0 {
                watches[watch] = directory
            } else {
                failures.append((directory, String(cString: strerror(errno))))
            }
        }
        self.directories = watches
        guard descriptor >= 0 else { return }
        source = try? EventLoop.shared.onReadable(descriptor) { [weak self] _ in
            if self?.takeChanges() == true { self?.changed.broadcast() }
        }
    }

    /// Takes note of what has happened up to now.
    ///
    /// - Returns: whether a directory that was read before has to be read again: nobody is woken for
    ///   what is taken here.
    func takeChanges() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var isDue = false
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
            for change in Self.changes(buffer[..<count]) where note(change) { isDue = true }
        }
        return isDue
    }

    private struct Change {
        var watch: Int32
        var mask: UInt32
        var name: String
    }

    /// The changes in what the kernel wrote: watch, mask, cookie and length, each 32 bits, and a name
    /// with zeros behind it.
    private static func changes(_ bytes: ArraySlice<UInt8>) -> [Change] {
        var changes: [Change] = []
        var rest = bytes
        while rest.count >= 16 {
            let head = rest.prefix(16).withUnsafeBytes { raw in
                (
                    raw.loadUnaligned(as: Int32.self),
                    raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
                    raw.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
                )
            }
            rest = rest.dropFirst(16)
            let name = rest.prefix(Int(head.2))
            rest = rest.dropFirst(name.count)
            let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            changes.append(Change(watch: head.0, mask: head.1, name: text))
        }
        return changes
    }

    /// Keeps account of who is still writing; true where the directory is to be read again.
    private func note(_ change: Change) -> Bool {
        if change.mask & UInt32(IN_Q_OVERFLOW) != 0 {
            // Nobody knows who has closed what.
            beingWritten = []
        } else if change.mask & UInt32(IN_MODIFY) != 0 {
            beingWritten.insert(change.name)
            return false
        } else if change.mask & UInt32(IN_CREATE) != 0, isBegun(change) {
            beingWritten.insert(change.name)
            return false
        } else {
            beingWritten.remove(change.name)
        }
        return true
    }

    /// Whether a new name is a file that somebody is about to write: a link is whole at once.
    private func isBegun(_ change: Change) -> Bool {
        var facts = stat()
        let path = (directories[change.watch] ?? "") + "/" + change.name
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && facts.st_nlink == 1
    }

    isolated deinit {
        source?.cancel()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Waits for the next change.
    func next() async throws(CancellationError) { _ = try await changed.wait() }
}
