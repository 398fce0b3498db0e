import Measurement
import Registry
import Testing

@Suite struct RosterTests {
    static let scale = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:01"), address: "A4:C1:38:00:00:01", model: "UC-352BLE",
        serial: "5130450123")
    static let other = DeviceDescription(
        id: DeviceID("ble:A4:C1:38:00:00:02"), address: "A4:C1:38:00:00:02", model: "UC-352BLE")

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var ownerships: [Ownership]
        var device = RosterTests.scale
        var slot: Int?
        var participant: String?
        var rule: String?
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "the device's owner gets every reading",
            ownerships: [Ownership(participant: "P1", address: "A4:C1:38:00:00:01")],
            participant: "P1", rule: "device-owner"),
        Case(
            name: "a user slot decides between two people",
            ownerships: [
                Ownership(participant: "P1", address: "A4:C1:38:00:00:01", slot: 1),
                Ownership(participant: "P2", address: "A4:C1:38:00:00:01", slot: 2),
            ], slot: 2, participant: "P2", rule: "slot"),
        Case(
            name: "an unknown slot is nobody's, never the other person's",
            ownerships: [Ownership(participant: "P1", address: "A4:C1:38:00:00:01", slot: 1)],
            slot: 3),
        Case(
            name: "a guest's reading is nobody's, though one person owns the whole scale",
            ownerships: [Ownership(participant: "P1", address: "A4:C1:38:00:00:01")],
            slot: Record.guestSlot),
        Case(
            name: "a reading without a slot on a shared scale is nobody's",
            ownerships: [Ownership(participant: "P1", address: "A4:C1:38:00:00:01", slot: 1)]),
        Case(
            name: "another scale of the same model is nobody's",
            ownerships: [Ownership(participant: "P1", address: "A4:C1:38:00:00:01")],
            device: RosterTests.other),
        Case(
            name: "a model alone covers every device of it",
            ownerships: [Ownership(participant: "P1", model: "uc-352ble")],
            device: RosterTests.other, participant: "P1", rule: "device-owner"),
        Case(
            name: "two owners of one whole device are no rule",
            ownerships: [
                Ownership(participant: "P1", address: "A4:C1:38:00:00:01"),
                Ownership(participant: "P2", address: "A4:C1:38:00:00:01"),
            ]),
        Case(
            name: "a slot of its own wins over the device's owner",
            ownerships: [
                Ownership(participant: "P1", address: "A4:C1:38:00:00:01"),
                Ownership(participant: "P2", address: "A4:C1:38:00:00:01", slot: 2),
            ], slot: 2, participant: "P2", rule: "slot"),
        Case(
            name: "another serial number is another device",
            ownerships: [Ownership(participant: "P1", serial: "999")]),
        Case(
            name: "two people in one slot are no rule",
            ownerships: [
                Ownership(participant: "P1", address: "A4:C1:38:00:00:01", slot: 1),
                Ownership(participant: "P2", address: "A4:C1:38:00:00:01", slot: 1),
            ], slot: 1),
        Case(name: "without a register nobody gets anything", ownerships: []),
        Case(
            name: "an entry that names no device covers none",
            ownerships: [Ownership(participant: "P1")]),
    ]

    @Test(arguments: cases)
    func aReadingGoesToNobodyButItsOwner(_ entry: Case) {
        let roster = Roster(ownerships: entry.ownerships, grants: [])
        let assignment = roster.assignment(
            of: entry.device, slot: entry.slot, models: ["UC-352BLE", "A&D UC-352BLE"])
        switch assignment {
        case .participant(let participant, let rule, _):
            #expect(participant == entry.participant)
            #expect(rule == entry.rule)
        case .unassigned(let why):
            #expect(entry.participant == nil)
            #expect(!why.isEmpty)
        }
    }

    @Test func nothingIsSentWithoutConsentForExactlyThisKindAndDestination() {
        let grant = ConsentGrant(participant: "P1", destination: "db", kinds: [.weight])
        let roster = Roster(ownerships: [], grants: [grant])
        #expect(roster.permits(participant: "P1", destination: "db", kind: .weight))
        #expect(!roster.permits(participant: "P1", destination: "db", kind: .bloodPressure))
        #expect(!roster.permits(participant: "P1", destination: "clinic", kind: .weight))
        #expect(!roster.permits(participant: "P2", destination: "db", kind: .weight))
    }

    @Test func theRegistersNumberIsFoundForADeviceWithoutASerial() {
        let entry = Ownership(
            participant: "P1", address: "A4:C1:38:00:00:02", assetNumber: "A-17")
        let roster = Roster(ownerships: [entry], grants: [])
        #expect(roster.assetNumber(of: Self.other, models: []) == "A-17")
        #expect(roster.assetNumber(of: Self.scale, models: []) == nil)
    }
}
