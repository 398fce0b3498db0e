import CSystemd
import Glibc

/// Messages to the service manager (sd_notify); without one they go nowhere.
package enum ServiceManager {
    /// Whether a service manager started this process and listens.
    package static var isPresent: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// Tells that the daemon is up and its links are being served.
    @discardableResult
    package static func ready(status: String = "") -> Bool {
        send("READY=1" + (status.isEmpty ? "" : "\nSTATUS=" + line(status)))
    }

    /// Tells that the daemon is finishing its last records.
    @discardableResult
    package static func stopping() -> Bool { send("STOPPING=1") }

    /// Tells that the configuration is being read again; `ready` ends it.
    @discardableResult
    package static func reloading() -> Bool {
        send("RELOADING=1\nMONOTONIC_USEC=\(GatewayClock.monotonicMicroseconds())")
    }

    /// How long the service manager waits for `alive` before it ends the daemon; nil: it does not wait.
    package static var watchdog: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// Has the service manager wait so long for `alive` from now on; only where it waits at all.
    @discardableResult
    package static func wait(for limit: Duration) -> Bool {
        guard watchdog != nil else { return false }
        return send("WATCHDOG_USEC=\(limit.wholeMicroseconds)")
    }

    /// Tells that the daemon makes progress.
    @discardableResult
    package static func alive() -> Bool { send("WATCHDOG=1") }

    /// Sets the one line that the service manager shows beside the service.
    @discardableResult
    package static func status(_ text: String) -> Bool { send("STATUS=" + line(text)) }

    /// A line break would start another field.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    /// False where no service manager listens or the message could not be sent.
    private static func send(_ message: String) -> Bool { sd_notify(0, message) > 0 }
}
