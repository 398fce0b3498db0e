import DeviceLink
import DeviceProfile
import Measurement

/// The devices that the configuration names: what may be connected, and with which passkey.
struct DeviceRegister: Sendable {
    private let devices: [Configuration.OwnedDevice]
    /// Found without a search: every frame on the air asks.
    private let models: [BluetoothAddress: String]

    init(_ configuration: Configuration) {
        devices = configuration.participants.flatMap(\.devices)
        var models: [BluetoothAddress: String] = [:]
        for device in devices {
            guard let address = device.address.flatMap({ BluetoothAddress($0) }) else { continue }
            models[address] = models[address] ?? device.model
        }
        self.models = models
    }

    /// The model of this one device, as its owner wrote it down.
    func model(_ address: BluetoothAddress) -> String? { models[address] }

    /// The configuration names this address, or any device of one of these models.
    func isRegistered(_ address: BluetoothAddress, models: [String]) -> Bool {
        !entries(address, models).isEmpty
    }

    /// The digits of this one device; a model alone never gives them to a stranger's device.
    func passkey(_ address: BluetoothAddress) -> UInt32? {
        devices.first { $0.address == address.description && $0.passkey != nil }?.passkey?.value
    }

    /// What the owners of this one device say about it: its key, its model, its users' codes.
    ///
    /// A model alone never gives a key to a stranger's device.
    func owner(_ address: BluetoothAddress, isPairing: Bool = false) -> DeviceOwner {
        var owner = DeviceOwner()
        let own = devices.filter { $0.address == address.description }
        owner.model = model(address)
        owner.key = own.lazy.compactMap(\.key?.bytes).first
        owner.consents = own.compactMap { device in
            guard let code = device.consentCode?.bytes, let slot = device.slot,
                let index = UInt8(exactly: slot)
            else { return nil }
            return DeviceOwner.Consent(
                index: index, code: UInt16(code[0]) | UInt16(code[1]) << 8)
        }
        owner.isPairing = isPairing
        return owner
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
