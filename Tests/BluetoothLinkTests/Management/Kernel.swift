import DeviceProfile
import EventLoop
import Glibc

@testable import BluetoothLink

/// The kernel's end of a management socket, and the messages that it sends.
@LoopActor final class Kernel {
    private(set) var descriptor: Int32 = -1
    /// What it answers to Get Connections; nil: nothing at all.
    var status: UInt8? = 0
    /// Commands that came, as whole messages.
    private(set) var commands: [[UInt8]] = []
    private(set) var opened = 0
    var refusal: ManagementRefusal?
    private var source: EventSource?

    nonisolated init() {}

    /// Gives the gateway its end of a new socket.
    func open() throws(ManagementRefusal) -> ManagementSocket {
        opened += 1
        if let refusal { throw refusal }
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw .unavailable(errno) }
        close()
        descriptor = ends[0]
        do {
            source = try EventLoop.shared.onReadable(descriptor) { [weak self] _ in self?.answer() }
        } catch {
            throw .unavailable(0)
        }
        return ManagementSocket(owning: ends[1])
    }

    private func answer() {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return source = nil }
        commands.append(Array(bytes[..<count]))
        if let status {
            send(Message.make(2, 0, [bytes[0], bytes[1], status]))
        }
    }

    func send(_ message: [UInt8]) {
        _ = Glibc.send(descriptor, message, message.count, Int32(MSG_NOSIGNAL))
    }

    func close() {
        source = nil
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}

/// Messages of the management interface, byte by byte.
enum Message {
    static func make(_ event: UInt16, _ controller: UInt16, _ payload: [UInt8]) -> [UInt8] {
        le(event) + le(controller) + le(UInt16(payload.count)) + payload
    }

    /// Address, its type, RSSI, flags, length, data.
    static func found(
        _ address: String, _ data: [UInt8], type: UInt8 = 1, rssi: Int8 = -60,
        controller: UInt16 = 0, monitor: UInt16? = nil
    ) -> [UInt8] {
        let sender = (BluetoothAddress(address)?.bytes ?? []).reversed()
        let payload =
            (monitor.map(le) ?? []) + sender + [type, UInt8(bitPattern: rssi), 0, 0, 0, 0]
            + le(UInt16(data.count)) + data
        return make(monitor == nil ? 0x12 : 0x2F, controller, payload)
    }

    /// The end of a link, with the kernel's reason: 4 where the keys do not fit.
    static func disconnected(_ address: String, reason: UInt8, controller: UInt16 = 0) -> [UInt8] {
        let sender = (BluetoothAddress(address)?.bytes ?? []).reversed()
        return make(0x000C, controller, sender + [1, reason])
    }

    static func bonded(_ address: String, controller: UInt16 = 0) -> [UInt8] {
        let sender = (BluetoothAddress(address)?.bytes ?? []).reversed()
        return make(0x0A, controller, [1] + sender + [1] + [UInt8](repeating: 0x5A, count: 29))
    }

    static func name(_ name: String) -> [UInt8] {
        [UInt8(name.utf8.count + 1), 0x09] + Array(name.utf8)
    }

    static func le(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }
}
