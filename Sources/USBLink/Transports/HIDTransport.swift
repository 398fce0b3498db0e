package import DeviceLink
package import EventLoop

/// HID by its interrupt endpoints and by reports over the control pipe.
@LoopActor package final class HIDTransport: WireTransport {
    private let port: USBPort
    private enum Report {
        static let output: UInt16 = 2
        static let feature: UInt16 = 3
    }
    private static let getReport: UInt8 = 0x01
    private static let setReport: UInt8 = 0x09

    /// - Returns: nil for a device without a HID interface that can send.
    package init?(_ devices: any USBDevices, _ info: USBDeviceInfo) {
        let found = info.interfaces.first {
            $0.classCode == 3 && $0.endpoint(.interrupt, isIn: true) != nil
        }
        guard let found else { return nil }
        port = USBPort(devices, info, found)
    }

    package func open() async throws(USBError) { try await port.open() }

    /// A whole report; a shorter one than announced is normal.
    package func receive() async throws(USBError) -> [UInt8] {
        let endpoint = try port.endpoint(.interrupt, isIn: true)
        return try await port.read(endpoint, upTo: max(8, endpoint.maximumPacket), limit: .zero)
    }

    /// A report is as long as the device's packets: what is missing is filled with zeros.
    package func send(_ bytes: [UInt8]) async throws(USBError) {
        guard let endpoint = port.interface.endpoint(.interrupt, isIn: false) else {
            return try await setOutput(report: 0, bytes)
        }
        let filling = max(0, endpoint.maximumPacket - bytes.count)
        try await port.write(endpoint, bytes + Array(repeating: 0, count: filling))
    }

    package func setFeature(report: UInt8, _ bytes: [UInt8]) async throws(USBError) {
        try await set(Report.feature, report, bytes)
    }

    package func setOutput(report: UInt8, _ bytes: [UInt8]) async throws(USBError) {
        try await set(Report.output, report, bytes)
    }

    package func getFeature(report: UInt8, length: Int) async throws(USBError) -> [UInt8] {
        try await port.control(
            setup(0xA1, Self.getReport, Report.feature, report), length: length)
    }

    package func control(_ transfer: ControlTransfer) async throws(USBError) -> [UInt8] {
        try await port.control(transfer)
    }

    package func close() async { await port.close() }

    private func set(_ kind: UInt16, _ report: UInt8, _ bytes: [UInt8]) async throws(USBError) {
        let taken = try await port.control(setup(0x21, Self.setReport, kind, report), bytes)
        guard taken.count == bytes.count else {
            throw .failed("the device took \(taken.count) of \(bytes.count) bytes of a report")
        }
    }

    private func setup(
        _ type: UInt8, _ request: UInt8, _ kind: UInt16, _ report: UInt8
    ) -> USBSetup {
        USBSetup(
            type: type, request: request, value: kind << 8 | UInt16(report),
            index: UInt16(port.interface.number))
    }
}
