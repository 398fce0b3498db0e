import DeviceProfile
import Measurement

/// Where advertisements come from.
package enum AdvertisementSource: String, Sendable, CaseIterable {
    /// Raw, from the kernel: foreign ones cost nearly nothing.
    case managementSocket = "management-socket"
    /// From bluetoothd's objects: works without privileges, each neighbour's advertisement costs a message.
    case bus = "d-bus"
}

/// What is kept of the devices on the air while the kernel tells of them.
struct AirState {
    var listener: AirListener?
    /// Why there is no listener; nil where there is one or none is wanted.
    var refusal: ManagementRefusal?
    /// The adapters in use by the number in their name.
    var controls: [UInt16: AdapterControl] = [:]
    /// The devices whose objects are followed on the bus, by path.
    var followed: [String: FollowedDevice] = [:]
    /// Bonded devices that bluetoothd keeps under the path of a former private address.
    var movedPaths: [BluetoothAddress: [String]] = [:]
    /// Counts the sessions, so that it is known which device was wanted last.
    var turn = 0
    private(set) var companions: [BluetoothAddress: Companion] = [:]
    private static let maximumCompanions = 256
    /// As long as bluetoothd keeps a device that it no longer hears.
    private static let lifetime = Interval.seconds(180)

    /// What does not age of a device that was worth a look; its parts come in different frames.
    struct Companion {
        var heard: Instant
        /// Bonded: every frame of it counts, whatever it says.
        var isPinned = false
        var name: String?
        var services: [BluetoothUUID] = []
        var appearance: UInt16?
    }

    /// Whether frames of this device are looked at though the filter calls them foreign.
    ///
    /// An advertisement and its scan response may come apart, and only one of them shows who it is.
    func isOfInterest(_ address: BluetoothAddress, at now: GatewayTime) -> Bool {
        guard let known = companions[address] else { return false }
        return known.isPinned || now.steady - known.heard < Self.lifetime
    }

    /// Adds what earlier frames of the device have said to what this one says.
    mutating func complete(
        _ advertisement: inout Advertisement, of address: BluetoothAddress, at now: GatewayTime
    ) {
        if companions[address] == nil { makeRoom(at: now) }
        var known = companions[address] ?? Companion(heard: now.steady)
        if now.steady - known.heard >= Self.lifetime {
            known = Companion(heard: now.steady, isPinned: known.isPinned)
        }
        known.heard = now.steady
        known.name = advertisement.name ?? known.name
        known.appearance = advertisement.appearance ?? known.appearance
        for uuid in advertisement.serviceUUIDs where !known.services.contains(uuid) {
            known.services.append(uuid)
        }
        companions[address] = known
        advertisement.name = known.name
        advertisement.appearance = known.appearance
        advertisement.serviceUUIDs = known.services
    }

    /// The bonded devices; all others are forgotten when they fall silent.
    mutating func pin(_ bonded: Set<BluetoothAddress>, at now: GatewayTime) {
        for address in companions.keys where companions[address]?.isPinned == true {
            companions[address]?.isPinned = bonded.contains(address)
        }
        for address in bonded {
            companions[address, default: Companion(heard: now.steady)].isPinned = true
        }
    }

    private mutating func makeRoom(at now: GatewayTime) {
        guard companions.count >= Self.maximumCompanions else { return }
        companions = companions.filter {
            $0.value.isPinned || now.steady - $0.value.heard < Self.lifetime
        }
        guard companions.count >= Self.maximumCompanions,
            let oldest = companions.filter({ !$0.value.isPinned })
                .min(by: { $0.value.heard < $1.value.heard })
        else { return }
        companions[oldest.key] = nil
    }
}

/// A device whose object and services are kept in the mirror while foreign ones are not.
struct FollowedDevice {
    var slots: [BusSlot]
    /// Rises with each session: the device that was wanted longest ago gives way.
    var turn: Int
}
