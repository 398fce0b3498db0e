import Glibc

/// A source that the kernel or sd-event refused.
package struct EventLoopError: Error, Hashable, CustomStringConvertible {
    /// The call that failed, by its C name.
    package var operation: String
    /// The error number, positive.
    package var code: Int32

    package init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    package var description: String { "\(operation): \(String(cString: strerror(code)))" }

    /// Turns sd-event's negative return codes into an error.
    @discardableResult
    static func check(_ operation: String, _ result: Int32) throws(EventLoopError) -> Int32 {
        guard result < 0 else { return result }
        throw EventLoopError(operation: operation, code: -result)
    }
}
