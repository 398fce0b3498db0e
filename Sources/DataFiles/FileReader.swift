import Glibc

/// A file that could not be read: which, and why.
package struct FileError: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var code: Int32
    package var description: String { "\(path): \(reason)" }
    /// What the kernel said, without the path.
    package var reason: String {
        code == FileError.noFile ? "not a regular file" : String(cString: strerror(code))
    }
    /// Stands for a pipe, a device or a socket where a file is due; no number of the kernel's.
    package static let noFile: Int32 = -1
}

/// Reads whole files and lists directories.
package enum FileReader {
    /// All bytes of a file; of a pipe too, unless `regularOnly` says that nobody may make it wait.
    ///
    /// - Throws: `EFBIG` for more than `maximum` bytes, or what the kernel said.
    package static func read(
        _ path: String, maximum: Int = 16 << 20, regularOnly: Bool = false
    ) throws(FileError) -> [UInt8] {
        // To open a pipe that nobody writes to would wait for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (regularOnly ? O_NONBLOCK : 0))
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(descriptor) }
        if regularOnly {
            var facts = stat()
            guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
                throw FileError(path: path, code: FileError.noFile)
            }
        }
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

    /// Paths of the files in a directory whose names end so, sorted; with those of subdirectories
    /// where they are `nested`.
    package static func list(
        _ directory: String, suffix: String, nested: Bool = true
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
                if nested { found += try list(path, suffix: suffix) }
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
