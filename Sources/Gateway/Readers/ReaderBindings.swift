import DataFiles
import EventLoop
import Glibc
import JSON

/// Which reader stands at which station: what `hakaru.yaml` says, and what was said to the daemon.
///
/// The second part is kept in a file of the state directory, so that it survives a power cut.
@LoopActor final class ReaderBindings {
    private let path: String
    private(set) var bindings: [ReaderBinding]
    /// The file was there and could not be read, whole or in part.
    private(set) var problem: String?

    init(stateDirectory: String, configured: [ReaderBinding]) {
        path = stateDirectory + "/readers.json"
        bindings = configured
        guard access(path, F_OK) == 0 else { return }
        guard let bytes = try? FileReader.read(path), let document = try? JSONValue.parse(bytes)
        else {
            problem = "\(path) cannot be read; its readers are not bound"
            return
        }
        for entry in document["readers"]?.array ?? [] {
            guard let station = entry["station"]?.string, let settings = try? ReaderSettings(entry)
            else {
                problem = "\(path) names a reader that cannot be understood; it is not bound"
                continue
            }
            // What the configuration says of a place counts.
            guard self[settings.place] == nil else { continue }
            bindings.append(
                ReaderBinding(station: station, settings: settings, isConfigured: false))
        }
    }

    subscript(_ place: ReaderPlace) -> ReaderBinding? {
        bindings.first { $0.settings.place == place }
    }

    /// Takes what the configuration says now.
    func configure(_ configured: [ReaderBinding]) {
        let places = Set(configured.map(\.settings.place))
        bindings =
            configured
            + bindings.filter { !$0.isConfigured && !places.contains($0.settings.place) }
    }

    func bind(_ settings: ReaderSettings, to station: String) throws(StateFileFailure) {
        try save(
            bindings.filter { $0.settings.place != settings.place }
                + [ReaderBinding(station: station, settings: settings, isConfigured: false)])
    }

    func unbind(_ place: ReaderPlace) throws(StateFileFailure) {
        try save(bindings.filter { $0.settings.place != place })
    }

    private func save(_ wanted: [ReaderBinding]) throws(StateFileFailure) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("readers")
            writer.array { writer in
                for binding in wanted where !binding.isConfigured {
                    writer.object { writer in
                        writer.member("station", binding.station)
                        binding.settings.write(to: &writer)
                    }
                }
            }
        }
        try StateFile.write(writer.bytes + [0x0A], to: path)
        bindings = wanted
        problem = nil
    }
}
