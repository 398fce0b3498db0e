import CLinux
package import EventLoop
import Glibc

/// Tells when a serial line appears in `/dev`, leaves it, or is given to another group; no polling.
@LoopActor package final class LineWatcher {
    private let descriptor: Int32
    private var source: EventSource?

    /// - Returns: nil where the directory cannot be watched.
    package init?(
        directory: String = "/dev", _ onChange: @escaping @LoopActor () -> Void
    ) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        let mask = UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_ATTRIB)
        // What was opened is closed by `deinit`, also when nil is returned.
        guard descriptor >= 0, inotify_add_watch(descriptor, directory, mask) >= 0 else {
            return nil
        }
        let watched = descriptor
        source = try? EventLoop.shared.onReadable(watched) { _ in
            if Self.drain(watched) { onChange() }
        }
    }

    isolated deinit {
        source?.cancel()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether one of the events was about a serial line.
    private static func drain(_ descriptor: Int32) -> Bool {
        var found = false
        var buffer = [UInt8](repeating: 0, count: 8_192)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return found }
            var offset = 0
            // struct inotify_event: four words, the last one the length of the name after them.
            while offset + 16 <= count {
                let length = (0..<4).reduce(0) { $0 | Int(buffer[offset + 12 + $1]) << (8 * $1) }
                let name = buffer[(offset + 16)..<min(count, offset + 16 + length)]
                found = found || name.starts(with: Array("tty".utf8))
                offset += 16 + length
            }
        }
    }
}
