package import DeviceProfile
import EventLoop

/// How Bluetooth is used.
package struct BlueZSettings: Sendable {
    /// The bus; nil for the system bus.
    package var busAddress: String?
    /// The names of the adapters to use; nil for all.
    package var adapters: [String]?
    package var adapter = AdapterSettings()
    /// Opens the kernel's management socket for advertisements; nil: they come over the bus.
    var openManagement: (@LoopActor () throws(ManagementRefusal) -> ManagementSocket)?
    /// Tells advertisements that are worth a look; asked for each one, so that profiles may change.
    var filter: @LoopActor () -> AdvertisementFilter = { .everything }

    package init(busAddress: String? = nil, adapters: [String]? = nil) {
        self.busAddress = busAddress
        self.adapters = adapters
    }

    /// Whether somebody wrote this device down: its frames count, whatever they say.
    var isNamed: @LoopActor (BluetoothAddress) -> Bool = { _ in false }

    /// Takes advertisements from the management socket where this process may have them.
    package mutating func useManagementSocket(
        filter: @escaping @LoopActor () -> AdvertisementFilter,
        isNamed: @escaping @LoopActor (BluetoothAddress) -> Bool = { _ in false }
    ) {
        openManagement = { () throws(ManagementRefusal) in try ManagementSocket() }
        self.filter = filter
        self.isNamed = isNamed
    }
}
