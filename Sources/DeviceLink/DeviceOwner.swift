package import DeviceProfile
package import Measurement

/// What the owner of a device says about it in the configuration; never logged.
package struct DeviceOwner: Sendable, Equatable {
    /// A user of the device who lets the gateway read, with the code that proves it.
    package struct Consent: Sendable, Equatable {
        package var index: UInt8
        package var code: UInt16
        package init(index: UInt8, code: UInt16) {
            self.index = index
            self.code = code
        }
    }
    /// The model, where the device does not tell it.
    package var model: String?
    package var key: [UInt8]?
    package var consents: [Consent] = []
    /// A person has put the device into its pairing mode: a key may be written into it.
    package var isPairing = false

    package init() {}

    /// What a decoder needs of it.
    package func context(_ address: BluetoothAddress?) -> FrameContext {
        completing(FrameContext(), address)
    }

    /// The context with what it lacks.
    func completing(_ context: FrameContext, _ address: BluetoothAddress?) -> FrameContext {
        var context = context
        context.address = context.address ?? address
        context.key = context.key ?? key
        return context
    }
}

/// A device under its identity address, with what is remembered of it.
package struct KnownDevice: Sendable {
    package var device: DeviceDescription
    package var memory: DeviceMemory
    package var owner: DeviceOwner
    package init(device: DeviceDescription, memory: DeviceMemory, owner: DeviceOwner) {
        self.device = device
        self.memory = memory
        self.owner = owner
    }
}

extension DeviceOwner: CustomStringConvertible, CustomDebugStringConvertible {
    /// Says what is there, without a byte of it.
    package var description: String {
        "(owner: \(key == nil ? "no key" : "a key"), \(consents.count) consents)"
    }
    package var debugDescription: String { description }
}

extension DeviceDescription {
    /// Nothing is known of the device but its address.
    var isStranger: Bool {
        manufacturer == nil && model == nil && serial == nil && firmware == nil
    }

    /// The address as layouts need it.
    var bluetoothAddress: BluetoothAddress? { address.flatMap { BluetoothAddress($0) } }
}
