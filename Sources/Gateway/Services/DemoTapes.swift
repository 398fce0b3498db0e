import DataFiles
import Glibc

/// The recorded sessions that a demonstration plays: shipped tapes, put where the gateway plays tapes.
struct DemoTapes: Sendable {
    /// What became of one of them.
    struct Outcome: Sendable, Equatable {
        var profile: String
        /// `waiting`, `played` or `failed`.
        var state: String
        var reason: String?
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A cuff with a slow clock and failed measurements, a scale that is connected and one that is
    /// only heard: their sessions go the same way each time.
    static let usual = ["and-ua-651ble", "and-uc-352ble", "xiaomi-mi-body-composition-scale-2"]
    private static let prefix = "demo-"

    /// The folder of the shipped profiles, with a folder of tapes for each.
    var shipped: String
    /// Where tapes are played.
    var played: String

    /// The first tape of a profile; nil where it has none.
    func tape(of profile: String) -> String? {
        guard !profile.isEmpty, !profile.contains("/"), !profile.hasPrefix(".") else { return nil }
        return try? FileReader.list(shipped + "/" + profile, suffix: ".tape").first
    }

    /// Has a tape played; it appears whole or not at all.
    func play(_ profile: String) throws(Failure) {
        guard let tape = tape(of: profile) else {
            throw Failure(description: "\(profile) has no recorded session")
        }
        let target = played + "/" + Self.prefix + profile + ".tape"
        for ending in [".played", ".failed", ".failed.reason"] { unlink(target + ending) }
        do {
            try StateFile.write(try FileReader.read(tape), to: target)
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// What became of every tape that was put there.
    func outcomes() -> [Outcome] {
        let states = [(".tape", "waiting"), (".tape.played", "played"), (".tape.failed", "failed")]
        return states.flatMap { ending, state in
            let files = (try? FileReader.list(played, suffix: ending)) ?? []
            return files.compactMap { file -> Outcome? in
                let name = file.dropFirst(played.utf8.count + 1)
                guard name.hasPrefix(Self.prefix), !name.contains("/") else { return nil }
                let profile = String(
                    name.dropFirst(Self.prefix.utf8.count).dropLast(ending.utf8.count))
                let reason = state == "failed" ? try? FileReader.read(file + ".reason") : nil
                return Outcome(
                    profile: profile, state: state,
                    reason: reason.map { String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self) }
                )
            }
        }.sorted { $0.profile < $1.profile }
    }
}
