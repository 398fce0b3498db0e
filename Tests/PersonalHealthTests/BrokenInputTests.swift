import GatewayTestKit
import Testing

@testable import PersonalHealth

/// Malformed APDUs: refused with the place, never half used.
@Suite("Broken APDUs")
struct BrokenInputTests {
    struct Broken: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var error: String
        var testDescription: String { name }
    }

    @Test(
        "each refusal names what is wrong and at which byte",
        arguments: [
            Broken(name: "nothing", bytes: "", error: "byte 0: the end inside the APDU's choice"),
            Broken(
                name: "no APDU", bytes: "e800 0000",
                error: "byte 0: no APDU begins with these two bytes"),
            Broken(
                name: "cut off", bytes: "e400 0002 00",
                error: "byte 2: the APDU is said to have 2 bytes, 1 follow"),
            Broken(
                name: "a release with more than a reason", bytes: "e400 0004 0000 0000",
                error: "byte 6: 2 byte(s) after the APDU"),
            Broken(
                name: "an abort without a reason", bytes: "e600 0000",
                error: "byte 4: the end inside the reason of the abort"),
            Broken(
                name: "bytes behind the APDU", bytes: "e400 0002 0000 ff",
                error: "byte 6: 1 byte(s) after the APDU"),
            Broken(
                name: "inner length shorter than the outer",
                bytes: "e700 000c 0008 0001 0400 0002 0000 0000",
                error: "byte 14: 2 byte(s) after the APDU"),
            Broken(
                name: "inner length longer than the outer", bytes: "e700 0008 0008 0001 0203 0000",
                error: "byte 4: the DATA APDU is said to have 8 bytes, 6 follow"),
            Broken(
                name: "message length does not fit", bytes: "e700 0008 0006 0001 0203 0002",
                error: "byte 10: the message is said to have 2 bytes, 0 follow"),
            Broken(
                name: "a message of no kind", bytes: "e700 0008 0006 0001 0999 0000",
                error: "byte 8: no message is of this kind"),
            Broken(
                name: "an event without information",
                bytes: "e700 0010 000e 0001 0101 0008 0000 ffffffff 0d1d",
                error: "byte 20: the end inside the length of the information of the event"),
            Broken(
                name: "an association without a system id",
                bytes:
                    "e200 0020 80000000 0001 0018 5079 0014 80000000 8000 80000000 00000000 00800000 0008",
                error: "byte 34: the system id is said to have 8 bytes, 0 follow"),
            Broken(
                name: "options that lie about their length",
                bytes:
                    "e2000032800000000001002a507900268000000080008000000000000000008000000008112233445566"
                    + "778806a40081010100010004",
                error: "byte 52: the options is said to have 4 bytes, 0 follow"),
        ])
    func places(_ broken: Broken) {
        #expect { _ = try APDU(hex(broken.bytes)) } throws: { "\($0)" == broken.error }
    }

    /// Good APDUs of every kind that an agent sends.
    static let good: [[UInt8]] = [
        Wire.association(configuration: 0x02BC), Recorded.omronCuff, Recorded.omronScale,
        Recorded.penStore, APDUFramerTests.weight, RecordedStore.segments, RecordedStore.begins,
        RecordedStore.data,
        Wire.message(0, 0x0203, Wire.u16(0) + Wire.list(MedicalSystemTests.attributes)),
        hex("e40000020000"), hex("e50000020000"), hex("e60000020001"),
    ]

    @Test("an APDU whose end is missing is refused at every length")
    func truncated() {
        for apdu in Self.good {
            for length in 0..<apdu.count {
                #expect(throws: APDUError.self) { _ = try APDU(Array(apdu.prefix(length))) }
            }
            #expect(throws: Never.self) { _ = try APDU(apdu) }
        }
    }

    @Test("an APDU that was cut short and got a fitting length is refused inside, or was whole")
    func shortened() {
        for apdu in Self.good {
            for length in 4..<apdu.count {
                var short = Array(apdu.prefix(length))
                short[2] = UInt8((length - 4) >> 8)
                short[3] = UInt8((length - 4) & 255)
                #expect(throws: APDUError.self, "\(shown(apdu.prefix(4) + [])) at \(length)") {
                    _ = try APDU(short)
                }
            }
        }
    }

    @Test(
        "a configuration with duplicated bytes gives no object, and the stream behind it is dropped"
    )
    func corruptedConfiguration() {
        var manager = Manager()
        _ = manager.take(.received(Wire.association(configuration: 0x0190 + 0x4000)))
        let actions = manager.take(.received(Recorded.corrupted))
        let refusals = actions.filter { if case .note(.refused) = $0 { true } else { false } }
        #expect(refusals.count == 2)
        #expect(!actions.contains { if case .remember = $0 { true } else { false } })
        #expect(manager.configuration == nil)
        // The agent is told that its report was badly structured.
        #expect(
            actions.contains {
                if case .send(let bytes) = $0 {
                    shown(bytes) == "e700000a00081236" + "040000020002"
                } else {
                    false
                }
            })
    }

    @Test("a malformed report among good ones is rejected alone; the good ones count")
    func oneOfThree() {
        var agent = Agents.cuff
        let good = agent.events[0]
        let bad = SimulatedAgent.Event(
            type: 0x0D1D, information: Wire.report([Wire.fixed(1, "0003 0006 0078")]),
            isConfirmed: false)
        agent.events = [bad, good]
        var cable = Cable(agent)
        cable.run()
        #expect(cable.lines.count == 1)
        #expect(cable.agent.answers.contains("reject 2"))
        #expect(cable.notes.contains { if case .refused = $0 { true } else { false } })
    }

    @Test("an agent that sends nothing but malformed APDUs is aborted, then given up")
    func patience() {
        var manager = Manager()
        let garbage = hex("0a0d0a0d")
        var all: [ManagerAction] = []
        for _ in 0..<3 { all += manager.take(.received(garbage)) }
        #expect(
            all.contains {
                if case .broken("the agent sends what is no APDU") = $0 { true } else { false }
            })
        var associated = Manager()
        _ = associated.take(.received(Wire.association(configuration: 0x05DC)))
        var sent: [String] = []
        for _ in 0..<3 {
            for case .send(let bytes) in associated.take(.received(garbage)) {
                sent.append(shown(bytes))
            }
        }
        #expect(sent == ["e60000020000"])
    }

    // MARK: fuzz

    @Test(
        "changed bytes never crash, and never change a value without a place or a whole APDU",
        arguments: 0..<8)
    func changed(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 20_260_301)
        for _ in 0..<400 {
            var bytes = Self.good[Int.random(in: 0..<Self.good.count, using: &random)]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            do {
                let apdu = try APDU(bytes)
                if case .data(let message) = apdu, case .eventReport(let event, _) = message.body {
                    _ = try? Configuration(parsing: event.information)
                    for configuration in StandardConfigurations.all {
                        guard let found = try? ScanReport.observations(event, configuration) else {
                            continue
                        }
                        _ = SampleBuilder().samples(found)
                    }
                }
            } catch {
                #expect((0...bytes.count).contains(error.offset), "\(error)")
            }
        }
    }

    @Test(
        "a talk with a cable that loses, doubles and changes bytes ends, without a made-up value",
        arguments: 0..<6)
    func noisyCable(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 11_073)
        let agents = [
            Agents.cuff, Agents.scale, Agents.meter, Agents.composition, Agents.thermometer,
        ]
        for round in 0..<40 {
            let agent = agents[round % agents.count]
            var whole = Cable(agent)
            whole.run()
            let known = Set(whole.lines)
            var cable = Cable(agent)
            var generator = random
            cable.cut = { bytes in
                guard Int.random(in: 0..<3, using: &generator) == 0, !bytes.isEmpty else {
                    return [bytes]
                }
                let cut = Int.random(in: 0..<bytes.count, using: &generator)
                return [Array(bytes[..<cut])]
            }
            cable.run()
            random = generator
            // The rest of what was lost never comes; the agent begins again.
            for _ in 0..<3 {
                cable.silence()
                cable.talk(hex("e60000020000"))
            }
            #expect(Set(cable.lines).isSubset(of: known))
        }
    }

    @Test("random bytes are never taken for a reading", arguments: 0..<4)
    func noise(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 99)
        for _ in 0..<100 {
            var manager = Manager()
            _ = manager.take(.received(Wire.association(configuration: 0x02BC)))
            let count = Int.random(in: 1...300, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let actions = manager.take(.received(bytes))
            #expect(!actions.contains { if case .report = $0 { true } else { false } })
        }
    }
}
