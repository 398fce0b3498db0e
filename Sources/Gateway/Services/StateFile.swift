import Glibc

/// A small file of the state directory that could not be written, with the file and the reason.
struct StateFileFailure: Error, Equatable, CustomStringConvertible {
    var description: String

    fileprivate init(_ path: String) {
        description = "\(path): \(String(cString: strerror(errno)))"
    }
}

/// Writes small files whole: a power cut leaves the old one or the new one.
enum StateFile {
    static func write(_ bytes: [UInt8], to path: String) throws(StateFileFailure) {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StateFileFailure(new) }
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let isComplete = written == bytes.count && fsync(descriptor) == 0
        let problem = StateFileFailure(new)
        close(descriptor)
        guard isComplete else { throw problem }
        guard rename(new, path) == 0 else { throw StateFileFailure(path) }
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let directory = open(String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }
}
