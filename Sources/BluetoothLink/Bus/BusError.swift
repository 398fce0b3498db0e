import Glibc

/// An error of the bus: one that a peer answered, or one that came up on the way.
package struct BusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The D-Bus error name.
    package var name: String
    package var message: String

    package init(name: String, message: String) {
        self.name = name
        self.message = message
    }

    package var description: String { message.isEmpty ? name : "\(name): \(message)" }

    /// No answer came within the caller's own time limit.
    package var isTimeout: Bool {
        name == Self.timeoutName || name == "org.freedesktop.DBus.Error.Timeout"
            || name == "org.freedesktop.DBus.Error.TimedOut"
            || name == "org.freedesktop.DBus.Error.NoReply" && message.contains("timed out")
    }
    /// Nobody answers: the peer is not there, or left before it answered.
    package var isPeerGone: Bool {
        name == "org.freedesktop.DBus.Error.ServiceUnknown"
            || name == "org.freedesktop.DBus.Error.NameHasNoOwner"
            || name == "org.freedesktop.DBus.Error.NoReply" && !isTimeout
    }
    /// The connection to the bus itself is gone.
    package var isDisconnected: Bool { name == Self.disconnectedName }
    /// The object that was called does not exist (any more).
    package var isUnknownObject: Bool {
        name == "org.freedesktop.DBus.Error.UnknownObject"
            || name == "org.freedesktop.DBus.Error.UnknownMethod"
            || name == "org.freedesktop.DBus.Error.UnknownInterface"
    }
    package var isCancelled: Bool { name == Self.cancelledName }

    static let timeoutName = "org.freedesktop.DBus.Error.Timeout"
    static let disconnectedName = "org.freedesktop.DBus.Error.Disconnected"
    static let cancelledName = "org.freedesktop.DBus.Error.Cancelled"
    static let cancelled = BusError(name: cancelledName, message: "the caller no longer waits")

    static func unknownMethod(_ message: BusMessage) -> BusError {
        BusError(
            name: "org.freedesktop.DBus.Error.UnknownMethod",
            message: "\(message.interface).\(message.member) at \(message.path)")
    }

    /// Turns sd-bus's negative return codes into an error.
    @discardableResult
    static func check(_ operation: String, _ result: Int32) throws(BusError) -> Int32 {
        guard result < 0 else { return result }
        throw BusError(operation, errno: -result)
    }

    init(_ operation: String, errno code: Int32) {
        switch code {
        case ENOTCONN, ECONNRESET, EPIPE, ESHUTDOWN, ECONNREFUSED, ENOENT:
            name = Self.disconnectedName
        case ETIMEDOUT: name = Self.timeoutName
        default: name = "org.freedesktop.DBus.Error.Failed"
        }
        message = "\(operation): \(String(cString: strerror(code)))"
    }
}
