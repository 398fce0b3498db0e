package import Measurement

/// One device, or one user slot of it, whose values belong to one participant.
package struct Ownership: Sendable, Equatable {
    package var participant: String
    /// Any model name of the device's profile.
    package var model: String?
    /// `A4:C1:38:00:00:01`.
    package var address: String?
    package var serial: String?
    package var slot: Int?
    package var wearingPosition: String?
    package var assetNumber: String?

    package init(
        participant: String, model: String? = nil, address: String? = nil, serial: String? = nil,
        slot: Int? = nil, wearingPosition: String? = nil, assetNumber: String? = nil
    ) {
        self.participant = participant
        self.model = model
        self.address = address
        self.serial = serial
        self.slot = slot
        self.wearingPosition = wearingPosition
        self.assetNumber = assetNumber
    }
}

/// A participant's leave to send kinds of measurement to one destination.
package struct ConsentGrant: Sendable, Equatable {
    package var participant: String
    package var destination: String
    package var kinds: Set<MeasurementKind>

    package init(participant: String, destination: String, kinds: Set<MeasurementKind>) {
        self.participant = participant
        self.destination = destination
        self.kinds = kinds
    }
}

/// Whose value a reading is.
package enum Assignment: Sendable, Equatable {
    case participant(String, rule: String, ownership: Ownership)
    /// Nobody's: shown, never sent; the text says why.
    case unassigned(String)
}

/// The participants, their devices and their consent (参加者リスト).
package struct Roster: Sendable, Equatable {
    private var ownerships: [Ownership]
    private var grants: [ConsentGrant]

    package init(ownerships: [Ownership], grants: [ConsentGrant]) {
        self.ownerships = ownerships
        self.grants = grants
    }

    /// The participant of a reading of this device; `models` are all names of its profile.
    package func assignment(
        of device: DeviceDescription, slot: Int?, models: [String]
    ) -> Assignment {
        let entries = ownerships.filter { $0.fits(device, models: models) }
        guard !entries.isEmpty else { return .unassigned("nobody owns this device") }
        if slot == Record.guestSlot { return .unassigned("the device takes it for a guest's") }
        let bySlot = entries.filter { $0.slot != nil }
        if let slot, let entry = one(bySlot.filter { $0.slot == slot }) {
            return .participant(entry.participant, rule: "slot", ownership: entry)
        }
        let whole = entries.filter { $0.slot == nil }
        if let entry = one(whole) {
            return .participant(entry.participant, rule: "device-owner", ownership: entry)
        }
        if whole.count > 1 { return .unassigned("several people own this device") }
        guard let slot else { return .unassigned("the reading names no user slot") }
        return bySlot.contains { $0.slot == slot }
            ? .unassigned("several people own user slot \(slot)")
            : .unassigned("nobody owns user slot \(slot)")
    }

    /// Whether values of this kind may go there. Without a grant nothing goes.
    package func permits(
        participant: String, destination: String, kind: MeasurementKind
    ) -> Bool {
        grants.contains {
            $0.participant == participant && $0.destination == destination
                && $0.kinds.contains(kind)
        }
    }

    /// The register's number of a device that reports no serial.
    package func assetNumber(of device: DeviceDescription, models: [String]) -> String? {
        ownerships.first { $0.fits(device, models: models) && $0.assetNumber != nil }?.assetNumber
    }

    /// The one participant of these entries; two entries of one person are one.
    private func one(_ entries: [Ownership]) -> Ownership? {
        Set(entries.map(\.participant)).count == 1 ? entries.first : nil
    }
}

extension Ownership {
    /// Every identifying field that is given must fit.
    func fits(_ device: DeviceDescription, models: [String]) -> Bool {
        if let address, address != device.address { return false }
        if let serial, serial != device.serial { return false }
        if let model {
            let names = models + [device.model].compactMap { $0 }
            guard names.contains(where: { $0.lowercased() == model.lowercased() }) else {
                return false
            }
        }
        return address != nil || serial != nil || model != nil
    }
}
