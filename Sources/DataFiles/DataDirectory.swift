import Glibc

/// Where the shipped profiles and exchange formats are.
package struct DataDirectory: Sendable {
    package var path: String

    package var profiles: String { path + "/device-profiles" }
    package var exchangeFormats: String { path + "/exchange-formats" }
    /// The owner's own profiles; they win over shipped ones of the same id.
    package static var ownProfiles: String {
        getenv("HAKARU_OWN_PROFILES").map { String(cString: $0) } ?? "/etc/hakaru/device-profiles"
    }

    package init(path: String) { self.path = path }

    /// `HAKARU_DATA_DIRECTORY`, else the package above a build tree's program, else the installed place.
    package static func find() -> DataDirectory {
        if let set = getenv("HAKARU_DATA_DIRECTORY") {
            return DataDirectory(path: String(cString: set))
        }
        var directory = Program.path
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
}

/// One profile file as it lies on disk.
package struct ProfileFile: Sendable {
    package var path: String
    package var bytes: [UInt8]
    /// Why there are no bytes; nil for a file that was read.
    package var error: FileError?
    /// The owner's own, which wins over a shipped one of the same id.
    package var isOwn: Bool
}

extension DataDirectory {
    /// The directories that hold profiles, shipped ones first.
    package var profileDirectories: [String] {
        [profiles, Self.ownProfiles].filter { FileReader.isDirectory($0) }
    }

    /// All profile files, shipped and own; a directory that is not there holds none.
    ///
    /// One file that cannot be read never hides the others: it is among them with its error.
    package func profileFiles() throws(FileError) -> [ProfileFile] {
        var files: [ProfileFile] = []
        let own = Self.ownProfiles
        for directory in profileDirectories {
            for path in try FileReader.list(directory, suffix: ".yaml") {
                var file = ProfileFile(path: path, bytes: [], isOwn: directory == own)
                do throws(FileError) {
                    file.bytes = try FileReader.read(path, regularOnly: true)
                } catch {
                    file.error = error
                }
                files.append(file)
            }
        }
        return files
    }
}
