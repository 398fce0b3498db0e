import GatewayTestKit
import Glibc

@testable import BluetoothLink

/// A message bus of its own for one test; it ends with the value or with `kill()`.
final class PrivateBus: Sendable {
    let address: String
    private let daemon: Child

    struct Failed: Error {}

    /// - Parameter path: a socket path, so that a second bus can take the place of the first.
    init(listening path: String? = nil) throws {
        var arguments = ["--session", "--nofork", "--nopidfile", "--print-address=1"]
        if let path { arguments.append("--address=unix:path=\(path)") }
        daemon = try Child("dbus-daemon", arguments)
        guard let line = daemon.readLine() else { throw Failed() }
        address = line
    }

    /// Ends the bus as a crash would.
    func kill() {
        daemon.signal(SIGKILL)
        _ = daemon.wait()
    }
}
