package import DeviceProfile

/// One characteristic of a connected device.
package struct GATTCharacteristic: Sendable, Hashable {
    package enum Property: String, Sendable, CaseIterable {
        case read
        case write
        case writeWithoutResponse = "write-without-response"
        case notify
        case indicate
    }
    package var uuid: BluetoothUUID
    package var properties: Set<Property>
    package init(uuid: BluetoothUUID, properties: Set<Property>) {
        self.uuid = uuid
        self.properties = properties
    }
}

/// One service of a connected device with its characteristics.
package struct GATTService: Sendable, Hashable {
    package var uuid: BluetoothUUID
    package var characteristics: [GATTCharacteristic]
    package init(uuid: BluetoothUUID, characteristics: [GATTCharacteristic]) {
        self.uuid = uuid
        self.characteristics = characteristics
    }
}

/// What went wrong on a link, named after what the session can do about it.
package enum LinkError: Error, Sendable, Equatable {
    /// The device did not answer in time, or left: try again at its next advertisement.
    case unreachable(String)
    /// The link dropped in the middle of an operation: the next session resumes.
    case disconnected(String)
    /// Pairing failed or was refused: a person has to act.
    case pairingFailed(String)
    /// The device no longer knows the bond that the gateway holds: repair with the person's yes.
    case staleBond(String)
    /// The device may have lost its bond: nobody says why its links end.
    case doubtfulBond(String)
    /// The device refused the operation with an ATT error.
    case refused(att: UInt8?, String)
    /// The device has no such characteristic.
    case noSuchCharacteristic(BluetoothUUID)
    /// The Bluetooth stack did not answer, or is not there.
    case stackFailed(String)
}
