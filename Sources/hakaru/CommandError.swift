import JSON

/// Why a command did not do what was asked; the exit code follows from the case.
enum CommandError: Error, Equatable {
    /// Exit code 1.
    case failed(String)
    /// The daemon refused, with a code of its own. Exit code 1.
    case refused(code: String, String)
    /// Exit code 2.
    case usage(String)
    /// Exit code 3.
    case noDaemon(String)

    var exitCode: Int32 {
        switch self {
        case .failed, .refused: 1
        case .usage: 2
        case .noDaemon: 3
        }
    }

    /// A word that scripts can compare.
    var code: String {
        switch self {
        case .failed: "failed"
        case .refused(let code, _): code
        case .usage: "usage"
        case .noDaemon: "no-daemon"
        }
    }

    var message: String {
        switch self {
        case .failed(let text), .refused(_, let text), .usage(let text), .noDaemon(let text): text
        }
    }

    /// `{"error":{"code":…,"message":…}}`.
    var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member(
                "error",
                object: { writer in
                    writer.member("code", code)
                    writer.member("message", message)
                })
        }
        return writer.text
    }
}
