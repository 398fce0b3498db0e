import Crypto
import DataFiles
import JSON
import Measurement
import Register
import Spool

/// What the ledger has to know of the configuration: that it changed, and whose consent did.
extension Daemon {
    func noteConfiguration() async {
        let now = GatewayTime.now().utc
        let file = (try? FileReader.read(options.configuration)) ?? []
        let digest = hexadecimal(SHA256.digest(file))
        let consent = ConsentText(configuration)
        do throws(SpoolError) {
            try await spool.noteChange("configuration", to: digest, at: now) { before in
                [
                    LedgerNote(.configurationChanged, on: "configuration") { writer in
                        writer.member("sha256_before", before)
                        writer.member("sha256", digest)
                    }
                ]
            }
            try await spool.noteChange("consent", to: consent.text, at: now) { before in
                consent.notes(since: before)
            }
        } catch {
            // The next start compares again.
            Log.error("ledger-not-written", ["state": error.name, "reason": "\(error)"])
        }
    }
}

/// Who consents to which kinds going where, a line each, in an order of its own.
struct ConsentText: Sendable {
    let text: String

    init(_ configuration: Configuration) {
        var lines: [String] = []
        for participant in configuration.participants {
            for consent in participant.consent {
                let kinds = consent.kinds.map(\.rawValue).sorted().joined(separator: ",")
                lines.append("\(participant.id.text) \(consent.destination) \(kinds)")
            }
        }
        text = lines.sorted().joined(separator: "\n")
    }

    init(text: String) { self.text = text }

    /// A note for each participant and destination whose kinds are others than before.
    func notes(since before: String?) -> [LedgerNote] {
        let old = Self.kinds(before ?? "")
        let new = Self.kinds(text)
        return Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }.map { pair in
            let parts = pair.split(separator: " ", maxSplits: 1).map(String.init)
            return LedgerNote(.consentChanged, on: parts[0]) { writer in
                writer.member("destination", parts.count > 1 ? parts[1] : "")
                writer.member("kinds_before", strings: (old[pair] ?? []).sorted())
                writer.member("kinds", strings: (new[pair] ?? []).sorted())
            }
        }
    }

    private static func kinds(_ text: String) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count >= 3 else { continue }
            let pair = parts.dropLast().joined(separator: " ")
            let kinds = parts[parts.count - 1].split(separator: ",").map(String.init)
            found[pair, default: []].formUnion(kinds)
        }
        return found
    }
}
