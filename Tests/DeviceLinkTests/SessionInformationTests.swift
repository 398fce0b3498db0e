import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// What the device is, is asked after its values where it is known: a second less on the air each time.
@Suite struct SessionInformationTests {
    private static let text: [(uuid: String, text: String)] = [
        ("2a24", "UA-651BLE"), ("2a25", "5000001"), ("2a29", "A&D Medical"),
    ]

    private static func peer(model: String? = nil, serial: String? = nil) throws -> ScriptedPeer {
        var peer = ScriptedPeer(
            DeviceLinkTests.cuff, at: "2026-03-01T08:15:00",
            [
                "2a08": "read write", "2a35": "indicate", "2a24": "read", "2a25": "read",
                "2a29": "read", "2a19": "read",
            ])
        peer.values[clockUUID] = dateTime("2026-03-01T08:09:00")
        for (uuid, value) in text {
            peer.values[try #require(BluetoothUUID(uuid))] = Array(value.utf8)
        }
        peer.values[.batteryLevel] = [80]
        peer.device.manufacturer = model == nil ? nil : "A&D Medical"
        peer.device.model = model
        peer.device.serial = serial
        return peer
    }

    private static let session = ["read 2a08", "set 2a08", "subscribe 2a35"]

    @Test func `a stranger is asked first, so that its first record says what measured it`() throws
    {
        var peer = try Self.peer()
        peer.pushed = [(pressureUUID, pressureFrame(121, "2026-03-01T08:08:00"))]
        peer.run()
        #expect(peer.end == .complete)
        #expect(
            peer.operations == ["connect", "discover"]
                + ["read 2a29", "read 2a24", "read 2a25", "read 2a19"] + Self.session)
        #expect(peer.stored.first?.record?.device.serial == "5000001")
    }

    @Test func `a device that is known is asked last, and its record says the same`() throws {
        var peer = try Self.peer(model: "UA-651BLE", serial: "5000001")
        peer.pushed = [(pressureUUID, pressureFrame(121, "2026-03-01T08:08:00"))]
        peer.run()
        #expect(peer.end == .complete)
        #expect(
            peer.operations == ["connect", "discover"] + Self.session
                + ["read 2a29", "read 2a24", "read 2a25", "read 2a19"])
        #expect(peer.stored.first?.record?.device.serial == "5000001")
        #expect(peer.memory.batteryPercent == 80)
    }

    @Test func `what is not known of it yet is still asked first`() throws {
        var peer = try Self.peer(model: "UA-651BLE")
        peer.run()
        #expect(
            peer.operations == ["connect", "discover", "read 2a25"] + Self.session
                + ["read 2a29", "read 2a24", "read 2a19"])
    }

    @Test func `a new firmware is seen all the same`() throws {
        var peer = try Self.peer(model: "UA-651", serial: "5000001")
        peer.run()
        let seen = peer.notes.compactMap { note -> String? in
            if case .information(let device) = note { device.model } else { nil }
        }
        #expect(seen.contains("UA-651BLE"))
    }

    /// Steps are connect, discover, read, set, subscribe; the postponed reads follow.
    @Test(arguments: 5...8)
    func `a device that leaves while it is asked last has said all that it wanted`(step: Int) throws
    {
        var peer = try Self.peer(model: "UA-651BLE", serial: "5000001")
        peer.leavesAt = step
        peer.run()
        #expect(peer.log.contains("left"))
        #expect(peer.end == .complete)
    }

    @Test(arguments: 2...4)
    func `one that leaves before its values could come has not`(step: Int) throws {
        var peer = try Self.peer(model: "UA-651BLE", serial: "5000001")
        peer.leavesAt = step
        peer.run()
        guard case .interrupted = peer.end else {
            Issue.record("\(String(describing: peer.end))")
            return
        }
    }

    @Test func `a refused read at the end ends nothing`() throws {
        var peer = try Self.peer(model: "UA-651BLE", serial: "5000001")
        peer.errors["read 2a24"] = .refused(att: 0x02, "no")
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.operations.last == "read 2a19")
    }
}
