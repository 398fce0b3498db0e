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
    typealias Failure = StateFileFailure

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
        try StateFile.write(writer.bytes + [0x0A], to: path)
        bindings = wanted
        problem = nil
    }
}
