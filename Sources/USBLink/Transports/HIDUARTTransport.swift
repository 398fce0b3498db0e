package import DeviceProfile
package import EventLoop

/// A serial line behind a HID bridge (Silicon Labs CP2110): reports that begin with a byte count.
@LoopActor package final class HIDUARTTransport: WireTransport {
    private let hid: HIDTransport
    private let line: WirePlan.Line
    /// Most bytes of one report.
    private static let most = 63
    private enum Feature {
        static let enable: UInt8 = 0x41
        static let purge: UInt8 = 0x43
        static let configure: UInt8 = 0x50
    }

    package init?(_ devices: any USBDevices, _ info: USBDeviceInfo, _ line: WirePlan.Line) {
        guard let hid = HIDTransport(devices, info) else { return nil }
        self.hid = hid
        self.line = line
    }

    /// Opens the bridge, sets the line, throws away what stood in it, and lets it work.
    package func open() async throws(USBError) {
        try await hid.open()
        try await feature([Feature.configure] + Self.settings(line))
        try await feature([Feature.enable, 1])
        try await feature([Feature.purge, 3])
    }

    /// Speed (most significant byte first), parity, flow control, data bits, stop bits.
    nonisolated static func settings(_ line: WirePlan.Line) -> [UInt8] {
        let speed = UInt32(clamping: line.speed)
        let parity: UInt8 =
            switch line.parity {
            case .none: 0
            case .even: 1
            case .odd: 2
            }
        return (0..<4).map { UInt8(truncatingIfNeeded: speed >> (24 - 8 * $0)) }
            + [
                parity, 0, UInt8(clamping: line.dataBits - 5), UInt8(clamping: line.stopBits - 1),
            ]
    }

    private func feature(_ bytes: [UInt8]) async throws(USBError) {
        try await hid.setFeature(report: bytes[0], bytes)
    }

    /// Status reports and empty ones carry no data and are skipped.
    package func receive() async throws(USBError) -> [UInt8] {
        while true {
            let report = try await hid.receive()
            guard let count = report.first, count > 0, count <= Self.most else { continue }
            guard report.count > Int(count) else {
                throw .failed("a report announces \(count) bytes and has \(report.count - 1)")
            }
            return Array(report[1...Int(count)])
        }
    }

    package func send(_ bytes: [UInt8]) async throws(USBError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.most)
            try await hid.send([UInt8(part.count)] + part)
            rest = rest.dropFirst(part.count)
        }
    }

    package func close() async { await hid.close() }
}
