import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

private let compositionUUID = BluetoothUUID(0x2A9C)
private let resultUUID = BluetoothUUID(0xFFE1)
private let informationUUID = BluetoothUUID(0xFFE2)

/// A scale that gives the body composition in two packets.
private let scale = profile(
    """
    class: scale
    session: { bond: none, quiet: 20s, steps: [ { subscribe: 2a9c } ] }
    layouts: [ { source: "gatt:2a9c", format: body-composition-measurement } ]
    time: { clock: local, readings: mixed, unreadable-clock: unchanged }
    """)

/// A scale whose information frame says how its weight counts.
private let factorScale = profile(
    """
    class: scale
    session: { bond: none, quiet: 20s, steps: [ { subscribe: [ffe1, ffe2] } ] }
    layouts:
      - source: gatt:ffe2
        fields:
          length: 2
          numbers: { factor: { at: 1 } }
          remember: factor
          outcome: device-state
      - source: gatt:ffe1
        fields:
          kind: weight
          length: 2
          recall: factor
          values:
            - name: weight
              at: 0
              type: u16be
              units:
                - { when: factor == 100, unit: kg, scale: 0.01 }
                - { when: factor == 10, unit: kg, scale: 0.1 }
    time: { clock: none, readings: live }
    """)

/// Two frames that are one measurement, or that need each other, within one session.
@Suite struct SessionTwoFramesTests {
    private static func frame(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap(\.self) }
    private static let stamp = dateTime("2026-03-01T08:14:30")
    /// Fat 23.5 %, the time, user 2, 65.000 kg.
    private static let first = frame([0x06, 0x14, 0xEB, 0x00], stamp, [2, 0xC8, 0x32])
    /// Fat 23.5 %, 6879 kJ, muscle 40.7 %.
    private static let second: [UInt8] = [0x18, 0x10, 0xEB, 0, 0xDF, 0x1A, 0x97, 0x01]

    private func peer(_ frames: [[UInt8]], leaves: Bool = true) -> ScriptedPeer {
        var peer = ScriptedPeer(scale, at: "2026-03-01T08:15:00", ["2a9c": "indicate"])
        peer.pushed = frames.map { (compositionUUID, $0) }
        peer.leavesWhenDone = leaves
        return peer
    }

    private func names(_ entry: SessionEntry) -> [String] {
        entry.record?.quantities.map(\.name.rawValue) ?? []
    }

    @Test func `both packets are one record with both frames, and the time of the one that has it`()
        throws
    {
        var peer = peer([Self.first, Self.second])
        peer.run()
        #expect(peer.stored.count == 1)
        let entry = try #require(peer.stored.first)
        #expect(names(entry) == ["body_fat", "weight", "basal_metabolism", "muscle"])
        #expect(entry.frames.map(\.bytes) == [Self.first, Self.second])
        #expect(entry.record?.userSlot == 2)
        #expect(entry.record?.quarantine == nil)
        #expect(peer.times == ["? 2026-03-01T08:14:30"])
        #expect(entry.key == entry.record?.key)
    }

    @Test
    func `a packet whose companion does not come waits for a person and is not half a record`()
        throws
    {
        for leaves in [true, false] {
            var peer = peer([Self.first], leaves: leaves)
            peer.run()
            #expect(peer.stored.count == 1)
            let entry = try #require(peer.stored.first)
            #expect(entry.record?.quarantine == .incomplete)
            #expect(entry.record?.time == nil)
            #expect(entry.frames.map(\.bytes) == [Self.first])
            #expect(
                peer.notes.contains(
                    .refused(step: "join", "half a measurement, the rest did not come")))
        }
    }

    @Test func `a packet that is sent again is not the other half`() {
        var peer = peer([Self.first, Self.first, Self.second])
        peer.run()
        #expect(peer.stored.count == 1)
        #expect(peer.stored.first?.record?.quarantine == nil)
        #expect(peer.notes.contains(.refused(step: "join", "a half that came before")))
    }

    @Test func `the packets of two persons are two halves, each waiting for somebody`() {
        let other = Self.frame([0x0C, 0x10, 0xEB, 0, 3, 0xDF, 0x1A])
        var peer = peer([Self.first, other])
        peer.run()
        #expect(peer.stored.map { $0.record?.quarantine } == [.incomplete, .incomplete])
        #expect(Set(peer.stored.map(\.key)).count == 2)
    }

    @Test func `the same two packets in a later session have the same key`() throws {
        var peer = peer([Self.first, Self.second])
        peer.run()
        let key = try #require(peer.stored.first?.key)
        peer.pushed = [(compositionUUID, Self.first), (compositionUUID, Self.second)]
        peer.run()
        #expect(peer.stored.map(\.key) == [key, key])
    }

    @Test func `a link that is lost between the packets loses neither of them`() throws {
        var peer = peer([Self.first, Self.second])
        peer.leavesAt = 4
        peer.run()
        #expect(peer.stored.map { $0.record?.quarantine } == [.incomplete])
        #expect(peer.stored.first?.frames.first?.bytes == Self.first)
    }

    @Test func `the weight has the factor of the information frame of its own session`() {
        var peer = ScriptedPeer(
            factorScale, at: "2026-03-01T08:15:00", ["ffe1": "notify", "ffe2": "notify"])
        peer.pushed = [(informationUUID, [0x12, 100]), (resultUUID, [0x26, 0x39])]
        peer.run()
        #expect(peer.stored.compactMap { $0.record?.quantity(.weight)?.number?.text } == ["97.85"])
        // The next session knows nothing of the one before.
        peer.pushed = [(resultUUID, [0x26, 0x39])]
        peer.run()
        #expect(peer.stored.last?.reading.outcome == .rejected)
        #expect(peer.stored.last?.reading.reason == "no unit is defined for weight")
    }
}

