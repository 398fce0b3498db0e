import DataFiles
import Exchange
import Glibc
package import YAML

/// Files on disk as the configuration needs them: read whole, or only looked at.
enum ConfigurationFiles {
    /// Reads a file of at most 8 MB; the problem names the file and the reason.
    static func read(_ path: String) throws(Problem) -> [UInt8] {
        do throws(FileError) {
            return try FileReader.read(path, maximum: 8 << 20)
        } catch {
            throw Problem(
                file: path, line: 1, column: 1, key: "",
                message: "cannot be read: \(String(cString: strerror(error.code)))")
        }
    }

    /// Says why a file that must be there is of no use, or nil where it is.
    static func obstacle(at path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            return "names \(path): \(String(cString: strerror(errno)))"
        }
        guard facts.st_mode & S_IFMT == S_IFREG else { return "names \(path), which is no file" }
        guard facts.st_size > 0 else { return "names \(path), which is empty" }
        guard access(path, R_OK) == 0 else {
            return "names \(path): \(String(cString: strerror(errno)))"
        }
        return nil
    }
}

extension Configuration {
    /// Looks on this machine for the files that the configuration names.
    ///
    /// These do not stop the daemon: a token may be put in place while it runs, and until then the
    /// destination is held and says so.
    package func environmentProblems() -> [Problem] {
        var found: [Problem] = []
        for destination in destinations {
            var files = [
                destination.bearerTokenFile, destination.tls.caFile,
                destination.tls.clientCertificateFile, destination.tls.clientKeyFile,
            ]
            if case .file(let file) = destination.format {
                files.append(file)
                found += Self.problems(inFormat: file.path)
            }
            found += files.compactMap { $0 }.compactMap(Self.problem)
        }
        if let encryption = storage.encryption, case .file(let file) = encryption.key {
            found += [Self.problem(with: file)].compactMap { $0 }
        }
        return found
    }

    /// What is wrong in a format file of one's own; one that cannot be read is told elsewhere.
    private static func problems(inFormat path: String) -> [Problem] {
        guard ConfigurationFiles.obstacle(at: path) == nil,
            let bytes = try? ConfigurationFiles.read(path)
        else { return [] }
        let problems = ProblemList()
        _ = FormatDefinition.load(bytes, file: path, problems: problems)
        return problems.sorted
    }

    private static func problem(with file: ConfiguredFile) -> Problem? {
        guard let obstacle = ConfigurationFiles.obstacle(at: file.path) else { return nil }
        return Problem(
            file: file.place.file, line: file.place.line, column: file.place.column,
            key: file.place.key, message: obstacle, accepted: "a file that can be read")
    }
}
