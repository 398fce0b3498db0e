import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// What a device says that it can do: asked once, kept, and never in the way of a reading.
@Suite struct SessionFeaturesTests {
    private static let feature = BluetoothUUID.bloodPressureFeature

    private static func peer(
        _ frames: Int = 1, also: [String: String] = [:], feature bytes: [UInt8] = [0x24, 0x00]
    ) -> ScriptedPeer {
        var peer = ScriptedPeer.cuff(
            (0..<frames).map { pressureFrame(121 + $0, "2026-03-01T08:08:3\($0)") })
        let table = ["2a08": "read write", "2a35": "indicate", "2a49": "read"]
        peer.services =
            ScriptedPeer(
                cuff, at: "2026-03-01T08:15:00", table.merging(also) { $1 }
            ).services
        peer.values[feature] = bytes
        return peer
    }

    @Test func `a cuff tells once that it detects an irregular pulse and keeps many bonds`() {
        var peer = Self.peer()
        peer.run()
        #expect(peer.memory.abilities == ["irregular-pulse-detection", "multiple-bonds"])
        #expect(
            peer.notes.contains(.abilities(["irregular-pulse-detection", "multiple-bonds"])))
        #expect(peer.operations.contains("read 2a49"))
        peer.run()
        #expect(!peer.operations.contains("read 2a49"), "each read costs of a short window")
        #expect(peer.memory.abilities == ["irregular-pulse-detection", "multiple-bonds"])
    }

    @Test func `a cuff that keeps one bond says so, for the phone would take the gateway's place`()
    {
        var peer = Self.peer(feature: [0, 0])
        peer.run()
        #expect(peer.memory.abilities == [DeviceAbilities.oneBond])
    }

    @Test func `it is asked again after the firmware has changed`() {
        var peer = Self.peer(also: ["2a26": "read"])
        peer.device.firmware = "1.0"
        peer.memory.abilities = ["multiple-bonds"]
        peer.values[.firmwareRevision] = Array("1.0".utf8)
        peer.run()
        #expect(!peer.operations.contains("read 2a49"))
        peer.values[.firmwareRevision] = Array("1.1".utf8)
        peer.run()
        #expect(peer.operations.contains("read 2a49"))
        #expect(peer.memory.abilities == ["irregular-pulse-detection", "multiple-bonds"])
    }

    @Test func `two services of one scale tell together`() {
        var peer = Self.peer(also: ["2a9e": "read", "2a9b": "read"])
        peer.values[.weightScaleFeature] = [0x23, 0, 0, 0]
        peer.values[.bodyCompositionFeature] = [0x03, 0, 0, 0]
        peer.run()
        #expect(
            peer.memory.abilities == [
                "irregular-pulse-detection", "multiple-bonds", "time-stamp", "multiple-users",
                "weight-resolution 0.05 kg",
            ])
    }

    @Test(arguments: [[], [0x24], [0x24, 0, 0]] as [[UInt8]])
    func `features of a wrong length are refused by name and the reading comes all the same`(
        _ bytes: [UInt8]
    ) {
        var peer = Self.peer(feature: bytes)
        peer.run()
        #expect(peer.memory.abilities == nil)
        #expect(peer.stored.count == 1)
        let refusals = peer.notes.compactMap { note -> String? in
            guard case .refused(let step, _) = note else { return nil }
            return step
        }
        #expect(refusals == ["features \(Self.feature)"])
    }

    @Test func `a cuff that refuses to tell is asked next time and gives its reading`() {
        var peer = Self.peer(2)
        peer.errors["read 2a49"] = .refused(att: 0x02, "read not permitted")
        peer.run()
        #expect(peer.stored.count == 2 && peer.memory.abilities == nil)
        peer.errors = [:]
        peer.run()
        #expect(peer.memory.abilities == ["irregular-pulse-detection", "multiple-bonds"])
    }

    @Test func `a link that breaks while features are read loses nothing of the next session`() {
        var peer = Self.peer()
        peer.errors["read 2a49"] = .disconnected("timeout")
        peer.run()
        #expect(peer.end != .complete && peer.stored.isEmpty)
        peer.errors = [:]
        peer.run()
        #expect(peer.end == .complete && peer.stored.count == 1)
    }
}
