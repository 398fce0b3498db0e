import JSON
import Measurement
import YAML

/// Whether the configuration file is what the daemon runs with, for the status.
struct ConfigurationState: Sendable {
    /// When what is in force was read.
    var loadedAt: Instant
    /// Why the file as it is now was refused, and when; empty while it is in force.
    var problems: [Problem] = []
    var refusedAt: Instant?
    /// Keys of the file that wait for the next start.
    var needsRestart: [String] = []

    /// `current`, `refused` or `restart-needed`.
    var name: String {
        if refusedAt != nil { return "refused" }
        return needsRestart.isEmpty ? "current" : "restart-needed"
    }

    func write(_ writer: inout JSONWriter, time: (Instant) -> String) {
        writer.member("state", name)
        writer.member("loaded_at", time(loadedAt))
        writer.member("refused_at", refusedAt.map(time))
        writer.member("problems", strings: problems.map(\.description))
        writer.member("restart_needed", strings: needsRestart)
    }
}
