import CLinux
import Glibc

/// Keeps a second process out of the store for as long as the value lives.
///
/// A lock of its own file, because SQLite's locks let several writers take turns.
final class StoreLock {
    private let descriptor: Int32
    private let path: String

    init(path: String) throws(SpoolError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard opened >= 0 else { throw fileError("open", path) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            let holder = Self.holder(opened)
            close(opened)
            throw number == EWOULDBLOCK
                ? .inUse(path: path, holder: holder) : fileError("lock", path, number)
        }
        // Who holds it, for the message of whoever comes second.
        let text = "\(getpid())\n"
        _ = ftruncate(opened, 0)
        _ = pwrite(opened, text, text.utf8.count, 0)
        descriptor = opened
        self.path = path
    }

    deinit {
        // A child that is just being started may still share the descriptor; the lock goes anyway.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// False after the lock's file was removed: another process could then lock a new one.
    var stillHolds: Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let named = fileMark(path) else { return false }
        return UInt64(status.st_dev) == named.device && UInt64(status.st_ino) == named.inode
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (48...57).contains($0) }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}
