/// Where a device is plugged in: bus and the ports from the root hub, `1-1.2`.
///
/// It stays the same for a socket, so it tells identical devices without a serial number apart.
package struct USBPath: Sendable, Hashable, CustomStringConvertible {
    package var description: String

    /// - Parameter ports: the ports on the way from the root hub, which is none of them.
    package init(bus: Int, ports: [Int]) {
        description = "\(bus)-" + ports.map(String.init).joined(separator: ".")
    }

    /// Reads `1-1.2`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count == 2, let bus = Int(halves[0]), bus > 0 else { return nil }
        let ports = halves[1].split(separator: ".", omittingEmptySubsequences: false).map {
            Int($0)
        }
        guard !ports.isEmpty, ports.allSatisfy({ $0 ?? 0 > 0 }) else { return nil }
        self.init(bus: bus, ports: ports.compactMap { $0 })
    }
}

/// One end of a pipe of an interface.
package struct USBEndpoint: Sendable, Hashable {
    package enum Kind: UInt8, Sendable { case control, isochronous, bulk, interrupt }

    package var address: UInt8
    package var kind: Kind
    package var maximumPacket: Int

    /// Towards the gateway.
    package var isIn: Bool { address & 0x80 != 0 }

    package init(address: UInt8, kind: Kind, maximumPacket: Int) {
        self.address = address
        self.kind = kind
        self.maximumPacket = maximumPacket
    }
}

/// One interface (alternate setting 0) with what its class descriptors and its name say.
package struct USBInterface: Sendable, Hashable {
    package var number: UInt8
    package var classCode: UInt8
    package var subclass: UInt8
    package var protocolCode: UInt8
    package var endpoints: [USBEndpoint] = []
    /// The interface string, where the kernel has read one.
    package var name: String?
    /// The first usage of the HID report descriptor, where the kernel has read it.
    package var usage: HIDUsage?
    /// The kernel's driver that serves it now.
    package var driver: String?

    package init(
        number: UInt8, classCode: UInt8, subclass: UInt8 = 0, protocolCode: UInt8 = 0,
        endpoints: [USBEndpoint] = []
    ) {
        self.number = number
        self.classCode = classCode
        self.subclass = subclass
        self.protocolCode = protocolCode
        self.endpoints = endpoints
    }

    /// The first endpoint of that kind and direction.
    package func endpoint(_ kind: USBEndpoint.Kind, isIn: Bool) -> USBEndpoint? {
        endpoints.first { $0.kind == kind && $0.isIn == isIn }
    }
}

/// The usage page and usage of the outermost collection of a HID report descriptor.
package struct HIDUsage: Sendable, Hashable {
    package var page: UInt16
    package var usage: UInt16
    /// The descriptor names report ids, so the first byte of each report is one.
    package var hasReportIDs: Bool

    package init(page: UInt16, usage: UInt16, hasReportIDs: Bool = false) {
        self.page = page
        self.usage = usage
        self.hasReportIDs = hasReportIDs
    }
}

/// What the kernel knows of a plugged device without anybody having opened it.
package struct USBDeviceInfo: Sendable, Equatable {
    package var path: USBPath
    /// Counts arrivals: a device that was put back is another one.
    package var generation = 0
    package var vendor: UInt16
    package var product: UInt16
    package var release: UInt16
    package var classCode: UInt8
    package var manufacturerName: String?
    package var productName: String?
    package var serial: String?
    package var interfaces: [USBInterface]
    /// The kernel has made the interfaces and bound its drivers, so names and usages are all there.
    package var isSettled = false
    /// The device node that opening needs permission for.
    package var node: String?

    /// `1a79:6002`
    package var numbers: String { "\(Self.hex(vendor)):\(Self.hex(product))" }

    private static func hex(_ value: UInt16) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    package init(
        path: USBPath, vendor: UInt16, product: UInt16, release: UInt16 = 0, classCode: UInt8 = 0,
        interfaces: [USBInterface] = []
    ) {
        self.path = path
        self.vendor = vendor
        self.product = product
        self.release = release
        self.classCode = classCode
        self.interfaces = interfaces
    }
}
