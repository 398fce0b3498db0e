import Glibc

/// Why the status socket cannot be offered, and what to do about it.
package enum StatusError: Error, Equatable, CustomStringConvertible {
    case directoryMissing(path: String)
    case pathTooLong(path: String)
    /// Something that is no socket has the name; it is not touched.
    case notASocket(path: String)
    /// Another daemon answers there.
    case alreadyServed(path: String)
    case unknownGroup(name: String)
    case system(call: String, path: String, code: Int32)
    case server(path: String)

    package var description: String {
        switch self {
        case .directoryMissing(let path):
            "\(path): its directory does not exist; make it, or name another with "
                + "--runtime-directory"
        case .pathTooLong(let path):
            "\(path): the name of a socket has at most 107 bytes; use a shorter --runtime-directory"
        case .notASocket(let path):
            "\(path): exists and is no socket; move it away"
        case .alreadyServed(let path):
            "\(path): another daemon answers there; stop it first"
        case .unknownGroup(let name):
            "group \(name) does not exist; make it, or change status.group and status.admin-group"
        case .system(let call, let path, let code):
            "\(path): \(call): \(String(cString: strerror(code)))"
        case .server(let path):
            "\(path): the HTTP server did not start"
        }
    }
}
