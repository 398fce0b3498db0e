import CLinux
import EventLoop
import Glibc

/// Tells when a file was written, moved or removed in one of a few directories; no polling.
@LoopActor final class DirectoryWatcher {
    private let descriptor: Int32
    private var source: EventSource?
    private let changed = LoopCondition()
    /// Directories that could not be watched, with the reason.
    private(set) var failures: [(directory: String, reason: String)] = []

    init(_ directories: [String]) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        let mask =
            UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM)
            | UInt32(IN_DELETE)
        for directory in directories
        where descriptor < 0 || inotify_add_watch(descriptor, directory, mask) < 0 {
            failures.append((directory, String(cString: strerror(errno))))
        }
        guard descriptor >= 0 else { return }
        let watched = descriptor
        source = try? EventLoop.shared.onReadable(descriptor) { [changed] _ in
            var buffer = [UInt8](repeating: 0, count: 4_096)
            // What changed does not matter: the directory is read again.
            while read(watched, &buffer, buffer.count) > 0 {}
            changed.broadcast()
        }
    }

    isolated deinit {
        source?.cancel()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Waits for the next change.
    func next() async throws(CancellationError) { _ = try await changed.wait() }
}
