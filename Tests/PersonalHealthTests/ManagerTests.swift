import Measurement
import Testing

@testable import PersonalHealth

@Suite("Manager")
struct ManagerTests {
    private func sent(_ actions: [ManagerAction]) -> [String] {
        actions.compactMap { if case .send(let bytes) = $0 { shown(bytes) } else { nil } }
    }
    private func notes(_ actions: [ManagerAction]) -> [ManagerNote] {
        actions.compactMap { if case .note(let note) = $0 { note } else { nil } }
    }
    private func broken(_ actions: [ManagerAction]) -> String? {
        actions.compactMap { if case .broken(let why) = $0 { why } else { nil } }.first
    }
    private func expects(_ actions: [ManagerAction]) -> [Interval] {
        actions.compactMap { if case .expect(let time) = $0 { time } else { nil } }
    }
    private func reports(_ actions: [ManagerAction]) -> Int {
        actions.filter { if case .report = $0 { true } else { false } }.count
    }
    private let weighing = Wire.event(
        7, 0x0D1D, Wire.report([Wire.fixed(1, "ff0002fa 2026030108150000")]))

    /// A manager with an agent of a standard's configuration whose attributes are known.
    private func operating(
        _ options: ManagerOptions = ManagerOptions(), configuration: Int = 0x05DC
    ) -> Manager {
        var manager = Manager(options)
        _ = manager.take(.received(Wire.association(configuration: configuration)))
        _ = manager.take(.received(Wire.message(0, 0x0203, Wire.u16(0) + Wire.list([]))))
        return manager
    }