/// Two broadcasts of one weighing, as a scale with two frequencies sends them.
@Suite struct CollectorTwoFramesTests {
    private static let scale = profile(
        """
        class: scale
        layouts:
          - source: service-data:181b
            variants:
              - kind: body-composition
                length: 7
                constants: [ { at: 0, bytes: "01" } ]
                time: { format: epoch, epoch-year: 2010, at: 3 }
                join: { by: time, within: 5s }
                values: [ { name: weight, at: 1, type: u16le, units: [ { unit: kg, scale: 0.1 } ] } ]
                key-values: [weight]
              - kind: body-composition
                length: 7
                constants: [ { at: 0, bytes: "02" } ]
                time: { format: epoch, epoch-year: 2010, at: 3 }
                join: { by: time, within: 5s }
                values: [ { name: impedance_low, at: 1, type: u16le, units: [ { unit: Ohm } ] } ]
                outcome: not-final
        time: { clock: local, readings: live }
        """, id: "two-frequencies", transport: "ble-advertisement")
    private static let weighing: [UInt8] = [1, 0xEC, 2, 0x80, 0, 0, 0]
    private static let low: [UInt8] = [2, 0xF4, 1, 0x80, 0, 0, 0]
    private static let device = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"))

    /// What comes out of frames a second apart, and at the end of the wait.
    private func collect(_ frames: [[UInt8]]) -> [SessionEntry] {
        var collector = AdvertisementCollector(zone: tokyo, simulated: false)
        var now = moment("2026-03-01T08:15:00")
        var found: [SessionEntry] = []
        for frame in frames {
            var advertisement = Advertisement()
            advertisement.serviceData[BluetoothUUID(0x181B)] = frame
            found += collector.take(
                advertisement, of: Self.device, at: gateway(now), profile: Self.scale)
            now = now + .seconds(1)
        }
        return found + collector.due(at: now + .seconds(60))
    }

    private func names(_ entries: [SessionEntry]) -> [[String]] {
        entries.map { $0.record?.quantities.map(\.name.rawValue) ?? [] }
    }

    @Test func `both frames are one record, however often and in which order they come`() {
        for frames in [
            [Self.weighing, Self.low], [Self.weighing, Self.low, Self.weighing],
            [Self.weighing, Self.low, Self.weighing, Self.low, Self.weighing],
        ] {
            let found = collect(frames).filter { $0.record != nil }
            #expect(names(found) == [["weight", "impedance_low"]])
            #expect(found.first?.frames.count == 2)
        }
        let turned = collect([Self.low, Self.weighing, Self.weighing]).filter { $0.record != nil }
        #expect(names(turned) == [["impedance_low", "weight"]])
    }

    @Test func `a weighing whose other frame is not heard is a record under the same key`() throws {
        let alone = collect([Self.weighing])
        #expect(names(alone) == [["weight"]])
        let both = collect([Self.weighing, Self.low])
        #expect(alone.map(\.key) == both.map(\.key))
    }

    @Test func `the low frequency alone is no record`() {
        #expect(collect([Self.low]).allSatisfy { $0.record == nil })
    }

    @Test func `frames of two weighings are not mixed`() {
        let later: [UInt8] = [2, 0xF4, 1, 0x90, 0, 0, 0]
        let found = collect([Self.weighing, later])
        #expect(names(found) == [["weight"], []])
    }
}
