import CLinux
import Glibc
import Measurement

/// The files of a store in one directory, and what is checked about them.
struct StoreFiles: Sendable {
    var directory: String

    var store: String { directory + "/hakaru.db" }
    var log: String { store + "-wal" }
    var sharedMemory: String { store + "-shm" }
    var lock: String { directory + "/hakaru.lock" }
    /// A store that is being filled from a damaged one.
    var replacement: String { store + ".new" }

    /// Makes the directory (0750) where it is missing; its parents are made too.
    func makeDirectory() throws(SpoolError) {
        var path = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: true) {
            path += (path.isEmpty && !directory.hasPrefix("/") ? "" : "/") + part
            guard mkdir(path, 0o750) != 0, errno != EEXIST else { continue }
            // A parent that exists may refuse mkdir with EROFS or EACCES; only a missing one counts.
            let number = errno
            guard fileMark(path) == nil else { continue }
            throw fileError("make the directory", path, number)
        }
    }

    /// Makes the file (0640) where it is missing; true when it was made.
    func makeFile(_ path: String) throws(SpoolError) -> Bool {
        var made = true
        var descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        if descriptor < 0, errno == EEXIST {
            made = false
            descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        }
        guard descriptor >= 0 else { throw fileError("open", path) }
        defer { close(descriptor) }
        // The log and its index take over the mode of the store.
        _ = fchmod(descriptor, 0o640)
        if made { try synchroniseDirectory() }
        return made
    }

    /// Makes the directory's entries durable.
    func synchroniseDirectory() throws(SpoolError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fileError("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fileError("synchronise", directory) }
    }

    func move(_ from: String, to target: String) throws(SpoolError) {
        guard rename(from, target) == 0 else { throw fileError("rename to \(target)", from) }
    }

    /// A name for a store that is set aside, which nothing has yet: `hakaru.db.WHY-20260301030000`.
    func freeName(_ why: String, at now: Instant) -> String {
        let stamp = TimeZoneRules.utc.local(now).digits14
        var name = "\(store).\(why)-\(stamp)"
        var number = 2
        while fileMark(name) != nil {
            name = "\(store).\(why)-\(stamp)-\(number)"
            number += 1
        }
        return name
    }

    /// Bytes on disk of the store and its log.
    var bytesOnDisk: Int64 { (fileMark(store)?.size ?? 0) + (fileMark(log)?.size ?? 0) }
}

/// What tells one file from another that took its name.
struct FileMark: Equatable {
    var device: UInt64
    var inode: UInt64
    var size: Int64

    func isSameFile(as other: FileMark?) -> Bool {
        device == other?.device && inode == other?.inode
    }
}

/// The mark of a file; nil when there is none.
func fileMark(_ path: String) -> FileMark? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return FileMark(
        device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size))
}
