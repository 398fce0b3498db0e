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
    /// Since when a good file waits for the store to answer, and how often it was tried in vain.
    var waitingSince: Instant?
    var attempts = 0
    /// Keys of the file that wait for the next start.
    var needsRestart: [String] = []

    /// `current`, `waiting`, `refused` or `restart-needed`.
    var name: String {
        if waitingSince != nil { return "waiting" }
        if refusedAt != nil { return "refused" }
        return needsRestart.isEmpty ? "current" : "restart-needed"
    }

    func write(_ writer: inout JSONWriter, time: (Instant) -> String) {
        writer.member("state", name)
        writer.member("loaded_at", time(loadedAt))
        writer.member("refused_at", refusedAt.map(time))
        writer.member("waiting_since", waitingSince.map(time))
        writer.member("problems", strings: problems.map(\.description))
        writer.member("restart_needed", strings: needsRestart)
    }

    /// Notes that a good file cannot be put in force now; gives the pause before the next try: 1, 2, 4 … 30 s.
    mutating func postpone(at now: Instant) -> Duration {
        waitingSince = waitingSince ?? now
        problems = []
        refusedAt = nil
        defer { attempts += 1 }
        return .seconds(min(30, 1 << min(attempts, 5)))
    }

    /// Notes that the file as it is now cannot be used at all.
    mutating func refuse(_ found: [Problem], at now: Instant) {
        problems = found
        refusedAt = now
        waitingSince = nil
        attempts = 0
    }
}
