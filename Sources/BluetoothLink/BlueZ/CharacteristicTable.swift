import DeviceLink
import DeviceProfile

/// A device's services as bluetoothd exports them, with the path of each characteristic.
struct CharacteristicTable: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var path: String
        var service: BluetoothUUID
        var characteristic: GATTCharacteristic
    }
    private(set) var services: [GATTService] = []
    private(set) var entries: [Entry] = []
    /// bluetoothd keeps the battery service to itself and shows the level as a property.
    private(set) var hasBatteryProperty = false

    init() {}

    /// Reads the objects below a device.
    init(device: String, in tree: ObjectTree) {
        let paths = tree.paths(with: BlueZNames.gattService, below: device)
        let characteristicPaths = tree.paths(with: BlueZNames.characteristic, below: device)
        for path in paths {
            guard let uuid = Self.uuid(tree, path, BlueZNames.gattService) else { continue }
            var service = GATTService(uuid: uuid, characteristics: [])
            for child in characteristicPaths where child.hasPrefix(path + "/") {
                guard let characteristic = Self.characteristic(tree, child) else { continue }
                service.characteristics.append(characteristic)
                entries.append(Entry(path: child, service: uuid, characteristic: characteristic))
            }
            services.append(service)
        }
        addBattery(device, tree)
    }

    private mutating func addBattery(_ device: String, _ tree: ObjectTree) {
        let announced = tree.value(device, BlueZNames.device, "UUIDs")?.strings ?? []
        // The property comes later than the services: it is waited for when it is read.
        guard
            tree[device, BlueZNames.battery] != nil
                || announced.contains(where: { BluetoothUUID($0) == .batteryService }),
            self[.batteryLevel] == nil
        else { return }
        hasBatteryProperty = true
        services.append(
            GATTService(
                uuid: .batteryService,
                characteristics: [GATTCharacteristic(uuid: .batteryLevel, properties: [.read])]))
    }

    /// The first characteristic of this kind, in the order of the device's handles.
    subscript(uuid: BluetoothUUID) -> Entry? {
        entries.first { $0.characteristic.uuid == uuid }
    }

    func entry(at path: String) -> Entry? { entries.first { $0.path == path } }

    /// The services that a device is said to have and that are not here with a characteristic.
    ///
    /// - Parameter announced: the device's `UUIDs`, which may name more than GATT services.
    func missing(_ announced: [BluetoothUUID]) -> [BluetoothUUID] {
        let complete = Set(services.filter { !$0.characteristics.isEmpty }.map(\.uuid))
        // Generic Access and Generic Attribute are bluetoothd's own.
        return announced.filter {
            $0 != BluetoothUUID(0x1800) && $0 != BluetoothUUID(0x1801) && !complete.contains($0)
        }
    }

    private static func uuid(
        _ tree: ObjectTree, _ path: String, _ interface: String
    ) -> BluetoothUUID? {
        tree.value(path, interface, "UUID")?.string.flatMap { BluetoothUUID($0) }
    }

    private static func characteristic(_ tree: ObjectTree, _ path: String) -> GATTCharacteristic? {
        guard let uuid = uuid(tree, path, BlueZNames.characteristic) else { return nil }
        let flags = tree.value(path, BlueZNames.characteristic, "Flags")?.strings ?? []
        // Other flags (`encrypt-read`, `reliable-write`) say how, not what.
        return GATTCharacteristic(
            uuid: uuid,
            properties: Set(flags.compactMap { GATTCharacteristic.Property(rawValue: $0) }))
    }
}
