import DeviceProfile
import Measurement

/// Turns what bluetoothd says of a device into what the device has just advertised.
///
/// bluetoothd keeps the last value of everything and merges the data of several advertisements: what
/// did not come with this change may be hours old and is left out, so that an old weighing is never
/// taken for a new one. Name and service UUIDs do not age and always come along.
enum SightingReader {
    /// What a change of these properties tells: the device is on the air now.
    static let advertised: Set<String> = [
        "RSSI", "ManufacturerData", "ServiceData", "AdvertisingData", "AdvertisingFlags", "TxPower",
    ]

    /// A device object that bluetoothd has made because it heard the device.
    static func appeared(
        _ path: String, _ properties: ObjectTree.Properties, at time: GatewayTime
    ) -> Sighting? {
        // Without RSSI the object was made for another reason, such as a client's request.
        guard properties["RSSI"] != nil else { return nil }
        return sighting(
            path, properties, manufacturerData: entries(properties["ManufacturerData"]),
            serviceData: entries(properties["ServiceData"]), at: time)
    }

    /// A change of a device's properties; nil where it was no advertisement.
    static func changed(
        _ path: String, changed: ObjectTree.Properties, before: ObjectTree.Properties,
        after: ObjectTree.Properties, at time: GatewayTime
    ) -> Sighting? {
        guard changed.keys.contains(where: advertised.contains) else { return nil }
        return sighting(
            path, after,
            manufacturerData: fresh(changed["ManufacturerData"], before["ManufacturerData"]),
            serviceData: fresh(changed["ServiceData"], before["ServiceData"]),
            flags: changed["AdvertisingFlags"], at: time)
    }

    /// The entries that differ from the last value; all of them where the same data came again.
    private static func fresh(_ new: BusValue?, _ old: BusValue?) -> [BusValue: [UInt8]] {
        let new = entries(new)
        let old = entries(old)
        let different = new.filter { old[$0.key] != $0.value }
        return different.isEmpty ? new : different
    }

    private static func entries(_ value: BusValue?) -> [BusValue: [UInt8]] {
        (value?.dictionary ?? [:]).compactMapValues(\.bytes)
    }

    private static func sighting(
        _ path: String, _ properties: ObjectTree.Properties,
        manufacturerData: [BusValue: [UInt8]], serviceData: [BusValue: [UInt8]],
        flags: BusValue? = nil, at time: GatewayTime
    ) -> Sighting? {
        guard let address = properties["Address"]?.string.flatMap({ BluetoothAddress($0) }) else {
            return nil
        }
        var advertisement = Advertisement()
        // Alias is the address where a device has no name; it never stands for a name.
        advertisement.name = properties["Name"]?.string
        advertisement.serviceUUIDs =
            properties["UUIDs"]?.strings?.compactMap { BluetoothUUID($0) } ?? []
        advertisement.appearance = properties["Appearance"]?.integer.flatMap { UInt16(exactly: $0) }
        advertisement.flags = (flags ?? properties["AdvertisingFlags"])?.bytes?.first
        for (company, data) in manufacturerData {
            guard let company = company.integer.flatMap({ UInt16(exactly: $0) }) else { continue }
            advertisement.manufacturerData[company] = data
        }
        for (service, data) in serviceData {
            guard let uuid = service.string.flatMap({ BluetoothUUID($0) }) else { continue }
            advertisement.serviceData[uuid] = data
        }
        return Sighting(
            address: address, addressIsRandom: properties["AddressType"]?.string == "random",
            advertisement: advertisement, rssi: rssi(properties["RSSI"]), at: time,
            adapter: BlueZNames.adapterName(of: path), bonded: isBonded(properties))
    }

    /// 127 means that the controller does not know.
    private static func rssi(_ value: BusValue?) -> Int? {
        value?.integer.flatMap { $0 == 127 ? nil : $0 }
    }

    /// `Bonded` is younger than `Paired`; a bond that is not stored is not one.
    static func isBonded(_ properties: ObjectTree.Properties) -> Bool {
        (properties["Bonded"] ?? properties["Paired"])?.bool ?? false
    }
}
