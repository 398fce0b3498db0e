import CLinux
package import DeviceProfile
package import EventLoop
import Glibc

/// A serial line behind a bridge with a kernel driver, on the event loop.
@LoopActor package final class SerialTransport: WireTransport {
    private let node: String
    private let line: WirePlan.Line
    private var descriptor: Int32 = -1
    private var source: EventSource?
    private var inbox: [UInt8] = []
    private var end: USBError?
    private var isClosed = false
    private let changed = LoopCondition()
    private let canWrite = LoopCondition()
    /// Unread bytes beyond which the line is left to the kernel's own buffer and flow control.
    private static let fullInbox = 65_536

    /// - Parameter node: the device node, `/dev/ttyUSB0`.
    package init(node: String, line: WirePlan.Line) {
        self.node = node
        self.line = line
    }

    package func open() async throws(USBError) {
        guard descriptor < 0, !isClosed else { throw .failed("the line was opened before") }
        let opened = Glibc.open(node, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else { throw Self.error(errno, node) }
        descriptor = opened
        do throws(USBError) {
            // Nobody else may talk in between; a second gateway is told so.
            guard ioctl(opened, UInt(TIOCEXCL)) == 0 else { throw Self.error(errno, node) }
            try LineSettings.apply(line, to: opened)
            source = try watch(opened)
        } catch {
            release()
            throw error
        }
    }

    private func watch(_ opened: Int32) throws(USBError) -> EventSource {
        do {
            return try EventLoop.shared.onReadable(opened) { [weak self] in self?.ready($0) }
        } catch {
            throw .failed("\(error)")
        }
    }

    private func ready(_ events: IOEvents) {
        if events.contains(.writable) {
            source?.watch(for: inbox.count < Self.fullInbox ? .readable : [])
            canWrite.broadcast()
        }
        guard events.contains(.readable) || events.contains(.hangUp) || events.contains(.error)
        else { return }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &buffer, buffer.count)
        if count > 0 {
            inbox += buffer[..<count]
            if inbox.count >= Self.fullInbox { source?.watch(for: []) }
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            // A pulled adapter hangs the line up.
            end = .gone
            source?.cancel()
            source = nil
            canWrite.broadcast()
        }
        changed.broadcast()
    }

    package func receive() async throws(USBError) -> [UInt8] {
        while inbox.isEmpty {
            if let end { throw end }
            guard descriptor >= 0 else { throw .gone }
            do { _ = try await changed.wait() } catch { throw .cancelled }
        }
        defer { inbox = [] }
        if inbox.count >= Self.fullInbox { source?.watch(for: .readable) }
        return inbox
    }

    package func send(_ bytes: [UInt8]) async throws(USBError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard descriptor >= 0, end == nil else { throw .gone }
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                source?.watch(for: [.readable, .writable])
                do {
                    guard try await canWrite.wait(for: .seconds(5)) else { throw USBError.timeOut }
                } catch let error as USBError {
                    throw error
                } catch {
                    throw .cancelled
                }
            } else if errno != EINTR {
                throw Self.error(errno, node)
            }
        }
    }

    package func close() async { release() }

    private func release() {
        isClosed = true
        source?.cancel()
        source = nil
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        if end == nil { end = .cancelled }
        changed.broadcast()
        canWrite.broadcast()
    }

    private static func error(_ code: Int32, _ node: String) -> USBError {
        switch code {
        case EACCES, EPERM: .permission(node: node)
        case ENOENT, ENXIO, ENODEV, EIO: .gone
        case EBUSY: .busy("\(node) is in use")
        default: .failed("\(node): \(String(cString: strerror(code)))")
        }
    }
}

/// Speed, data bits, parity and stop bits of a line by termios; raw, no flow control by characters.
enum LineSettings {
    private static let speeds: [Int: Int32] = [
        1_200: B1200, 2_400: B2400, 4_800: B4800, 9_600: B9600, 19_200: B19200, 38_400: B38400,
        57_600: B57600, 115_200: B115200,
    ]

    static func apply(_ line: WirePlan.Line, to descriptor: Int32) throws(USBError) {
        guard let speed = speeds[line.speed] else {
            throw .failed("a speed of \(line.speed) is not known")
        }
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { throw trouble() }
        cfmakeraw(&settings)
        let flags = control(line)
        // The last one is CRTSCTS: no profile here has flow control by lines.
        let touched = tcflag_t(CSIZE | PARENB | PARODD | CSTOPB) | 0x8000_0000
        settings.c_cflag &= ~touched
        settings.c_cflag |= tcflag_t(CREAD | CLOCAL) | flags
        settings.c_iflag &= ~tcflag_t(IXON | IXOFF | IXANY)
        // A byte with wrong parity arrives as zero, which no frame has: the frame is refused, and seen.
        if line.parity != .none { settings.c_iflag |= tcflag_t(INPCK) }
        cfsetispeed(&settings, speed_t(speed))
        cfsetospeed(&settings, speed_t(speed))
        guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else { throw trouble() }
        // What stood in the line before belongs to nobody.
        tcflush(descriptor, TCIOFLUSH)
    }

    private static func control(_ line: WirePlan.Line) -> tcflag_t {
        var flags = tcflag_t(line.dataBits == 7 ? CS7 : CS8)
        switch line.parity {
        case .none: break
        case .even: flags |= tcflag_t(PARENB)
        case .odd: flags |= tcflag_t(PARENB | PARODD)
        }
        if line.stopBits == 2 { flags |= tcflag_t(CSTOPB) }
        return flags
    }

    private static func trouble() -> USBError {
        .failed("the line cannot be set: \(String(cString: strerror(errno)))")
    }
}
