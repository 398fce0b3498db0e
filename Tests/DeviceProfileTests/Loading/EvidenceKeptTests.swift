import Testing

@testable import DeviceProfile

/// A gateway keeps of its profiles what serves a device, and nothing that only tools look at.
@Suite struct EvidenceKeptTests {
    private static let text = """
        profile: 1
        id: kept
        revision: 1
        title: A scale
        class: scale
        transport: ble-gatt
        confidence: unverified
        confidence-note: nobody has looked
        manufacturer-code: Test
        models: [ { name: Kept-1 } ]
        match: [ { name-prefix: Kept } ]
        session: { bond: none, steps: [ { subscribe: 2a9d } ] }
        layouts: [ { source: "gatt:2a9d", format: weight-measurement } ]
        time: { clock: none, readings: live }
        examples: [ { advertisement: "05 09 4b 65 70 74" } ]
        vectors: [ { source: "gatt:2a9d", hex: "00 c832", outcome: measurement, values: { weight: 65.000 kg } } ]
        notes: [ a word for people ]
        """

    private static func set(evidence: Bool, keeping old: ProfileSet? = nil, _ text: String = text)
        -> ProfileSet
    {
        ProfileSet(
            [.init(file: "kept.yaml", bytes: Array(text.utf8), isOwn: false)], keeping: old,
            evidence: evidence)
    }

    @Test func `tools see all of a profile`() throws {
        let set = Self.set(evidence: true)
        #expect(set.problems.isEmpty)
        let profile = try #require(set.index[id: "kept"])
        #expect(profile.examples.count == 1 && profile.vectors.count == 1)
        #expect(profile.notes.count == 1 && profile.confidenceNote != nil)
    }

    @Test func `a gateway reads the same frames with less`() throws {
        let whole = try #require(Self.set(evidence: true).index[id: "kept"])
        let profile = try #require(Self.set(evidence: false).index[id: "kept"])
        #expect(profile.examples.isEmpty && profile.vectors.isEmpty && profile.tapes.isEmpty)
        #expect(profile.notes.isEmpty && profile.confidenceNote == nil)
        #expect(profile.models.map(\.name) == whole.models.map(\.name))
        let layout = try #require(profile.layout(for: .gatt(BluetoothUUID(0x2A9D))))
        #expect(layout.decode([0, 0xC8, 0x32]).outcome == .measurement)
    }

    @Test func `problems are named all the same, and a bad file leaves the old profile`() {
        let old = Self.set(evidence: false)
        let broken = Self.text.split(separator: "\n").filter { !$0.contains("revision") }
            .joined(separator: "\n")
        let set = Self.set(evidence: false, keeping: old, broken)
        #expect(set.problems.count == 1)
        #expect(set.index[id: "kept"]?.revision == 1)
    }
}
