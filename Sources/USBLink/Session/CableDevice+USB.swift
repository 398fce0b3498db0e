package import DeviceProfile
package import Measurement

extension CableDevice {
    /// What a plugged device shows, for matching.
    package init(_ info: USBDeviceInfo, boundTo profile: String? = nil) {
        self.init(
            vendorID: info.vendor, productID: info.product,
            interfaceClasses: Set(info.interfaces.map(\.classCode)),
            usagePages: Set(info.interfaces.compactMap { $0.usage?.page }),
            manufacturer: info.manufacturerName, product: info.productName, serial: info.serial,
            boundTo: profile)
    }
}

extension USBDeviceInfo {
    /// The serial number, where it is one: blanks and rows of one digit name no device.
    package var ownSerial: String? {
        guard let serial, let first = serial.first,
            serial.contains(where: { $0 != first }), serial.count <= 64
        else { return nil }
        return serial
    }

    /// What the device is known by: its serial number, else the socket that it is plugged into.
    package var identity: DeviceID {
        DeviceID("usb:\(numbers)" + (ownSerial.map { ":\($0)" } ?? "@\(path)"))
    }
}

/// The adapters that stand for any device: their numbers never say what is behind them.
package enum Bridges {
    private static let wholeVendors: Set<UInt16> = [
        0x0403,  // FTDI
        0x1A86,  // WCH
    ]
    private static let products: [UInt16: Set<UInt16>] = [
        0x067B: [0x2303, 0x2304, 0x23A3, 0x23B3, 0x23C3, 0x23D3, 0x23E3, 0x23F3],  // Prolific
        0x10C4: [0xEA60, 0xEA61, 0xEA63, 0xEA70, 0xEA71, 0xEA80],  // Silicon Labs
        0x0EFB: [0x0011],  // Arkray's cable
        0x1A61: [0x3410, 0x3420],  // Abbott's cable
    ]

    package static func isBridge(_ info: USBDeviceInfo) -> Bool {
        wholeVendors.contains(info.vendor) || products[info.vendor]?.contains(info.product) == true
    }
}
