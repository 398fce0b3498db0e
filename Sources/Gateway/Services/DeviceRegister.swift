import DeviceProfile
import Measurement

/// The devices that the configuration names: what may be connected, and with which passkey.
struct DeviceRegister: Sendable {
    private let devices: [Configuration.OwnedDevice]

    init(_ configuration: Configuration) {
        devices = configuration.participants.flatMap(\.devices)
    }

    /// The configuration names this address, or any device of one of these models.
    func isRegistered(_ address: BluetoothAddress, models: [String]) -> Bool {
        !entries(address, models).isEmpty
    }

    /// The digits of this one device; a model alone never gives them to a stranger's device.
    func passkey(_ address: BluetoothAddress) -> UInt32? {
        devices.first { $0.address == address.description && $0.passkey != nil }?.passkey?.value
    }

    private func entries(
        _ address: BluetoothAddress, _ models: [String]
    ) -> [Configuration.OwnedDevice] {
        devices.filter { device in
            if let named = device.address { return named == address.description }
            guard let model = device.model?.lowercased() else { return false }
            return models.contains { $0.lowercased() == model }
        }
    }
}

extension DeviceDescription {
    /// The address as the Bluetooth link knows it.
    var bluetoothAddress: BluetoothAddress? { address.flatMap { BluetoothAddress($0) } }
}
