import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// Devices that leave, links that break, stores that are full: what reached the gateway is kept.
@Suite struct SessionLossTests {
    static let backlog = (0..<6).map {
        pressureFrame(120 + $0, "2026-02-2\($0)T20:00:00")
    }
    static let times = (0..<6).map { "\(120 + $0) 2026-02-2\($0)T20:06:00" }

    /// Every step of a session with a backlog, bonding included.
    static let cuffSteps: Int = {
        var peer = ScriptedPeer.cuff(backlog)
        peer.isBonded = false
        peer.run()
        precondition(peer.end == .complete)
        return peer.steps
    }()

    @Test(arguments: 0..<cuffSteps) func `a cuff may vanish at any step and loses nothing`(
        step: Int
    ) {
        var peer = ScriptedPeer.cuff(Self.backlog)
        peer.isBonded = false
        peer.leavesAt = step
        peer.run()
        #expect(peer.log.contains("left"))
        let given = peer.given
        #expect(peer.stored.flatMap(\.frames).map(\.bytes) == given)
        // Steps 0 to 5 are connect, bond, discover, read, set and subscribe.
        if step < 6 {
            #expect(peer.end.map { if case .interrupted = $0 { true } else { false } } ?? false)
            #expect(given.isEmpty)
        }
        // The device comes back ten minutes later with what it has not given, on a clock that may
        // have been set.
        let wasSet = !peer.written.isEmpty
        peer.now = gateway("2026-03-01T08:25:00")
        peer.values[clockUUID] = dateTime(
            wasSet ? "2026-03-01T08:25:00" : "2026-03-01T08:19:00")
        peer.leavesAt = nil
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == Self.times)
    }

    /// The write of the clock arrived, the answer to it did not.
    @Test(arguments: [true, false])
    func `a set whose answer got lost is found out by the next read`(
        wasTaken: Bool
    ) {
        var peer = ScriptedPeer.cuff(Self.backlog)
        peer.errors["set 2a08"] = .disconnected("gone")
        peer.run()
        #expect(peer.end == .interrupted("the link was lost: gone"))
        peer.errors = [:]
        peer.now = gateway("2026-03-01T09:00:00")
        peer.values[clockUUID] = dateTime(
            wasTaken ? "2026-03-01T09:00:00" : "2026-03-01T08:54:00")
        peer.run()
        #expect(peer.times == Self.times)
        // The step that is remembered is the one at which the clock was really set.
        #expect(peer.memory.clockSteps.count == 1)
        let isFirst = peer.memory.clockSteps.first.map { $0.setAt < moment("2026-03-01T09:00:00") }
        #expect(isFirst == wasTaken)
    }

    @Test func `a device that takes the time and does not set it keeps its offset`() {
        var peer = ScriptedPeer.cuff([Self.backlog[0]])
        peer.run()
        peer.now = gateway("2026-03-02T08:15:00")
        peer.values[clockUUID] = dateTime("2026-03-02T08:09:00")
        peer.pushed = [(pressureUUID, pressureFrame(130, "2026-03-01T20:00:00"))]
        peer.run()
        #expect(peer.times.last == "130 2026-03-01T20:06:00")
    }

    @Test func `the backlog that is left after a set keeps the old offset in the next session`()
        throws
    {
        // The clock is an hour ahead and is set back; then the link breaks.
        var memory = DeviceMemory()
        var machine = Machines.draining(clock: "2026-03-01T09:15:00")
        let now = gateway("2026-03-01T08:15:05")
        let first = machine.handle(
            .notification(pressureUUID, pressureFrame(120, "2026-03-01T08:20:00"), at: now))
        #expect(
            first.commits.first?.entries.first?.record?.time?.observed
                == moment("2026-03-01T07:20:00"))
        _ = machine.handle(.committed(1, at: now))
        let cut = machine.handle(.disconnected(byDevice: false, at: now))
        #expect(cut.ends == [.interrupted("the link was ended")])
        memory = try #require(first.commits.first).memory

        var peer = ScriptedPeer.cuff(
            [
                pressureFrame(121, "2026-03-01T08:30:00"),
                pressureFrame(122, "2026-03-01T09:14:00"),
                pressureFrame(123, "2026-03-01T08:12:00"),
            ], clock: "2026-03-01T08:40:00", at: "2026-03-01T08:40:00")
        peer.memory = memory
        peer.run()
        #expect(
            peer.times == [
                "121 2026-03-01T07:30:00", "122 2026-03-01T08:14:00", "123 2026-03-01T07:12:00",
            ])
        #expect(peer.memory.clockSteps.map(\.drained) == [true])
        // The device has given all: an hour that comes twice is the second one from now on.
        peer.pushed = [(pressureUUID, pressureFrame(124, "2026-03-01T08:50:00"))]
        peer.values[clockUUID] = dateTime("2026-03-01T08:55:00")
        peer.now = gateway("2026-03-01T08:55:00")
        peer.run()
        #expect(peer.times.last == "124 2026-03-01T08:50:00")
    }

    @Test func `a link that was cut off by the radio is not the end of a backlog`() {
        var machine = Machines.draining()
        _ = machine.handle(.disconnected(byDevice: false, at: gateway("2026-03-01T08:16:00")))
        var actions = machine.handle(.committed(1, at: gateway("2026-03-01T08:16:00")))
        actions += machine.handle(.committed(2, at: gateway("2026-03-01T08:16:00")))
        #expect(actions.ends == [.interrupted("the link was ended")])
        #expect(machine.memory.clockSteps.map(\.drained) == [false])
        #expect(machine.memory.lastSessionEndedAt == nil)
    }

    @Test func `a device that only went silent has given all`() {
        var peer = ScriptedPeer.cuff([Self.backlog[0]])
        peer.leavesWhenDone = false
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.log.suffix(3) == ["disconnect", "commit 0", "finished"])
        #expect(peer.now.utc - moment("2026-03-01T08:15:00") > .seconds(30))
    }

    // MARK: the store

    @Test func `while the store takes nothing the device is let go and nothing is dropped`() {
        var peer = ScriptedPeer.cuff(Self.backlog)
        peer.refusedCommits = [1]
        peer.run()
        #expect(peer.end == .interrupted("the store takes nothing"))
        #expect(peer.kept.count + peer.stored.count == peer.given.count)
        #expect(peer.kept.count == 1)
    }

    @Test func `a refused commit moves no cursor in what is stored`() {
        var peer = ScriptedPeer.meter(numbers: 1...5)
        peer.refusedCommits = [1, 2, 3]
        peer.run()
        #expect(peer.memory.nextSequence == nil)
        peer.refusedCommits = []
        peer.run()
        #expect(peer.times.count == 5)
        #expect(peer.memory.nextSequence == 6)
    }

    @Test func `one commit is under way at a time, and what came meanwhile goes together`() {
        var machine = Machines.draining()
        var commits: [SessionCommit] = []
        for number in 0..<4 {
            commits +=
                machine.handle(
                    .notification(
                        pressureUUID, pressureFrame(120 + number, "2026-03-01T08:0\(number):00"),
                        at: gateway("2026-03-01T08:15:10"))
                ).commits
        }
        #expect(commits.map(\.entries.count) == [1])
        let next = machine.handle(.committed(1, at: gateway("2026-03-01T08:15:11"))).commits
        #expect(next.map(\.entries.count) == [3])
        // The answer to a commit that is not under way changes nothing.
        #expect(machine.handle(.committed(1, at: gateway("2026-03-01T08:15:12"))).isEmpty)
    }

    @Test func `what comes while the link is being closed is stored before the end`() {
        var machine = Machines.draining()
        let now = gateway("2026-03-01T08:16:00")
        #expect(machine.handle(.timer(.quiet, at: now)).names.contains("disconnect"))
        let late = machine.handle(
            .notification(pressureUUID, pressureFrame(120, "2026-03-01T08:00:00"), at: now))
        #expect(late.ends.isEmpty)
        let end = machine.handle(.disconnected(byDevice: false, at: now))
        #expect(end.ends.isEmpty)
        var entries = (late + end).commits.reduce(0) { $0 + $1.entries.count }
        var last: [SessionAction] = []
        for number in 1...3 {
            last = machine.handle(.committed(number, at: now))
            entries += last.commits.reduce(0) { $0 + $1.entries.count }
            if machine.isFinished { break }
        }
        #expect(entries == 1)
        #expect(last.ends == [.complete])
        #expect(
            machine.handle(
                .notification(pressureUUID, pressureFrame(121, nil), at: now)
            ).isEmpty)
    }

    @Test func `a connection that fails writes nothing into the store`() {
        var peer = ScriptedPeer.cuff()
        peer.errors["connect"] = .unreachable("no answer")
        peer.run()
        #expect(peer.end == .interrupted("the device did not answer: no answer"))
        #expect(peer.log == ["connect", "disconnect", "finished"])
    }

    @Test func `the session is over only when the link is over, so that a new one finds it free`() {
        var machine = Machines.cuff()
        _ = machine.start()
        let now = Machines.now
        let failed = machine.handle(.connectFailed(.unreachable("no answer")))
        #expect(failed.names.contains("disconnect"))
        #expect(failed.ends.isEmpty)
        let over = machine.handle(.disconnected(byDevice: false, at: now))
        #expect(over.ends == [.interrupted("the device did not answer: no answer")])
    }

    // MARK: answers to something else

    /// Each is about a characteristic that is not the one under way.
    static let strangers: [SessionEvent] = [
        .value(pressureUUID, dateTime("2026-03-01T08:00:00"), at: Machines.now, latency: .zero),
        .readFailed(pressureUUID, .disconnected("stray"), at: Machines.now),
        .written(pressureUUID, at: Machines.now),
        .writeFailed(pressureUUID, .disconnected("stray"), at: Machines.now),
        .subscribed(clockUUID, at: Machines.now),
        .subscribeFailed(clockUUID, .disconnected("stray"), at: Machines.now),
        .bonded(at: Machines.now), .services([], at: Machines.now),
        .connected(bonded: false, at: Machines.now),
        .committed(7, at: Machines.now), .timer(.settle, at: Machines.now),
    ]

    @Test(arguments: 0..<3) func `an answer to something else changes nothing of what is under way`(
        step: Int
    ) {
        let now = Machines.now
        let answers: [SessionEvent] = [
            .value(clockUUID, dateTime("2026-03-01T08:09:00"), at: now, latency: .zero),
            .written(clockUUID, at: now), .subscribed(pressureUUID, at: now),
        ]
        var machine = Machines.cuff()
        _ = machine.start()
        _ = machine.handle(.connected(bonded: true, at: now))
        _ = machine.handle(.services(Machines.cuffServices, at: now))
        for answer in answers.prefix(step) { _ = machine.handle(answer) }
        for stranger in Self.strangers {
            #expect(machine.handle(stranger).isEmpty, "\(stranger)")
        }
        for answer in answers.dropFirst(step) { _ = machine.handle(answer) }
        #expect(machine.phase == .draining)
    }

    // MARK: the bond

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var action: String
        var error: LinkError
        var isBonded = true
        var needsPerson: Bool
    }

    @Test(arguments: [
        Refusal(
            testDescription: "authentication, bonded", action: "read 2a08",
            error: .refused(att: 0x05, "insufficient authentication"), needsPerson: true),
        Refusal(
            testDescription: "encryption, bonded", action: "subscribe 2a35",
            error: .refused(att: 0x0F, "insufficient encryption"), needsPerson: true),
        Refusal(
            testDescription: "authentication at the set", action: "set 2a08",
            error: .refused(att: 0x05, "insufficient authentication"), needsPerson: true),
        Refusal(
            testDescription: "bonded just now, and not well enough", action: "read 2a08",
            error: .refused(att: 0x05, "insufficient authentication"), isBonded: false,
            needsPerson: true),
        Refusal(
            testDescription: "the stack finds the bond stale", action: "connect",
            error: .staleBond("encryption failed"), needsPerson: true),
        Refusal(
            testDescription: "the stack doubts the bond", action: "discover",
            error: .doubtfulBond("3 times"), needsPerson: true),
        Refusal(
            testDescription: "pairing is refused", action: "bond just-works",
            error: .pairingFailed("rejected"), isBonded: false, needsPerson: true),
        Refusal(
            testDescription: "the link breaks while pairing", action: "bond just-works",
            error: .disconnected("gone"), isBonded: false, needsPerson: false),
        Refusal(
            testDescription: "no services in time", action: "discover",
            error: .unreachable("15 s"), needsPerson: false),
        Refusal(
            testDescription: "the stack is gone", action: "subscribe 2a35",
            error: .stackFailed("no reply"), needsPerson: false),
    ]) func `a bond that is lost needs a person, a link that is lost needs none`(refusal: Refusal) {
        var peer = ScriptedPeer.cuff(Self.backlog)
        peer.isBonded = refusal.isBonded
        peer.errors[refusal.action] = refusal.error
        peer.run()
        switch peer.end {
        case .needsPerson: #expect(refusal.needsPerson)
        case .interrupted: #expect(!refusal.needsPerson)
        default: Issue.record("\(String(describing: peer.end))")
        }
        #expect(peer.log.contains("disconnect"))
        #expect(peer.memory.clockSteps.isEmpty == peer.written.isEmpty)
    }

    @Test func `a refusal that has nothing to do with the bond ends no session`() {
        var peer = ScriptedPeer.cuff([Self.backlog[0]])
        peer.errors["set 2a08"] = .refused(att: 0x80, "data field ignored")
        peer.run()
        #expect(peer.end == .complete)
        #expect(peer.times == [Self.times[0]])
        #expect(peer.memory.clockSetAt == nil)
    }

    @Test func `a device that takes no subscription has given nothing, and that is told`() {
        var peer = ScriptedPeer.cuff([Self.backlog[0]])
        peer.errors["subscribe 2a35"] = .refused(att: 0x03, "write not permitted")
        peer.leavesWhenDone = false
        peer.pushed = []
        peer.run()
        #expect(peer.end == .interrupted("the device took no subscription"))
    }

    @Test func `one subscription of several is enough`() {
        var peer = ScriptedPeer.meter(numbers: 1...2)
        peer.errors["subscribe 2a18"] = .refused(att: 0x03, "write not permitted")
        peer.run()
        #expect(peer.end == .complete)
    }
}

