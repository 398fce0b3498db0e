import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// A scale with users: each one's records after that one's consent, and a guest is nobody.
@Suite struct UserConsentTests {
    static let control = BluetoothUUID.userControlPoint
    static let weight = BluetoothUUID(0x2A9D)
    static let composition = BluetoothUUID(0x2A9C)
    static let scale = profile(
        """
        class: scale
        session:
          bond: none
          quiet: 5s
          steps:
            - subscribe: [2a9d, 2a9c]
            - procedure: user-consent
              with: { timeout: 3s, pause: 1s }
        layouts:
          - { source: "gatt:2a9d", format: weight-measurement }
          - { source: "gatt:2a9c", format: body-composition-measurement }
        time: { clock: none, readings: live }
        """)

    /// Flags, 80 kg, the user.
    static func weighing(_ user: UInt8) -> (BluetoothUUID, [UInt8]) {
        (weight, [0x04, 0x80, 0x3E, user])
    }
    /// Fat alone, nobody's name.
    static let fat: (BluetoothUUID, [UInt8]) = (composition, [0x00, 0x00, 0xC2, 0x00])

    /// A scale that knows users by their codes and gives each one's frames after the consent.
    private func peer(
        _ users: [UInt8: (code: UInt16, frames: [(BluetoothUUID, [UInt8])])],
        consents: [(UInt8, UInt16)]
    ) -> ScriptedPeer {
        var peer = ScriptedPeer(
            Self.scale, at: "2026-03-02T08:15:00",
            ["2a9d": "indicate", "2a9c": "indicate", "2a9f": "write indicate"])
        peer.owner.consents = consents.map { .init(index: $0.0, code: $0.1) }
        peer.says = { uuid, bytes in
            guard uuid == Self.control, bytes.first == 0x02, bytes.count == 4 else { return [] }
            let code = UInt16(bytes[2]) | UInt16(bytes[3]) << 8
            guard let user = users[bytes[1]] else { return [(uuid, [0x20, 0x02, 0x03])] }
            guard user.code == code else { return [(uuid, [0x20, 0x02, 0x05])] }
            return [(uuid, [0x20, 0x02, 0x01])] + user.frames
        }
        return peer
    }

    @Test func `each user's consent goes out with the code of that user, one after the other`() {
        var peer = peer(
            [1: (1234, [Self.weighing(1)]), 3: (7, [Self.weighing(3)])],
            consents: [(1, 1234), (3, 7)])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.written.map(\.1) == [[2, 1, 0xD2, 0x04], [2, 3, 7, 0]])
        #expect(peer.stored.map(\.record?.userSlot) == [1, 3])
    }

    @Test func `a composition without a name belongs to the weighing before it`() {
        var peer = peer([2: (9, [Self.weighing(2), Self.fat])], consents: [(2, 9)])
        peer.run()
        #expect(peer.stored.map(\.record?.userSlot) == [2, 2])
    }

    @Test func `a guest's reading has the slot that nobody owns, and so has what follows it`() {
        var peer = peer(
            [2: (9, [Self.weighing(2), Self.weighing(0xFF), Self.fat])], consents: [(2, 9)])
        peer.run()
        #expect(peer.stored.map(\.record?.userSlot) == [2, Record.guestSlot, Record.guestSlot])
    }

    @Test func `the weighing of another user than the consenting one names nobody else's frames`() {
        var peer = peer([2: (9, [Self.weighing(5), Self.fat])], consents: [(2, 9)])
        peer.run()
        #expect(peer.stored.map(\.record?.userSlot) == [5, nil])
    }

    @Test func `a wrong code of one user does not cost the others, and is said`() {
        var peer = peer(
            [1: (1, [Self.weighing(1)]), 2: (2, [Self.weighing(2)])], consents: [(1, 99), (2, 2)])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.map(\.record?.userSlot) == [2])
        #expect(
            peer.notes.contains(
                .refused(
                    step: "user-consent",
                    "user 1: the scale has another code for this user")))
    }

    @Test func `where no consent is taken, a person has to look at the codes`() {
        var peer = peer([:], consents: [(4, 1)])
        peer.run()
        #expect(
            peer.end == .needsPerson("consent refused: user 4: the scale has no such user"))
        #expect(!"\(peer.notes)".contains("1234"))
    }

    @Test func `without codes the scale's own frames are taken and nothing is written`() {
        var peer = peer([:], consents: [])
        peer.pushed = [Self.weighing(1)]
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.written.isEmpty)
        #expect(peer.stored.count == 1)
    }

    @Test func `a scale that does not answer a consent is not waited for forever`() {
        var peer = peer([:], consents: [(1, 1)])
        peer.says = { _, _ in [] }
        peer.run()
        #expect(peer.end == .needsPerson("consent refused: user 1: no answer"))
    }

    @Test func `a scale without users is read as it is`() {
        var peer = ScriptedPeer(Self.scale, at: "2026-03-02T08:15:00", ["2a9d": "indicate"])
        peer.owner.consents = [.init(index: 1, code: 1)]
        peer.pushed = [Self.weighing(1)]
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.stored.count == 1)
    }

    @Test func `a scale that refuses the write of a consent says so and the session goes on`() {
        var peer = peer([1: (1, [])], consents: [(1, 1)])
        peer.errors["write 2a9f"] = .refused(att: 0x80, "improperly configured")
        peer.run()
        guard case .needsPerson(let what) = peer.end else {
            Issue.record("\(String(describing: peer.end))")
            return
        }
        #expect(what.contains("user 1"))
    }

    @Test func `nothing is ever registered or deleted on the scale`() {
        var peer = peer(
            [1: (1, [Self.weighing(1)])], consents: [(1, 1), (2, 2), (3, 3)])
        peer.run()
        #expect(peer.written.allSatisfy { $0.1.first == 0x02 })
    }
}
