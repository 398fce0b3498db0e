/// Why a command did not do what was asked; the exit code follows from the case.
enum CommandError: Error, Equatable {
    /// Exit code 1.
    case failed(String)
    /// Exit code 2.
    case usage(String)
    /// Exit code 3.
    case noDaemon(String)
}
