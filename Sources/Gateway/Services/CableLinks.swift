import DeviceLink
import DeviceProfile
import EventLoop
import USBLink

/// The link that a profile's transport asks for.
@LoopActor enum CableLinks {
    static func make(
        _ profile: DeviceProfile, _ info: USBDeviceInfo, _ host: USBHost, _ lines: [String]
    ) -> (any WireTransport)? {
        let line = profile.wire?.line
        switch profile.transport {
        case .usbHID: return HIDTransport(host, info)
        case .usbHIDUART: return line.flatMap { HIDUARTTransport(host, info, $0) }
        case .usbBulk, .usbPHDC: return BulkTransport(host, info, line: line)
        case .usbCDC:
            // The kernel's driver refuses units with broken descriptors: those go by their bulk pipes.
            return serial(lines, line) ?? BulkTransport(host, info, line: line)
        case .usbMassStorage:
            return StorageTransport(host, info, interfaceName: PortRules.storageName)
        case .serial: return serial(lines, line)
        case .bluetoothGATT, .bluetoothAdvertisement: return nil
        }
    }
    private static func serial(
        _ lines: [String], _ line: WirePlan.Line?
    ) -> (any WireTransport)? {
        guard let name = lines.first, let line else { return nil }
        return SerialTransport(node: "/dev/" + name, line: line)
    }

    /// The nodes that are opened for a profile, as far as they are known.
    static func nodes(
        _ profile: DeviceProfile, _ info: USBDeviceInfo, _ lines: [String]
    ) -> [String] {
        let isLine =
            profile.transport == .serial || (profile.transport == .usbCDC && !lines.isEmpty)
        return isLine ? lines.prefix(1).map { "/dev/" + $0 } : [info.node].compactMap { $0 }
    }
}
