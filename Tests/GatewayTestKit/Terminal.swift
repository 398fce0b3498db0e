import Glibc

/// A pair of terminals: the test is the device on `device`, what is tested opens `node`.
package struct Terminal: ~Copyable {
    package let device: Int32
    package let node: String

    package init() {
        device = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
        var locked: Int32 = 0
        var number: UInt32 = 0
        _ = ioctl(device, 0x4004_5431, &locked)  // TIOCSPTLCK
        _ = ioctl(device, 0x8004_5430, &number)  // TIOCGPTN
        node = "/dev/pts/\(number)"
    }

    deinit { close(device) }

    package func write(_ text: String) {
        let bytes = Array(text.utf8)
        let count = Glibc.write(device, bytes, bytes.count)
        precondition(count == bytes.count, "\(node) took \(count) of \(bytes.count) bytes")
    }

    package func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(device, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
