import Measurement
import Testing

@testable import PersonalHealth

/// What goes wrong within a store, and the clock of an agent.
@Suite("Manager: store and clock")
struct ManagerStoreTests {
    @Test("a meter's store is read segment by segment, empty ones are not asked for")
    func segments() {
        var cable = Cable(Agents.meter)
        cable.run()
        let asked = cable.sent.filter { $0.count > 18 && Array($0[14...15]) == [0x0C, 0x1C] }
        #expect(asked.map { $0[19] } == [1, 2])
        #expect(cable.agent.ended == "released by the manager")
    }

    @Test("a store that is not to be read is left alone")
    func leftAlone() {
        var cable = Cable(Agents.meter, ManagerOptions(readsStore: false))
        cable.run()
        #expect(cable.lines.isEmpty)
        #expect(cable.agent.ended == nil)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var result: Int
        var notes: [ManagerNote]
        var testDescription: String { "result \(result)" }
    }

    @Test(
        "a segment that the meter does not give now is noted, and the next one is read",
        arguments: [
            Refusal(result: 1, notes: [.requestFailed("transfer of segment 1: result 1")]),
            Refusal(result: 2, notes: [.requestFailed("transfer of segment 1: result 2")]),
            Refusal(result: 3, notes: []),
            Refusal(result: 512, notes: [.requestFailed("transfer of segment 1: result 512")]),
        ])
    func refused(_ refusal: Refusal) {
        var agent = Agents.meter
        agent.store?.segments[0].result = refusal.result
        var cable = Cable(agent)
        cable.run()
        #expect(
            cable.lines == ["glucose controlSolution · glucose=100 mg/dL · @2026-03-01T10:00:00"])
        #expect(cable.notes.filter { $0 != .released(reason: 0) } == refusal.notes)
    }

    @Test("a part that is sent again gives the same keys, and a gap is never jumped over")
    func order() {
        var agent = Agents.meter
        let parts = agent.store!.segments[0].parts
        agent.store!.segments[0].parts = [parts[0], parts[0], parts[1]]
        var cable = Cable(agent)
        cable.run()
        #expect(cable.reported.count == 7)
        #expect(Array(cable.reported[0...1]) == Array(cable.reported[2...3]))

        var gap = Agents.meter
        gap.store!.segments[0].parts = [parts[1]]
        gap.isSilent = false
        var manager = Manager()
        var actions: [ManagerAction] = []
        var bytes = gap.start()
        for _ in 0..<5 where !bytes.isEmpty {
            actions = manager.take(.received(bytes))
            bytes = []
            for case .send(let out) in actions where !Self.isStopped(out) {
                bytes += gap.receive(out)
            }
        }
        #expect(
            actions.contains {
                if case .note(.requestFailed("segment 1: entry 0 is missing")) = $0 {
                    true
                } else {
                    false
                }
            })
        #expect(!actions.contains { if case .report = $0 { true } else { false } })
        #expect(
            actions.contains { if case .send(let out) = $0 { Self.isStopped(out) } else { false } })
    }

    /// The answer to a part with the manager's word 0008: stopped.
    private static func isStopped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 34 && Array(bytes[18...19]) == [0x0D, 0x21]
            && Array(bytes.suffix(2)) == [0x00, 0x08]
    }

    @Test(
        "a meter that stops a transfer itself loses nothing: the part is answered, the rest goes on"
    )
    func agentStops() {
        var agent = Agents.meter
        agent.store!.segments[0].parts = [Agents.part(1, 0, 0, "0800", "")]
        var cable = Cable(agent)
        cable.run()
        #expect(cable.lines.count == 1)
        #expect(cable.notes.contains(.requestFailed("transfer of segment 1: the agent stopped it")))
    }

    @Test("an agent that refuses its attributes or its store is read as far as it goes")
    func errors() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x4000)))
        _ = manager.take(
            .received(Wire.event(1, 0x0D1C, Wire.configuration(0x4000, Agents.meter.objects))))
        let attributes = manager.take(.received(Wire.message(0, 0x0300, hex("0001 0000"))))
        #expect(attributes.contains { Self.isNote($0, "attributes: error 1") })
        let segments = manager.take(.received(Wire.message(1, 0x0400, hex("0065"))))
        #expect(segments.contains { Self.isNote($0, "segments: rejected with problem 101") })
        #expect(
            segments.contains {
                if case .send(let bytes) = $0 { shown(bytes) == "e40000020000" } else { false }
            })
    }

    private static func isNote(_ action: ManagerAction, _ text: String) -> Bool {
        if case .note(.requestFailed(text)) = action { true } else { false }
    }

    @Test("answers to nothing that was asked change nothing")
    func unexpected() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x05DC)))
        for message in [
            Wire.message(9, 0x0203, Wire.u16(0) + Wire.list([])),
            Wire.message(9, 0x0207, hex("0000 0c17 0000")),
            Wire.message(9, 0x0300, hex("0001 0000")), Wire.message(9, 0x0400, hex("0000")),
            Wire.message(9, 0x0205, Wire.u16(0) + Wire.list([])),
        ] {
            let actions = manager.take(.received(message))
            #expect(actions.count == 1)
            #expect(
                actions.contains { if case .note(.unexpected) = $0 { true } else { false } })
        }
        let invocation = manager.take(.received(Wire.message(3, 0x0107, hex("0000 0c17 0000"))))
        #expect(
            invocation.contains {
                if case .send(let bytes) = $0 {
                    shown(bytes) == "e700000a00080003040000020065"
                } else {
                    false
                }
            })
    }

    // MARK: the clock

    @Test("the clock is set only where it is allowed, after the store was read")
    func setTime() {
        var cable = Cable(Agents.meter, ManagerOptions(setsClock: true))
        cable.run()
        #expect(cable.agent.clockSetTo == "2026112114050600")
        #expect(cable.clockWasSet)
        let order = cable.sent.filter { $0.count > 16 && $0[14] == 0x0C }.map { $0[15] }
        #expect(order == [0x0D, 0x1C, 0x1C, 0x17])
        var untouched = Cable(Agents.meter)
        untouched.run()
        #expect(untouched.agent.clockSetTo == nil)
    }

    @Test("an agent with a base-offset clock gets UTC and the offset")
    func setBaseOffset() {
        var agent = Agents.cuff
        agent.attributes = [
            Wire.attribute(0x0A45, hex("4100 1f00 00000000 0000 0000 00000000"))
        ]
        agent.events = []
        var cable = Cable(agent, ManagerOptions(setsClock: true))
        cable.clock = LocalDateTime(year: 2025, month: 1, day: 1, hour: 9)!
        // It does not release before its clock is set.
        cable.agent.releases = false
        cable.run()
        #expect(cable.agent.clockSetTo == "eb1f04000000021c")
    }

    @Test("an agent whose clock cannot be set is not told the time")
    func cannotBeSet() {
        var agent = Agents.cuff
        agent.attributes = [Wire.attribute(0x0A45, hex("8000 1f00 00000000 0000 0000 00000000"))]
        var cable = Cable(agent, ManagerOptions(setsClock: true))
        cable.run()
        #expect(cable.agent.clockSetTo == nil)
        #expect(cable.lines.count == 1)
    }

    @Test("where nobody knows the time, the clock stays and the meter is let go")
    func timeUnknown() {
        var cable = Cable(Agents.meter, ManagerOptions(setsClock: true))
        cable.clock = nil
        cable.run()
        #expect(cable.agent.clockSetTo == nil)
        #expect(cable.agent.ended == "released by the manager")
        #expect(cable.isOverAtEnd)
    }

    @Test("a refused clock is noted and the readings count")
    func refusedClock() {
        var manager = Manager(ManagerOptions(setsClock: true))
        _ = manager.take(.received(Wire.association(configuration: 0x05DC)))
        let time = Wire.attribute(0x0A45, hex("4000 1f00 00000000 0000 0000 00000000"))
        let asks = manager.take(.received(Wire.message(0, 0x0203, Wire.u16(0) + Wire.list([time]))))
        #expect(asks.contains { if case .askTime = $0 { true } else { false } })
        let noon = LocalDateTime(year: 2026, month: 3, day: 1, hour: 12)!
        let set = manager.take(.time(noon, utcOffsetMinutes: 540))
        #expect(
            set.contains {
                if case .send(let bytes) = $0 {
                    shown(bytes)
                        == "e700001a00180001" + "0107001200000c17000c" + "2026030112000000"
                        + "00000000"
                } else {
                    false
                }
            })
        let refused = manager.take(.received(Wire.message(1, 0x0300, hex("0018 0000"))))
        #expect(refused.contains { Self.isNote($0, "set time: error 24") })
    }
}
