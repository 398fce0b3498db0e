import Glibc

/// A message bus of its own for one test; it ends with the value or with `kill()`.
package final class PrivateBus: Sendable {
    package let address: String
    private let daemon: Child

    package struct Failed: Error {}

    /// - Parameter path: a socket path, so that a second bus can take the place of the first.
    package init(listening path: String? = nil) throws {
        var arguments = ["--session", "--nofork", "--nopidfile", "--print-address=1"]
        if let path { arguments.append("--address=unix:path=\(path)") }
        daemon = try Child("dbus-daemon", arguments)
        guard let line = daemon.readLine() else { throw Failed() }
        address = line
    }

    /// Ends the bus as a crash would.
    package func kill() {
        daemon.signal(SIGKILL)
        _ = daemon.wait()
    }
}
