import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Clocks that are set in answer to the device's own, and clocks that change while it is connected.
@Suite struct SessionClockTests {
    static let notifier = profile(
        """
        class: blood-pressure
        session:
          bond: none
          quiet: 10s
          steps:
            - subscribe: [2a2b, 2a35]
            - set-clock: { characteristic: 2a2b, time: local, on: notification }
        layouts:
          - { source: "gatt:2a35", format: blood-pressure-measurement }
          - { source: "gatt:2a2b", format: current-time }
        time: { clock: local, readings: mixed }
        """)
    static let currentTime = BluetoothUUID(0x2A2B)
    static let pressure = BluetoothUUID(0x2A35)

    func peer(
        _ pushed: [(BluetoothUUID, [UInt8])], properties: String = "write notify",
        at time: String = "2026-03-01T08:15:00"
    ) -> ScriptedPeer {
        var peer = ScriptedPeer(
            Self.notifier, at: time, ["2a2b": properties, "2a35": "indicate"])
        peer.pushed = pushed
        return peer
    }

    /// Current Time as the device tells it.
    func clock(_ text: String) -> [UInt8] { dateTime(text) + [7, 0, 0] }

    @Test func `the device tells its time, gets ours, and its records keep the old offset`() {
        var peer = peer([
            (Self.currentTime, clock("2026-03-01T08:09:00")),
            (Self.pressure, pressureFrame(121, "2026-02-28T20:00:00")),
        ])
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.written.map(\.0) == [Self.currentTime])
        #expect(peer.written.first?.1.count == 10)
        #expect(peer.times.last == "121 2026-02-28T20:06:00")
        #expect(peer.memory.clockSteps.count == 1)
        #expect(peer.memory.clockSetAt != nil)
    }

    @Test func `a device that tells its time twice is answered once`() {
        var peer = peer([
            (Self.currentTime, clock("2026-03-01T08:09:00")),
            (Self.currentTime, clock("2026-03-01T08:15:01")),
        ])
        peer.run()
        #expect(peer.written.count == 1)
    }

    @Test func `a clock that nobody can write stays, and a note says so`() {
        var peer = peer(
            [(Self.currentTime, clock("2026-03-01T08:09:00"))], properties: "notify")
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(peer.memory.clockSetAt == nil)
        #expect(
            peer.notes.contains { if case .clockNotSet = $0 { true } else { false } })
    }

    @Test func `a gateway that does not know the time answers with nothing and remembers nothing`()
    {
        var peer = peer([
            (Self.currentTime, clock("2026-03-01T08:09:00")),
            (Self.pressure, pressureFrame(121, "2026-02-28T20:00:00")),
        ])
        peer.now.synchronised = false
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(peer.memory.clockOffset == nil)
        #expect(peer.memory.clockCheckedAt == nil)
        #expect(peer.memory.lastSessionEndedAt == nil)
        #expect(peer.stored.last?.record?.quarantine == .noClockSync)
    }

    @Test func `bytes that are no clock are noted and set nothing`() {
        var peer = peer([(Self.currentTime, [1, 2, 3])])
        peer.run()
        #expect(peer.written.isEmpty)
        #expect(
            peer.notes.contains { if case .clockUnreadable = $0 { true } else { false } })
    }
}

extension SessionClockTests {
    @Test func `a device that cuts the seconds of our answer is not answered for ever`() {
        var peer = peer(
            (0..<6).map { _ in (Self.currentTime, clock("2026-03-01T08:14:00")) })
        peer.run()
        #expect(peer.written.count == 1)
        #expect(peer.end == .complete)
    }
}
