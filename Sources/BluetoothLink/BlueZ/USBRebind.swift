import EventLoop
import Glibc

/// The kernel's driver of a USB adapter, which can be told to let go of it and to take it again.
struct USBRebind: Sendable {
    var folder = "/sys/class/bluetooth"
    /// How long the driver is without the device.
    var pause: Duration = .milliseconds(500)

    /// Unbinds and binds the adapter's USB interface; needs the right to write these files.
    @LoopActor func perform(_ adapter: String) async throws(BusError) {
        guard let interface = resolved("\(folder)/\(adapter)/device"),
            let driver = resolved("\(folder)/\(adapter)/device/driver"),
            let name = interface.split(separator: "/").last.map({ String($0) })
        else { throw .notPermitted("\(adapter) has no USB driver") }
        try write(name, to: driver + "/unbind")
        try? await sleep(for: pause)
        try write(name, to: driver + "/bind")
    }

    private func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private func write(_ text: String, to path: String) throws(BusError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw .notPermitted("\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw BusError(path, errno: errno)
        }
    }
}
