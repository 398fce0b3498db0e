import DeviceProfile
import EventLoop

/// The names that bluetoothd is called by on the bus.
enum BlueZNames {
    static let service = "org.bluez"
    static let root = "/org/bluez"
    static let adapter = "org.bluez.Adapter1"
    static let device = "org.bluez.Device1"
    static let battery = "org.bluez.Battery1"
    static let gattService = "org.bluez.GattService1"
    static let characteristic = "org.bluez.GattCharacteristic1"
    static let agent = "org.bluez.Agent1"
    static let agentManager = "org.bluez.AgentManager1"
    static let objectManager = "org.freedesktop.DBus.ObjectManager"
    static let properties = "org.freedesktop.DBus.Properties"

    /// The device part of a path: `/org/bluez/hci0/dev_XX/service0010/char0011` → `…/dev_XX`.
    static func devicePath(of path: String) -> String? {
        let parts = path.split(separator: "/", maxSplits: 4)
        guard parts.count >= 4, parts[3].hasPrefix("dev_") else { return nil }
        return "/" + parts[..<4].joined(separator: "/")
    }

    /// The path of a device: `/org/bluez/hci0/dev_A4_C1_38_00_00_01`.
    @LoopActor static func path(of address: BluetoothAddress, on adapter: AdapterControl) -> String
    {
        adapter.path + "/" + deviceName(of: address)
    }

    static func deviceName(of address: BluetoothAddress) -> String {
        "dev_" + address.description.replacing(":", with: "_")
    }

    /// The adapter part of a path, as the kernel names it: `hci0`.
    static func adapterName(of path: String) -> String? {
        let parts = path.split(separator: "/", maxSplits: 3)
        guard parts.count >= 3, parts[0] == "org", parts[1] == "bluez" else { return nil }
        return String(parts[2])
    }
}

extension BusCall {
    /// A call to an object of bluetoothd.
    static func bluez(
        _ path: String, _ interface: String, _ member: String, _ arguments: BusValue...
    ) -> BusCall {
        var call = BusCall(BlueZNames.service, path, interface, member)
        call.arguments = arguments
        return call
    }

    /// Sets a property of an object of bluetoothd.
    static func setting(
        _ property: String, of interface: String, at path: String, to value: BusValue
    ) -> BusCall {
        .bluez(
            path, BlueZNames.properties, "Set", .string(interface), .string(property),
            .variant(value))
    }
}
