import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// A value that came when no session ran: the last copy of a record, or an old one.
@Suite struct SessionLeftOverTests {
    private func committed(_ actions: [SessionAction]) -> [SessionEntry] {
        actions.flatMap { action -> [SessionEntry] in
            if case .commit(let commit) = action { commit.entries } else { [] }
        }
    }

    private func isRefused(_ actions: [SessionAction]) -> Bool {
        actions.contains { action in
            if case .note(.refused(step: "left over", _)) = action { true } else { false }
        }
    }

    @Test
    func `the record that a killed gateway did not store is taken, and dated like the others`() {
        var machine = Machines.draining()
        let frame = pressureFrame(121, "2026-02-28T20:00:00")
        let entries = committed(
            machine.handle(.leftOver(pressureUUID, frame, at: Machines.now)))
        #expect(entries.count == 1)
        #expect(entries.first?.frames.first?.bytes == frame)
        #expect(entries.first?.record?.time?.observed == moment("2026-02-28T20:06:00"))
        #expect(entries.first?.duplicateWindow == nil)
    }

    @Test func `its key is the one of the same record in its own session`() {
        var first = Machines.draining()
        var second = Machines.draining(clock: "2026-03-01T08:15:00")
        let frame = pressureFrame(121, "2026-02-28T20:00:00")
        let sent = committed(first.handle(.notification(pressureUUID, frame, at: Machines.now)))
        let left = committed(second.handle(.leftOver(pressureUUID, frame, at: Machines.now)))
        #expect(sent.map(\.key) == left.map(\.key))
        #expect(sent.count == 1)
    }

    @Test func `a value without a time may be an old one and is not taken for a new reading`() {
        var machine = Machines.draining()
        let actions = machine.handle(
            .leftOver(pressureUUID, pressureFrame(121, nil), at: Machines.now))
        #expect(committed(actions).isEmpty)
        #expect(isRefused(actions))
    }

    @Test func `the moment when it is found is never taken for the moment of measuring`() {
        var machine = Machines.cuff()
        _ = machine.start()
        _ = machine.handle(.connected(bonded: true, at: Machines.now))
        _ = machine.handle(.services(Machines.cuffServices, at: Machines.now))
        let unreadable = LinkError.refused(att: 0x02, "not readable")
        _ = machine.handle(.readFailed(clockUUID, unreadable, at: Machines.now))
        let frame = pressureFrame(121, "2026-03-01T08:00:00")
        let left = committed(machine.handle(.leftOver(pressureUUID, frame, at: Machines.now)))
        #expect(left.map(\.record?.quarantine) == [.timeUnknown])
    }

    @Test(
        arguments: [[], [0x16], [0x16, 0x79, 0], [UInt8](repeating: 0xFF, count: 19)] as [[UInt8]])
    func `bytes that are no record are refused`(bytes: [UInt8]) {
        var machine = Machines.draining()
        let actions = machine.handle(.leftOver(pressureUUID, bytes, at: Machines.now))
        #expect(committed(actions).isEmpty)
        #expect(isRefused(actions))
    }

    @Test func `a value of a characteristic that the profile does not read is refused`() {
        var machine = Machines.draining()
        #expect(isRefused(machine.handle(.leftOver(clockUUID, [1], at: Machines.now))))
    }

    @Test(arguments: [glucoseUUID, controlPoint])
    func `a meter is asked for its records anyway: neither a record nor an old answer counts`(
        uuid: BluetoothUUID
    ) {
        var machine = Machines.machine(meter)
        _ = machine.start()
        let frame = uuid == controlPoint ? answer(1) : glucoseFrame(3, "2026-02-01T08:00:00")
        let actions = machine.handle(.leftOver(uuid, frame, at: Machines.now))
        #expect(committed(actions).isEmpty)
        #expect(isRefused(actions))
    }

    @Test func `a failed measurement is counted once, left over or not`() {
        var machine = Machines.draining()
        var frame = pressureFrame(121, "2026-02-28T20:00:00")
        for at in [1, 3, 5, 14] { frame.replaceSubrange(at...(at + 1), with: [0xFF, 0x07]) }
        let left = committed(machine.handle(.leftOver(pressureUUID, frame, at: Machines.now)))
        #expect(left.map(\.reading.outcome) == [.failedMeasurement])
    }
}
