import CLinux
package import EventLoop
import Glibc

/// Tells when the kernel or udevd says something about USB devices or serial lines; no polling.
///
/// Both are listened to: without udevd only the kernel speaks, and with it the nodes belong to the
/// group only after its rules, which it says when they are done. What a message says is never
/// believed: it is only the reason to look.
@LoopActor package final class KernelMessages {
    private let descriptor: Int32
    private var source: EventSource?
    private static let family: Int32 = 15  // NETLINK_KOBJECT_UEVENT
    /// The kernel's own messages, and those of udevd.
    private static let groups: UInt32 = 1 | 2

    package init(_ onMessage: @escaping @LoopActor () -> Void) throws(USBError) {
        let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        descriptor = socket(AF_NETLINK, Int32(kind), Self.family)
        // What was opened is closed by `deinit`, also when an error is thrown.
        guard descriptor >= 0 else { throw Self.failure("socket") }
        guard hakaru_bind_netlink(descriptor, Self.groups) == 0 else { throw Self.failure("bind") }
        let watched = descriptor
        do {
            source = try EventLoop.shared.onReadable(watched) { _ in
                if Self.drain(watched) { onMessage() }
            }
        } catch {
            throw .failed("\(error)")
        }
    }

    isolated deinit {
        source?.cancel()
        if descriptor >= 0 { close(descriptor) }
    }

    private static func failure(_ call: String) -> USBError {
        .failed(
            "the kernel's messages cannot be heard: \(call): \(String(cString: strerror(errno)))")
    }

    /// Whether there is a reason to look.
    private static func drain(_ descriptor: Int32) -> Bool {
        var isReason = false
        var buffer = [UInt8](repeating: 0, count: 8_192)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                isReason = isReason || isAboutDevices(buffer[..<count])
            } else if count < 0, errno == ENOBUFS {
                isReason = true  // Messages were lost: what they were about is seen by looking.
            } else if count == 0 || errno != EINTR {
                return isReason
            }
        }
    }

    /// Fields are separated by zeros: `SUBSYSTEM=usb`.
    nonisolated static func isAboutDevices(_ message: ArraySlice<UInt8>) -> Bool {
        message.split(separator: 0).contains { field in
            field.elementsEqual("SUBSYSTEM=usb".utf8) || field.elementsEqual("SUBSYSTEM=tty".utf8)
                || field.elementsEqual("SUBSYSTEM=hid".utf8)
                || field.elementsEqual("SUBSYSTEM=input".utf8)
        }
    }
}