extension [SessionAction] {
    var names: [String] { map { ScriptedPeer.name($0) } }
    var commits: [SessionCommit] {
        compactMap { if case .commit(let commit) = $0 { commit } else { nil } }
    }
    var ends: [SessionEnd] {
        compactMap { if case .finished(let end) = $0 { end } else { nil } }
    }
    var notes: [SessionNote] {
        compactMap { if case .note(let note) = $0 { note } else { nil } }
    }
}

/// Machines that were brought to a certain place by hand.
enum Machines {
    static let now = gateway("2026-03-01T08:15:00")

    static func cuff(memory: DeviceMemory = DeviceMemory()) -> SessionMachine {
        machine(DeviceLinkTests.cuff, memory)
    }

    static func machine(
        _ profile: DeviceProfile, _ memory: DeviceMemory = DeviceMemory()
    ) -> SessionMachine {
        guard
            let machine = SessionMachine(
                profile: profile, device: DeviceDescription(id: DeviceID("ble:A")), memory: memory,
                zone: tokyo, simulated: false, now: now)
        else { preconditionFailure("a profile without a session") }
        return machine
    }

    static let cuffServices = ScriptedPeer.cuff().services

    /// A cuff six minutes slow whose clock was set and that may push now.
    static func draining(clock: String = "2026-03-01T08:09:00") -> SessionMachine {
        var machine = cuff()
        _ = machine.start()
        _ = machine.handle(.connected(bonded: true, at: now))
        _ = machine.handle(.services(cuffServices, at: now))
        _ = machine.handle(
            .value(clockUUID, dateTime(clock), at: now, latency: .zero))
        _ = machine.handle(.written(clockUUID, at: now))
        _ = machine.handle(.subscribed(pressureUUID, at: now))
        precondition(machine.phase == .draining)
        return machine
    }
}
