/// How a device reached the gateway.
package enum Transport: String, Sendable, CaseIterable {
    case bluetoothLE = "ble"
    case usb
    case serial
}

/// What a device is known by here: stable across sessions, reboots and renames.
///
/// `stable` is the Bluetooth identity address, the USB serial number or the port path, prefixed by
/// the transport: `ble:A4:C1:38:00:00:01`.
package struct DeviceID: Sendable, Hashable, CustomStringConvertible {
    package var stable: String
    package init(_ stable: String) { self.stable = stable }
    package var description: String { stable }

    /// A form for logs that does not name the device: the last two bytes of an address, the last
    /// four characters of anything else.
    package var shortened: String {
        let parts = stable.split(separator: ":")
        guard parts.count < 6 else { return "…" + parts.suffix(2).joined(separator: ":") }
        return "…" + (parts.last.map { String($0.suffix(4)) } ?? "")
    }
}

/// Maker, model and serial number as they go into documents (機器メーカーコード, 機器型番, 機器識別ID).
package struct DeviceDescription: Sendable, Equatable {
    package var id: DeviceID
    /// The Bluetooth address, where there is one: `A4:C1:38:00:00:01`.
    package var address: String?
    package var manufacturer: String?
    package var model: String?
    package var serial: String?
    /// The number in the device register (機器リスト), used where the device reports no serial.
    package var assetNumber: String?
    package var firmware: String?

    package init(
        id: DeviceID, address: String? = nil, manufacturer: String? = nil, model: String? = nil,
        serial: String? = nil, assetNumber: String? = nil, firmware: String? = nil
    ) {
        self.id = id
        self.address = address
        self.manufacturer = manufacturer
        self.model = model
        self.serial = serial
        self.assetNumber = assetNumber
        self.firmware = firmware
    }
}
