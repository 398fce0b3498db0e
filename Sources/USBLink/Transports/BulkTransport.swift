package import DeviceLink
package import DeviceProfile
package import EventLoop

/// Vendor bulk, PHDC, and CDC whose descriptors the kernel's own driver refuses.
@LoopActor package final class BulkTransport: WireTransport {
    private enum Class {
        static let communication: UInt8 = 2
        static let communicationData: UInt8 = 10
        static let healthcare: UInt8 = 15
        static let storage: UInt8 = 8
    }
    private let port: USBPort
    private let line: WirePlan.Line?
    private let controlInterface: UInt8?
    private var isStalled = false
    /// Longest message that is read at once; what is longer comes in parts.
    private static let longest = 16_384

    /// - Parameter classCode: the class that its interface has to have, where only one will do.
    /// - Returns: nil for a device without an interface of two bulk pipes that is no storage.
    package init?(
        _ devices: any USBDevices, _ info: USBDeviceInfo, line: WirePlan.Line? = nil,
        classCode: UInt8? = nil
    ) {
        let usable = info.interfaces.filter {
            $0.classCode != Class.storage && $0.classCode == classCode ?? $0.classCode
                && $0.endpoint(.bulk, isIn: true) != nil
                && $0.endpoint(.bulk, isIn: false) != nil
        }
        // Where a device has several, the one that is meant for its data.
        let preferred = usable.first {
            $0.classCode == Class.healthcare || $0.classCode == Class.communicationData
        }
        guard let found = preferred ?? usable.first else { return nil }
        let communication = info.interfaces.first {
            $0.classCode == Class.communication && $0.number != found.number
        }
        controlInterface =
            communication?.number ?? (found.classCode == Class.communication ? found.number : nil)
        self.line = line
        port = USBPort(devices, info, found, also: communication.map { [$0.number] } ?? [])
    }

    package func open() async throws(USBError) {
        try await port.open()
        guard let control = controlInterface else { return }
        // A unit with broken descriptors often refuses these too, and works without them.
        if let line {
            _ = try? await port.control(
                USBSetup(type: 0x21, request: 0x20, value: 0, index: UInt16(control)),
                Self.coding(line))
        }
        _ = try? await port.control(
            USBSetup(type: 0x21, request: 0x22, value: 3, index: UInt16(control)))
    }

    /// Speed (least significant byte first), stop bits, parity, data bits.
    nonisolated static func coding(_ line: WirePlan.Line) -> [UInt8] {
        let speed = UInt32(clamping: line.speed)
        let parity: UInt8 =
            switch line.parity {
            case .none: 0
            case .odd: 1
            case .even: 2
            }
        return (0..<4).map { UInt8(truncatingIfNeeded: speed >> (8 * $0)) }
            + [line.stopBits == 2 ? 2 : 0, parity, UInt8(clamping: line.dataBits)]
    }

    /// One transfer: part of a message, a whole one, or several. Empty ones are skipped.
    package func receive() async throws(USBError) -> [UInt8] { try await receive(limit: .zero) }

    /// - Parameter limit: how long is waited at most; zero for without end.
    package func receive(limit: Duration) async throws(USBError) -> [UInt8] {
        let endpoint = try port.endpoint(.bulk, isIn: true)
        while true {
            do throws(USBError) {
                let bytes = try await port.read(endpoint, upTo: Self.longest, limit: limit)
                isStalled = false
                if !bytes.isEmpty { return bytes }
            } catch .stalled where !isStalled {
                // Once: a pipe that stalls again after it was cleared is out of order.
                isStalled = true
                try await port.clearHalt(endpoint)
            }
        }
    }

    package func send(_ bytes: [UInt8]) async throws(USBError) {
        let endpoint = try port.endpoint(.bulk, isIn: false)
        // Serial data have no end to mark; a message that fills its last packet has.
        let closing = port.interface.classCode != Class.communicationData
        try await port.write(endpoint, bytes, closing: closing)
    }

    package func control(_ transfer: ControlTransfer) async throws(USBError) -> [UInt8] {
        try await port.control(transfer)
    }

    package func close() async { await port.close() }
}
