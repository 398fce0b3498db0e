import DeviceLink
import EventLoop

/// What a transport needs of the USB library: `USBHost`, or a device made of code in tests.
package protocol USBDevices: Sendable {
    func open(_ info: USBDeviceInfo, claiming: [UInt8]) async throws(USBError) -> USBHandle
    func close(_ handle: USBHandle) async
    func read(
        _ handle: USBHandle, _ endpoint: USBEndpoint, upTo length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8]
    func write(
        _ handle: USBHandle, _ endpoint: USBEndpoint, _ bytes: [UInt8], limit: Duration,
        closing: Bool
    ) async throws(USBError)
    func control(
        _ handle: USBHandle, _ setup: USBSetup, _ bytes: [UInt8], length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8]
    func clearHalt(_ handle: USBHandle, _ endpoint: USBEndpoint) async throws(USBError)
}

extension USBHost: USBDevices {}

/// An open device with the interface that is talked to; shared by the transports over libusb.
@LoopActor final class USBPort {
    let devices: any USBDevices
    let info: USBDeviceInfo
    let interface: USBInterface
    private let claimed: [UInt8]
    private var handle: USBHandle?
    private var isClosed = false

    /// - Parameter also: further interfaces that are claimed with it, such as that of CDC control.
    init(
        _ devices: any USBDevices, _ info: USBDeviceInfo, _ interface: USBInterface,
        also: [UInt8] = []
    ) {
        self.devices = devices
        self.info = info
        self.interface = interface
        claimed = also + [interface.number]
    }

    func open() async throws(USBError) {
        guard handle == nil, !isClosed else { throw .failed("the link was opened before") }
        let opened = try await devices.open(info, claiming: claimed)
        guard !isClosed else {
            // The session ended while the device was being opened.
            await devices.close(opened)
            throw .cancelled
        }
        handle = opened
    }

    func close() async {
        isClosed = true
        guard let open = handle else { return }
        handle = nil
        await devices.close(open)
    }

    func endpoint(_ kind: USBEndpoint.Kind, isIn: Bool) throws(USBError) -> USBEndpoint {
        guard let found = interface.endpoint(kind, isIn: isIn) else {
            throw .noSuchEndpoint("\(kind) \(isIn ? "IN" : "OUT") endpoint")
        }
        return found
    }

    func read(
        _ endpoint: USBEndpoint, upTo length: Int, limit: Duration
    ) async throws(USBError) -> [UInt8] {
        try await devices.read(try opened(), endpoint, upTo: length, limit: limit)
    }

    func write(
        _ endpoint: USBEndpoint, _ bytes: [UInt8], closing: Bool = false
    ) async throws(USBError) {
        try await devices.write(
            try opened(), endpoint, bytes, limit: .seconds(5), closing: closing)
    }

    func control(
        _ setup: USBSetup, _ bytes: [UInt8] = [], length: Int = 0
    ) async throws(USBError) -> [UInt8] {
        try await devices.control(
            try opened(), setup, bytes, length: length, limit: .seconds(2))
    }

    func control(_ transfer: ControlTransfer) async throws(USBError) -> [UInt8] {
        try await control(
            USBSetup(
                type: transfer.requestType, request: transfer.request, value: transfer.value,
                index: transfer.index), transfer.data, length: transfer.length)
    }

    func clearHalt(_ endpoint: USBEndpoint) async throws(USBError) {
        try await devices.clearHalt(try opened(), endpoint)
    }

    private func opened() throws(USBError) -> USBHandle {
        guard let handle else { throw .gone }
        return handle
    }
}
