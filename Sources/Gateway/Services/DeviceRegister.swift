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

    func passkey(_ address: BluetoothAddress, models: [String]) -> UInt32? {
        entries(address, models).compactMap { $0.passkey?.value }.first
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
