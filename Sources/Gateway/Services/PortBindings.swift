import DataFiles
import EventLoop
import Glibc
import JSON

/// Which model stands behind which adapter, as the operator said: by port path or by serial number.
///
/// Kept in a file of the state directory, written whole and renamed, so that it survives a power cut.
@LoopActor final class PortBindings {
    struct Binding: Equatable {
        /// `1-1.2`, or `serial:` and the adapter's serial number.
        var place: String
        /// The id of a profile.
        var profile: String
    }
    enum Failure: Error, Equatable { case cannotWrite(String) }

    private let path: String
    private(set) var bindings: [Binding] = []
    /// The file was there and could not be read.
    private(set) var problem: String?

    init(stateDirectory: String) {
        path = stateDirectory + "/ports.json"
        guard access(path, F_OK) == 0 else { return }
        guard let bytes = try? FileReader.read(path), let document = try? JSONValue.parse(bytes)
        else {
            problem = "\(path) cannot be read; no port is bound"
            return
        }
        bindings = (document["ports"]?.array ?? []).compactMap { entry in
            guard let place = entry["place"]?.string, let profile = entry["profile"]?.string
            else { return nil }
            return Binding(place: place, profile: profile)
        }
    }

    /// The profile of a port; a serial number says more than a socket.
    func profile(path: String, serial: String?) -> String? {
        let bySerial = serial.flatMap { serial in
            bindings.first { $0.place == "serial:" + serial }
        }
        return (bySerial ?? bindings.first { $0.place == path })?.profile
    }

    func bind(_ place: String, to profile: String) throws(Failure) {
        try save(bindings.filter { $0.place != place } + [Binding(place: place, profile: profile)])
    }

    /// - Returns: false where the place was not bound.
    func unbind(_ place: String) throws(Failure) -> Bool {
        let left = bindings.filter { $0.place != place }
        guard left.count < bindings.count else { return false }
        try save(left)
        return true
    }

    private func save(_ wanted: [Binding]) throws(Failure) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("ports")
            writer.array { writer in
                for binding in wanted {
                    writer.object { writer in
                        writer.member("place", binding.place)
                        writer.member("profile", binding.profile)
                    }
                }
            }
        }
        try write(writer.bytes + [0x0A])
        bindings = wanted
        problem = nil
    }

    private func write(_ bytes: [UInt8]) throws(Failure) {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(new) }
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let isComplete = written == bytes.count && fsync(descriptor) == 0
        let problem = failure(new)
        close(descriptor)
        guard isComplete else { throw problem }
        guard rename(new, path) == 0 else { throw failure(path) }
        let folder = String(path.dropLast("/ports.json".utf8.count))
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private func failure(_ path: String) -> Failure {
        .cannotWrite("\(path): \(String(cString: strerror(errno)))")
    }
}
