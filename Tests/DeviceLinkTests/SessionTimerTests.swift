import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Pauses, patience, and frames that come before anybody asked.
@Suite struct SessionTimerTests {
    let now = Machines.now

    static let careful = profile(
        """
        class: blood-pressure
        session:
          bond: none
          settle: 1s
          quiet: 30s
          steps:
            - read-clock: 2a08
            - wait: 200ms
            - write: { characteristic: 2a09, bytes: 02 01 03 }
            - subscribe: 2a35
        layouts:
          - { source: "gatt:2a35", format: blood-pressure-measurement }
        time: { clock: local, readings: mixed }
        """)

    @Test func `the pauses of the profile are kept, before the steps and between them`() {
        var peer = ScriptedPeer(
            Self.careful, at: "2026-03-01T08:15:00",
            ["2a08": "read", "2a09": "write-without-response", "2a35": "notify"])
        peer.values[clockUUID] = dateTime("2026-03-01T08:09:00")
        peer.pushed = [(pressureUUID, pressureFrame(120, "2026-03-01T08:00:00"))]
        peer.run()
        #expect(
            peer.operations == [
                "connect", "discover", "read 2a08", "write 2a09", "subscribe 2a35",
            ])
        #expect(peer.written.map(\.1) == [[2, 1, 3]])
        #expect(peer.times == ["120 2026-03-01T08:06:01"])
        // 1 s and 200 ms are more than the tenths that the steps take.
        #expect(peer.now.utc - moment("2026-03-01T08:15:00") > .milliseconds(1_900))
    }

    @Test func `what a device cannot do is noted and passed over`() {
        var peer = ScriptedPeer(Self.careful, at: "2026-03-01T08:15:00", ["2a37": "notify"])
        peer.run()
        #expect(peer.operations == ["connect", "discover"])
        #expect(
            peer.notes == [
                .clockUnreadable("the device has no readable 2a08"),
                .refused(step: "write", "the device has no writable 2a09"),
                .refused(step: "subscribe", "the device has none of 2a35"),
            ])
    }

    @Test func `a frame that comes before the clock was read waits for it`() {
        var machine = Machines.cuff()
        _ = machine.start()
        let early = pressureFrame(120, "2026-03-01T08:08:00")
        #expect(machine.handle(.notification(pressureUUID, early, at: now)).isEmpty)
        _ = machine.handle(.connected(bonded: true, at: now))
        _ = machine.handle(.services(Machines.cuffServices, at: now))
        #expect(machine.handle(.notification(pressureUUID, early, at: now)).commits.isEmpty)
        let read = machine.handle(
            .value(clockUUID, dateTime("2026-03-01T08:09:00"), at: now, latency: .zero))
        #expect(read.commits.map(\.entries.count) == [2])
        let time = read.commits.first?.entries.first?.record?.time
        #expect(time?.observed == moment("2026-03-01T08:14:00"))
    }

    @Test func `a frame that waits for the clock is stored when the clock never comes`() {
        var machine = Machines.cuff()
        _ = machine.start()
        _ = machine.handle(.connected(bonded: true, at: now))
        let early = pressureFrame(120, "2026-03-01T08:08:00")
        _ = machine.handle(.notification(pressureUUID, early, at: now))
        let end = machine.handle(.disconnected(byDevice: true, at: now))
        #expect(end.commits.map(\.entries.count) == [1])
        #expect(end.commits.first?.entries.first?.record?.time?.basis == .received)
    }

    @Test func `no more frames than a few dozen wait for the clock`() {
        var machine = Machines.cuff()
        _ = machine.start()
        var stored = 0
        for number in 0..<100 {
            let frame = pressureFrame(120, "2026-03-01T08:0\(number % 10):0\(number / 10 % 10)")
            let actions = machine.handle(.notification(pressureUUID, frame, at: now))
            stored += actions.commits.reduce(0) { $0 + $1.entries.count }
        }
        #expect(stored > 0)
        #expect(machine.held.count == SessionMachine.maximumHeld)
    }

    @Test func `each frame gives the device new patience`() {
        var machine = Machines.draining()
        let actions = machine.handle(
            .notification(pressureUUID, pressureFrame(120, "2026-03-01T08:00:00"), at: now))
        #expect(actions.names.contains("timer quiet"))
    }

    @Test(arguments: [SessionTimer.settle, .response, .join])
    func `a timer of another time is nothing`(
        timer: SessionTimer
    ) {
        var machine = Machines.draining()
        let before = machine.phase
        #expect(machine.handle(.timer(timer, at: now)).isEmpty)
        #expect(machine.phase == before)
    }

    @Test func `a profile without a session has no machine`() {
        var broadcast = cuff
        broadcast.session = nil
        let machine = SessionMachine(
            profile: broadcast, device: DeviceDescription(id: DeviceID("ble:A")),
            memory: DeviceMemory(), zone: tokyo, simulated: false, now: now)
        #expect(machine == nil)
    }

    @Test(arguments: [
        (LinkError.unreachable("20 s"), "the device did not answer: 20 s"),
        (.disconnected("gone"), "the link was lost: gone"),
        (.pairingFailed("rejected"), "pairing failed: rejected"),
        (.staleBond("key missing"), "the device has lost its bond: key missing"),
        (.doubtfulBond("3 times"), "the device may have lost its bond: 3 times"),
        (.refused(att: 0x80, "busy"), "the device refused (ATT error 128): busy"),
        (.refused(att: nil, "busy"), "the device refused (no code): busy"),
        (.noSuchCharacteristic(BluetoothUUID(0x2A35)), "the device has no characteristic 2a35"),
        (.stackFailed("no reply"), "the Bluetooth stack failed: no reply"),
    ]) func `an error tells in one line what went wrong`(error: LinkError, text: String) {
        #expect(error.summary == text)
    }
}
