import Glibc

/// A file that could not be read: which, and why.
package struct FileError: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var code: Int32
    package var description: String { "\(path): \(reason)" }
    /// What the kernel said, without the path.
    package var reason: String { String(cString: strerror(code)) }
}

/// Reads whole files and lists directories.
package enum FileReader {
    /// All bytes of a regular file.
    ///
    /// - Throws: `EFBIG` for more than `maximum` bytes, or what the kernel said.
    package static func read(
        _ path: String, maximum: Int = 16 << 20
    ) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(path: path, code: errno)
            }
            bytes += buffer[..<count]
            guard bytes.count <= maximum else { throw FileError(path: path, code: EFBIG) }
        }
    }

    /// Paths of the files in a directory whose names end so, sorted; subdirectories are included.
    package static func list(
        _ directory: String, suffix: String
    ) throws(FileError) -> [String] {
        guard let handle = opendir(directory) else {
            throw FileError(path: directory, code: errno)
        }
        defer { closedir(handle) }
        var found: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let path = directory + "/" + name
            if isDirectory(path) {
                found += try list(path, suffix: suffix)
            } else if name.hasSuffix(suffix) {
                found.append(path)
            }
        }
        return found.sorted()
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
