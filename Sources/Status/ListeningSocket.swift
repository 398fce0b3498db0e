import CLinux
import Glibc

/// A listening Unix socket that removes its name when it goes, if the name is still its own.
struct ListeningSocket: ~Copyable {
    let descriptor: Int32
    let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds the socket; a name left by a dead daemon is replaced, a living one's is not.
    ///
    /// The name first appears with mode 0600 and is opened up when its group is set, so that there is
    /// no moment in which anybody else could connect.
    init(path: String, mode: UInt32, group: UInt32?) throws(StatusError) {
        var address = try Self.address(path)
        try Self.removeStale(path, &address)
        let made = socket(AF_UNIX, Self.type, 0)
        guard made >= 0 else { throw .system(call: "socket", path: path, code: errno) }
        do throws(StatusError) {
            try Self.bind(made, path, &address)
            try Self.give(path, to: group)
            guard chmod(path, mode) == 0 else {
                throw .system(call: "chmod", path: path, code: errno)
            }
            guard listen(made, 1_024) == 0 else {
                throw .system(call: "listen", path: path, code: errno)
            }
        } catch {
            close(made)
            throw error
        }
        var facts = stat()
        stat(path, &facts)
        descriptor = made
        self.path = path
        device = facts.st_dev
        inode = facts.st_ino
    }

    deinit {
        var facts = stat()
        // Another daemon may have put its own socket here; that one is left alone.
        if stat(path, &facts) == 0, facts.st_dev == device, facts.st_ino == inode { unlink(path) }
        close(descriptor)
    }

    private static let type =
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)

    private static func bind(
        _ descriptor: Int32, _ path: String, _ address: inout sockaddr_un
    ) throws(StatusError) {
        fchmod(descriptor, 0o600)
        let result = withPointer(to: &address) { Glibc.bind(descriptor, $0, $1) }
        guard result != 0 else { return }
        let code = errno
        switch code {
        case ENOENT, ENOTDIR: throw .directoryMissing(path: path)
        case EADDRINUSE: throw .alreadyServed(path: path)
        default: throw .system(call: "bind", path: path, code: code)
        }
    }

    /// Gives the name to a group; a sandbox without chown serves the group that it has anyway.
    private static func give(_ path: String, to group: UInt32?) throws(StatusError) {
        var facts = stat()
        guard let group, stat(path, &facts) != 0 || facts.st_gid != group else { return }
        guard chown(path, gid_t.max, group) == 0 else {
            throw .system(call: "chown", path: path, code: errno)
        }
    }

    private static func removeStale(
        _ path: String, _ address: inout sockaddr_un
    ) throws(StatusError) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = socket(AF_UNIX, type, 0)
        guard probe >= 0 else { throw .system(call: "socket", path: path, code: errno) }
        defer { close(probe) }
        let result = withPointer(to: &address) { connect(probe, $0, $1) }
        // EAGAIN: somebody listens, and his queue is full.
        if result == 0 || errno == EAGAIN { throw .alreadyServed(path: path) }
        guard errno == ECONNREFUSED else {
            throw .system(call: "connect", path: path, code: errno)
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system(call: "unlink", path: path, code: errno)
        }
    }

    private static func address(_ path: String) throws(StatusError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room, !path.utf8.contains(0) else {
            throw .pathTooLong(path: path)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return address
    }

    private static func withPointer(
        to address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Finds the number of a group; nil name gives nil.
func groupID(named name: String?) throws(StatusError) -> UInt32? {
    guard let name else { return nil }
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    var buffer = [CChar](repeating: 0, count: 65_536)
    getgrnam_r(name, &entry, &buffer, buffer.count, &found)
    guard found != nil else { throw .unknownGroup(name: name) }
    return entry.gr_gid
}