    @Test(
        "what an agent told of itself is not asked for again when it comes back; others are asked")
    func rememberedConfiguration() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x400A)))
        _ = manager.take(.received(Recorded.penStore))
        let known = manager.take(
            .received(
                Wire.message(0, 0x0203, Wire.u16(0) + Wire.list(MedicalSystemTests.attributes))))
        #expect(known.contains { if case .remember = $0 { true } else { false } })
        _ = manager.take(.received(hex("e6000002 0000")))
        let again = manager.take(.received(Wire.association(configuration: 0x400A)))
        #expect(sent(again).first?.hasPrefix("e300002c0000") == true, "accepted as known")
        _ = manager.take(.received(hex("e6000002 0000")))
        let other = Wire.association(configuration: 0x400A, systemID: hex("0022090000000077"))
        #expect(sent(manager.take(.received(other))).first?.hasPrefix("e300002c0003") == true)
    }

    // MARK: a recorded talk

    @Test(
        "a recorded talk with a real store is led word by word, and nothing is confirmed unstored")
    func recordedStore() {
        var manager = Manager(ManagerOptions(systemID: hex("1122334455667788")))
        let association = manager.take(.received(Wire.association(configuration: 0x400A)))
        #expect(
            sent(association) == [
                "e300002c0003507900268000000080008000000000000000800000000008112233445566778800000000000000000000"
            ])
        #expect(expects(association) == [.seconds(10)])
        let configured = manager.take(.received(Recorded.penStore))
        #expect(
            sent(configured) == [
                "e7000016001400000201000e0000000000000d1c0004400a0000",
                "e700000e000c000001030006000000000000",
            ])
        let system = manager.take(
            .received(
                Wire.message(0, 0x0203, Wire.u16(0) + Wire.list(MedicalSystemTests.attributes))))
        #expect(sent(system) == ["e7000014001200010107000c01000c0d0006000100020000"])
        let segments = manager.take(.received(RecordedStore.segments))
        #expect(sent(segments) == ["e7000010000e00020107000801000c1c00020010"])
        let begins = manager.take(.received(RecordedStore.begins))
        #expect(sent(begins).isEmpty)
        #expect(expects(begins) == [.seconds(20)])
        let data = manager.take(.received(RecordedStore.data))
        #expect(sent(data).isEmpty)
        #expect(reports(data) == 1)
        let stored = manager.take(.stored)
        #expect(
            sent(stored) == [
                "e700001e001c80010201001601000000" + "00000d21000c0010000000000000000300" + "80",
                "e40000020000",
            ])
        let over = manager.take(.received(hex("e50000020000")))
        #expect(over.contains { if case .drained = $0 { true } else { false } })
        #expect(manager.isAtRest)
    }

    // MARK: the store comes first

    @Test("a confirmed report is answered only when it is on disk")
    func storeFirst() {
        var manager = operating()
        let actions = manager.take(.received(weighing))
        #expect(reports(actions) == 1)
        #expect(sent(actions).isEmpty)
        #expect(
            sent(manager.take(.stored)) == [
                "e700001200100007" + "0201000a00000000" + "00000d1d0000"
            ])
        #expect(sent(manager.take(.stored)).isEmpty)
    }

    @Test("what comes while the store works waits its turn, and is not lost")
    func waiting() {
        var manager = operating()
        _ = manager.take(.received(weighing))
        let second = Wire.event(
            8, 0x0D1D, Wire.report([Wire.fixed(1, "ff000300 2026030108160000")]))
        #expect(reports(manager.take(.received(second + hex("e40000020000")))) == 0)
        let first = manager.take(.stored)
        #expect(sent(first).count == 1)
        #expect(reports(first) == 1)
        let then = manager.take(.stored)
        #expect(sent(then).count == 2)
        #expect(sent(then).last == "e50000020000")
        #expect(manager.isAtRest)
    }

    @Test("an agent that does not wait for answers is stopped before it fills the memory")
    func overflow() {
        var manager = operating()
        _ = manager.take(.received(weighing))
        var last: [ManagerAction] = []
        for _ in 0..<17 { last = manager.take(.received(weighing)) }
        #expect(sent(last) == ["e60000020001"])
        #expect(notes(last).contains(.aborted(.bufferOverflow, byAgent: false)))
        #expect(manager.isAtRest)
    }

    @Test("an unconfirmed report is taken and never answered")
    func unconfirmed() {
        var manager = operating()
        let event = Wire.event(
            7, 0x0D1D, Wire.report([Wire.fixed(1, "ff0002fa 2026030108150000")]), isConfirmed: false
        )
        let actions = manager.take(.received(event))
        #expect(reports(actions) == 1)
        #expect(sent(actions).isEmpty)
        #expect(!actions.contains { if case .store = $0 { true } else { false } })
    }

    // MARK: association

    @Test("a configuration that this agent told before is not asked for again")
    func remembered() {
        let systemID = hex("0022090000000001")
        let known = KnownConfiguration(systemID: systemID, id: 0x4000, apdu: Recorded.omronCuff)
        func result(_ known: [KnownConfiguration], _ agent: [UInt8]) -> String {
            var manager = Manager(ManagerOptions(known: known))
            let actions = manager.take(
                .received(Wire.association(configuration: 0x4000, systemID: agent)))
            return String(sent(actions)[0].prefix(12).suffix(4))
        }
        #expect(result([known], systemID) == "0000")
        #expect(result([], systemID) == "0003")
        // The same number means something else with another agent.
        #expect(result([known], hex("0022090000000002")) == "0003")
        let corrupted = KnownConfiguration(
            systemID: systemID, id: 0x4000, apdu: Array(Recorded.omronCuff.dropLast()))
        #expect(result([corrupted], systemID) == "0003")
    }

    @Test("an agent's own configuration is handed out to be kept; a standard's is not")
    func remembers() {
        var cable = Cable(Agents.composition)
        cable.run()
        #expect(cable.remembered.map(\.id) == [0x4000])
        #expect(cable.remembered.first?.systemID == hex("0022090000000001"))
        var again = Cable(Agents.composition, ManagerOptions(known: cable.remembered))
        again.run()
        #expect(again.lines == cable.lines)
        #expect(again.agent.answers == ["association 0", "answer d1f"])
        var standard = Cable(Agents.thermometer)
        standard.run()
        #expect(standard.remembered.isEmpty)
    }

    @Test("an agent without a common protocol is rejected, and may try again")
    func rejected() {
        var manager = Manager()
        let actions = manager.take(
            .received(Wire.association(configuration: 0x02BC, encoding: 0x4000)))
        #expect(sent(actions) == ["e3000006000500000000"])
        #expect(notes(actions) == [.rejected(.rejectedNoCommonParameter)])
        #expect(sent(manager.take(.received(Wire.association(configuration: 0x02BC)))).count == 2)
    }

    @Test("a second association request aborts the first association, as the standard says")
    func twice() {
        var manager = operating()
        let actions = manager.take(.received(Wire.association(configuration: 0x05DC)))
        #expect(sent(actions) == ["e60000020000"])
        #expect(sent(manager.take(.received(Wire.association(configuration: 0x05DC)))).count == 2)
    }

    @Test("data of an agent that is not associated is answered with an abort, and not read")
    func unassociated() {
        var manager = Manager()
        let actions = manager.take(.received(weighing))
        #expect(sent(actions) == ["e60000020000"])
        #expect(reports(actions) == 0)
        #expect(sent(manager.take(.received(hex("e40000020000")))) == ["e60000020000"])
        #expect(sent(manager.take(.received(hex("e50000020000")))).isEmpty)
        #expect(sent(manager.take(.received(hex("e60000020000")))).isEmpty)
    }

    @Test("a report before the configuration is rejected, because its layout is not known")
    func reportBeforeConfiguration() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x4000)))
        let actions = manager.take(.received(weighing))
        #expect(reports(actions) == 0)
        #expect(sent(actions) == ["e700000a0008000704000002" + "0065"])
    }

    @Test("nothing of an association for tests is measured")
    func testAssociation() {
        var agent = Agents.cuff
        agent.units = 0x2000_0000
        var cable = Cable(agent)
        cable.run()
        #expect(cable.reported.map(\.outcome) == [.state])
        #expect(cable.reported[0].flags == ["test-data"])
    }

    // MARK: release and abort

    @Test("the agent's abort ends the association; a new one may follow")
    func agentAborts() {
        for (reason, text) in [
            (0, AbortReason.undefined), (1, .bufferOverflow), (3, .configurationTimeout),
        ] {
            var manager = operating()
            let actions = manager.take(.received(hex("e600 0002") + Wire.u16(reason)))
            #expect(sent(actions).isEmpty)
            #expect(notes(actions) == [.aborted(text, byAgent: true)])
            #expect(expects(actions) == [.seconds(30)])
            #expect(manager.isAtRest)
        }
    }

    @Test("the agent's release is answered, and what it gave counts as whole")
    func agentReleases() {
        var manager = operating()
        let actions = manager.take(.received(hex("e40000020000")))
        #expect(sent(actions) == ["e50000020000"])
        #expect(notes(actions) == [.released(reason: 0)])
        #expect(actions.contains { if case .drained = $0 { true } else { false } })
    }

    @Test("an association that is aborted again and again is given up with a reason")
    func givesUp() {
        var manager = Manager()
        var last: [ManagerAction] = []
        for _ in 0..<3 {
            _ = manager.take(.received(Wire.association(configuration: 0x05DC)))
            last = manager.take(.received(hex("e60000020002")))
        }
        #expect(broken(last) == "the association was aborted 3 times")
        #expect(manager.take(.received(Wire.association(configuration: 0x05DC))).isEmpty)
    }

    // MARK: time-outs

    @Test(
        "an agent that does not tell its configuration within ten seconds is aborted with that reason"
    )
    func configurationTimeout() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x4000)))
        let actions = manager.take(.timedOut)
        #expect(sent(actions) == ["e60000020003"])
        #expect(notes(actions) == [.aborted(.configurationTimeout, byAgent: false)])
        #expect(expects(actions) == [.seconds(30)])
        let never = manager.take(.timedOut)
        #expect(broken(never) == "the agent does not associate again: unplug it and plug it in")
    }

    @Test(
        "an agent that does not answer a request within three seconds is aborted with that reason")
    func responseTimeout() {
        var manager = Manager()
        let actions = manager.take(.received(Wire.association(configuration: 0x05DC)))
        #expect(expects(actions) == [.seconds(3)])
        #expect(sent(manager.take(.timedOut)) == ["e60000020002"])
    }

    @Test("a meter that falls silent within a transfer is aborted; what was stored stays")
    func transferTimeout() {
        var agent = Agents.meter
        agent.store?.segments[0].parts.removeLast()
        var cable = Cable(agent)
        cable.run()
        #expect(cable.lines.count == 2)
        #expect(cable.expects.last == .seconds(5))
        _ = cable.perform(cable.manager.take(.timedOut))
        #expect(cable.agent.ended == "aborted 2")
        #expect(cable.stored.count == 2)
    }

    @Test("an agent that reports when it has something is waited for without a limit")
    func noTimeout() {
        var manager = operating()
        #expect(manager.take(.timedOut).isEmpty)
        #expect(reports(manager.take(.received(weighing))) == 1)
    }

    @Test("an agent at rest has no time-out either, and half an APDU is forgotten by one")
    func halfAPDU() {
        var manager = Manager()
        #expect(manager.take(.timedOut).isEmpty)
        _ = manager.take(.received(Wire.association(configuration: 0x05DC)))
        _ = manager.take(.received(Array(weighing.prefix(9))))
        #expect(!manager.isAtRest)
        _ = manager.take(.timedOut)
        #expect(manager.isAtRest)
        #expect(sent(manager.take(.received(Wire.association(configuration: 0x05DC)))).count == 2)
    }

    @Test("an APDU whose rest never comes is dropped, so that the next one is not joined to it")
    func restNeverComes() {
        var manager = operating()
        let half = manager.take(.received(Array(weighing.prefix(30))))
        #expect(expects(half) == [.seconds(3)])
        let dropped = manager.take(.timedOut)
        #expect(notes(dropped) == [.dropped(bytes: 30)])
        #expect(sent(dropped).isEmpty)
        #expect(reports(manager.take(.received(weighing))) == 1)
    }

    @Test("a release that is not answered ends in an abort")
    func releaseTimeout() {
        var agent = Agents.meter
        agent.store?.segments = []
        var manager = Manager()
        _ = manager.take(.received(agent.start()))
        var talk = agent
        var answer = talk.receive(
            AssociationResponse.bytes(.acceptedUnknownConfiguration, systemID: []))
        for _ in 0..<4 {
            let actions = manager.take(.received(answer))
            answer = actions.flatMap { action -> [UInt8] in
                guard case .send(let bytes) = action, !bytes.starts(with: [0xE4]) else { return [] }
                return talk.receive(bytes)
            }
            if answer.isEmpty { break }
        }
        #expect(sent(manager.take(.timedOut)) == ["e60000020000"])
    }
}
