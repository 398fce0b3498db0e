import CBluetooth
import Glibc

/// A socket of the kernel's Bluetooth management interface, closed with its owner.
///
/// Only ever read, but for one command that changes nothing: bluetoothd manages the adapter.
struct ManagementSocket: ~Copyable {
    let descriptor: Int32

    /// Takes over a connected descriptor.
    init(owning descriptor: Int32) { self.descriptor = descriptor }

    /// Opens a socket for the control channel of all controllers (`HCI_CHANNEL_CONTROL`).
    init() throws(ManagementRefusal) {
        let kind =
            Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let opened = socket(AF_BLUETOOTH, kind, BTPROTO_HCI)
        guard opened >= 0 else { throw .unavailable(errno) }
        var address = sockaddr_hci()
        address.hci_family = sa_family_t(AF_BLUETOOTH)
        address.hci_dev = UInt16(HCI_DEV_NONE)
        address.hci_channel = UInt16(HCI_CHANNEL_CONTROL)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(opened, $0, socklen_t(MemoryLayout<sockaddr_hci>.size))
            }
        }
        guard bound == 0 else {
            let code = errno
            close(opened)
            throw .unavailable(code)
        }
        descriptor = opened
    }

    deinit { close(descriptor) }

    enum Received { case message(Int), tooLong, nothing, closed(Int32) }

    /// Reads one message; a longer one than the buffer is lost.
    func receive(_ buffer: inout [UInt8]) -> Received {
        while true {
            let count = buffer.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_TRUNC))
            }
            if count > buffer.count { return .tooLong }
            if count > 0 { return .message(count) }
            if count == 0 { return .closed(0) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .nothing
            case let code: return .closed(code)
            }
        }
    }

    /// Sends a command.
    ///
    /// Some kernels answer 0 although it was sent: only a negative answer is a failure.
    func send(_ bytes: [UInt8]) throws(ManagementRefusal) {
        let sent = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent >= 0 else { throw .unavailable(errno) }
    }
}

/// Why advertisements come over D-Bus and not from the management socket.
enum ManagementRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kernel gives no such socket, or took it back.
    case unavailable(Int32)
    /// It gives one, and shows it no advertisements.
    case denied
    case silent

    var description: String {
        switch self {
        case .unavailable(0): "the management socket was closed"
        case .unavailable(let code): "the management socket: \(String(cString: strerror(code)))"
        case .denied: "the management socket needs CAP_NET_ADMIN and CAP_NET_RAW"
        case .silent: "the management socket does not answer"
        }
    }
}
