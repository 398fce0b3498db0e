import DataFiles
import JSON
import Measurement

/// Looks at what people trip over and names the remedy; works with and without a running daemon.
///
/// It changes nothing and sends nothing. What it looks at comes in as `Surroundings`.
struct Doctor {
    var options: DaemonOptions
    var surroundings = Surroundings()
    var language = Language.current
    /// Gets each finding as soon as it is known: a name that does not resolve takes its time.
    var tell: (Finding) -> Void

    /// What was found about one thing.
    struct Finding: Equatable {
        enum State: String { case ok, warning, problem, skipped }
        var check: String
        /// The one thing among several: a destination, a file, an adapter.
        var subject: String?
        var state: State
        /// A word that scripts can compare.
        var code: String
        var message: String
        var remedy: String?
    }

    /// A sentence in both languages.
    struct Phrase {
        var english: String
        var japanese: String
        init(_ english: String, _ japanese: String) {
            self.english = english
            self.japanese = japanese
        }
    }

    /// Looks at everything; true where nothing is a problem.
    func run() -> Bool {
        var isWell = true
        let doctor = telling { finding in
            isWell = isWell && finding.state != .problem
            tell(finding)
        }
        let configuration = doctor.configuration()
        let status = doctor.daemon()
        doctor.clock()
        if let configuration {
            if configuration.bluetooth.enabled {
                doctor.bluetooth(configuration.bluetooth.adapters)
            }
            doctor.files(configuration)
            doctor.disk(configuration)
            for destination in configuration.destinations { doctor.reach(destination) }
        }
        doctor.profiles()
        if let configuration { doctor.models(configuration.participants) }
        doctor.lists(hasDaemon: status != nil)
        if configuration?.usb.enabled == true { doctor.ports(hasDaemon: status != nil) }
        if let configuration { doctor.readers(configuration) }
        return isWell
    }

    private func telling(_ tell: @escaping (Finding) -> Void) -> Doctor {
        var copy = self
        copy.tell = tell
        return copy
    }

    func say(
        _ check: String, _ state: Finding.State, _ code: String, _ message: Phrase,
        remedy: Phrase? = nil, about subject: String? = nil
    ) {
        tell(
            Finding(
                check: check, subject: subject, state: state, code: code,
                message: language.pick(message.english, message.japanese),
                remedy: remedy.map { language.pick($0.english, $0.japanese) }))
    }
}

extension Doctor.Finding {
    /// One object, without the members that it does not have.
    var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("check", check)
            writer.member("subject", subject)
            writer.member("state", state.rawValue)
            writer.member("code", code)
            writer.member("message", message)
            writer.member("remedy", remedy)
        }
        return writer.text
    }

    /// One line for a person.
    func line(in language: Language) -> String {
        let mark =
            switch state {
            case .ok: language.pick("ok     ", "正常  ")
            case .warning: language.pick("warning", "注意  ")
            case .problem: language.pick("PROBLEM", "問題  ")
            case .skipped: language.pick("skipped", "未確認")
            }
        let name = check + String(repeating: " ", count: max(0, 13 - check.count))
        return "\(mark)  \(name) \(message)" + (remedy.map { " → \($0)" } ?? "")
    }
}
