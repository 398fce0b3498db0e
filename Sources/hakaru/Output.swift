import Glibc

/// Standard output, whose failure is the command's failure: a full disk must not look like success.
final class Output {
    private var buffer: [UInt8] = []
    private let descriptor: Int32

    init(descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    func line(_ text: String) throws(CommandError) {
        buffer += Array(text.utf8) + [0x0A]
        if buffer.count > 65_536 { try flush() }
    }

    func line(_ bytes: [UInt8]) throws(CommandError) {
        buffer += bytes
        buffer.append(0x0A)
        if buffer.count > 65_536 { try flush() }
    }

    func flush() throws(CommandError) {
        var sent = 0
        while sent < buffer.count {
            let count = buffer[sent...].withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                buffer = []
                throw .failed("the output cannot be written: \(String(cString: strerror(errno)))")
            }
            sent += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Writes a message beside the results.
    static func complain(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
