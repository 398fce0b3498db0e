import DataFiles

/// What hakarud was started with.
package struct DaemonOptions: Sendable, Equatable {
    package var configuration = "/etc/hakaru/hakaru.yaml"
    package var stateDirectory = "/var/lib/hakaru"
    package var runtimeDirectory = "/run/hakaru"
    package var checkOnly = false
    /// Looks at the machine instead of running: `hakaru doctor`.
    package var examineOnly = false
    /// Answers at the socket, reads no device and sends nothing.
    package var answersOnly = false
    package var logLevel = "info"
    package var json = false

    package init() {}

    package static let version = hakaruVersion

    package static let help = """
        Usage: hakarud [OPTION]…
        Reads health devices over Bluetooth LE and sends their values in 健康情報等交換規約.

          --config FILE             configuration (/etc/hakaru/hakaru.yaml)
          --state-directory DIR     SQLite store (/var/lib/hakaru)
          --runtime-directory DIR   status socket (/run/hakaru)
          --check-config            list everything that is wrong in the configuration, and stop
          --doctor                  look at the machine and name what is wrong, and stop: hakaru doctor
          --json                    with these two: one problem a line as JSON
          --answers-only            answer at the socket; read no device, send nothing
          --log-level LEVEL         error, warning, notice, info, debug (info)
          --version
          --help

        Exit codes: 0 stopped as asked, 1 could not start or a file is wrong, 2 wrong usage.
        """

    /// What the words of the command line ask for.
    package enum Request: Sendable, Equatable {
        case run(DaemonOptions)
        case help
        case version
        /// Wrong usage, with the reason.
        case wrong(String)
    }

    package static func parse(_ words: [String]) -> Request {
        var options = DaemonOptions()
        var rest = words[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map { String($0) }
            let name = parts.first ?? word
            switch name {
            case "--help", "-h": return .help
            case "--version": return .version
            case "--check-config": options.checkOnly = true
            case "--doctor": options.examineOnly = true
            case "--answers-only": options.answersOnly = true
            case "--json": options.json = true
            case "--config", "--state-directory", "--runtime-directory", "--log-level":
                guard let value = parts.count > 1 ? parts[1] : rest.popFirst(), !value.isEmpty
                else { return .wrong("\(name) needs a value") }
                options.set(name, value)
            default: return .wrong("unknown option '\(word)'; see hakarud --help")
            }
        }
        guard Log.Level(name: options.logLevel) != nil else {
            return .wrong(
                "--log-level '\(options.logLevel)'; accepted: error, warning, notice, info, debug")
        }
        return .run(options)
    }

    private mutating func set(_ name: String, _ value: String) {
        switch name {
        case "--config": configuration = value
        case "--state-directory": stateDirectory = value
        case "--runtime-directory": runtimeDirectory = value
        default: logLevel = value
        }
    }
}
