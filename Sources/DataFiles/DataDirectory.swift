import Glibc

/// Where the shipped profiles and exchange formats are.
package struct DataDirectory: Sendable {
    package var path: String

    package var profiles: String { path + "/device-profiles" }
    package var exchangeFormats: String { path + "/exchange-formats" }
    /// The owner's own profiles; they win over shipped ones of the same id.
    package static let ownProfiles = "/etc/hakaru/device-profiles"

    package init(path: String) { self.path = path }

    /// `HAKARU_DATA_DIRECTORY`, else the package above a build tree's program, else the installed place.
    package static func find() -> DataDirectory {
        if let set = getenv("HAKARU_DATA_DIRECTORY") {
            return DataDirectory(path: String(cString: set))
        }
        var directory = programPath()
        while let slash = directory.lastIndex(of: "/") {
            directory = String(directory[..<slash])
            let candidate = DataDirectory(path: directory)
            if FileReader.isDirectory(candidate.profiles),
                FileReader.isDirectory(candidate.exchangeFormats)
            {
                return candidate
            }
        }
        return DataDirectory(path: "/usr/share/hakaru")
    }

    private static func programPath() -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
