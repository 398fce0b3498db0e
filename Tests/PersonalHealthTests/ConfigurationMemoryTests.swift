import Measurement
import Testing

@testable import PersonalHealth

/// What an agent told of itself in one session, and what it is in the next.
@Suite("Configurations kept between sessions") struct ConfigurationMemoryTests {
    private static let agent = hex("0022090000000001")
    private static let map = [(0x0A56, 4), (0x0990, 8)]

    /// A scale whose weight is object `handle`, told under the number 4000.
    private static func told(_ handle: Int, number: Int = 0x4000) -> [UInt8] {
        Wire.event(
            1, 0x0D1C,
            Wire.configuration(
                number, [Wire.object(handle, 2, 57_664, unit: 1_731, map: map)]))
    }
    private static func weighing(_ handle: Int, _ kilograms: String = "ff0002fa") -> [UInt8] {
        Wire.event(7, 0x0D1D, Wire.report([Wire.fixed(handle, kilograms + "2026030108150000")]))
    }
    private static func attributes(_ firmware: String?, id: Int = 0) -> [UInt8] {
        let parts = firmware.map { [hex("0005 0000") + Wire.text($0)] } ?? []
        return Wire.message(
            id, 0x0203, Wire.u16(0) + Wire.list([Wire.attribute(0x092D, Wire.list(parts))]))
    }
    private static func known(
        _ handle: Int, firmware: String? = nil, systemID: [UInt8] = agent
    ) -> KnownConfiguration {
        KnownConfiguration(
            systemID: systemID, id: 0x4000, apdu: told(handle), firmware: firmware)
    }

    /// What a session made of an agent's bytes.
    private struct Talk {
        var manager: Manager
        var sent: [String] = []
        var kept: [KnownConfiguration] = []
        var forgotten: [KnownConfiguration] = []
        var weights: [String] = []

        init(_ known: [KnownConfiguration]) { manager = Manager(ManagerOptions(known: known)) }

        /// Takes bytes and stores at once what they report.
        mutating func hear(_ bytes: [UInt8]) {
            var actions = manager.take(.received(bytes))
            while !actions.isEmpty {
                var isStored = false
                for action in actions {
                    switch action {
                    case .send(let bytes): sent.append(shown(bytes))
                    case .remember(let known): kept.append(known)
                    case .forget(let known): forgotten.append(known)
                    case .report(let report): weights += report.samples.map(\.line)
                    case .store: isStored = true
                    default: break
                    }
                }
                actions = isStored ? manager.take(.stored) : []
            }
        }

        mutating func associate(_ systemID: [UInt8] = ConfigurationMemoryTests.agent) {
            hear(Wire.association(configuration: 0x4000, systemID: systemID))
        }
        /// `0000`: accepted as known; `0003`: its configuration is asked for.
        var result: String? {
            sent.last { $0.hasPrefix("e300002c") }.map { String($0.dropFirst(8).prefix(4)) }
        }
        var isAborted: Bool { sent.last == "e60000020000" }
    }

    @Test("what was told is kept together with the firmware that told it")
    func keeps() {
        var talk = Talk([])
        talk.associate()
        #expect(talk.result == "0003")
        talk.hear(Self.told(1))
        #expect(talk.kept.isEmpty, "its firmware is not known yet")
        talk.hear(Self.attributes("01.08.00"))
        #expect(talk.kept == [Self.known(1, firmware: "01.08.00")])
        // An agent that refuses to tell its attributes is kept too.
        var silent = Talk([])
        silent.associate()
        silent.hear(Self.told(1))
        silent.hear(Wire.message(0, 0x0300, Wire.u16(1) + Wire.octets([])))
        #expect(silent.kept == [Self.known(1)])
    }

    @Test("an agent whose configuration is kept is not asked for it, and its reports are read")
    func skips() {
        var talk = Talk([Self.known(1, firmware: "01.08.00")])
        talk.associate()
        #expect(talk.result == "0000")
        talk.hear(Self.attributes("01.08.00"))
        talk.hear(Self.weighing(1))
        #expect(talk.weights.count == 1)
        #expect(talk.kept.isEmpty && talk.forgotten.isEmpty)
        // Decoded again later it needs the configuration beside it, which this session never heard.
        let again = Talk([])
        #expect(again.manager.context.isEmpty)
        #expect(shown(talk.manager.context).contains(shown(Self.told(1))))
    }

    @Test(
        "a report that the kept configuration does not fit is not confirmed; the agent is asked anew"
    )
    func changed() {
        var talk = Talk([Self.known(1)])
        talk.associate()
        talk.hear(Self.attributes(nil))
        let before = talk.sent.count
        talk.hear(Self.weighing(9))
        #expect(talk.weights.isEmpty)
        #expect(talk.sent.count == before + 1 && talk.isAborted, "no confirmation before the abort")
        #expect(talk.forgotten == [Self.known(1)])
        // It comes back under the same number, tells what it means now, and reports again.
        talk.associate()
        #expect(talk.result == "0003")
        talk.hear(Self.told(9))
        talk.hear(Self.attributes(nil, id: 1))
        #expect(talk.kept == [Self.known(9)])
        talk.hear(Self.weighing(9, "ff0002ff"))
        #expect(talk.weights.count == 1)
        #expect(talk.weights.first?.contains("76.7") == true)
    }

    @Test(
        "other firmware is asked anew before anything of it is used", arguments: ["02.00.00", nil])
    func firmware(now: String?) {
        var talk = Talk([Self.known(1, firmware: "01.08.00")])
        talk.associate()
        #expect(talk.result == "0000")
        talk.hear(Self.attributes(now))
        #expect(talk.isAborted)
        #expect(talk.forgotten.count == 1)
        talk.associate()
        #expect(talk.result == "0003")
        talk.hear(Self.told(1))
        talk.hear(Self.attributes(now, id: 1))
        #expect(talk.kept == [Self.known(1, firmware: now)])
    }

    @Test("an agent that tells its configuration though it is known is believed")
    func tellsAnyway() {
        var talk = Talk([Self.known(1)])
        talk.associate()
        talk.hear(Self.told(9))
        #expect(talk.sent.contains { $0.contains("0d1c00044000") }, "its report is answered")
        talk.hear(Self.attributes(nil, id: 1))
        talk.hear(Self.weighing(9))
        #expect(talk.weights.count == 1)
        #expect(talk.kept == [Self.known(9)])
        #expect(talk.forgotten.isEmpty)
    }

    @Test(
        "a report that does not fit what was told in the same session is malformed, and nothing is forgotten"
    )
    func malformed() {
        var talk = Talk([])
        talk.associate()
        talk.hear(Self.told(1))
        talk.hear(Self.attributes(nil))
        talk.hear(Self.weighing(9))
        #expect(talk.weights.isEmpty)
        #expect(talk.forgotten.isEmpty)
        #expect(!talk.isAborted, "one malformed report is refused; the agent may go on")
        talk.hear(Self.weighing(1))
        #expect(talk.weights.count == 1)
    }

    @Test("bytes that are no report of any configuration say nothing against the kept one")
    func noise() {
        var talk = Talk([Self.known(1)])
        talk.associate()
        talk.hear(Self.attributes(nil))
        // A message that ends in the middle of its own lengths.
        talk.hear(hex("e7000004 0002 0007"))
        #expect(talk.forgotten.isEmpty)
        talk.hear(Self.weighing(1))
        #expect(talk.weights.count == 1)
    }

    @Test("an agent that never fits is given up after the third abort, not asked for ever")
    func patience() {
        var talk = Talk([Self.known(1)])
        for round in 0..<3 {
            talk.associate()
            if round > 0 {
                talk.hear(Self.told(1))
            }
            talk.hear(hex("e6000002 0000"))
        }
        talk.associate()
        #expect(talk.sent.filter { $0.hasPrefix("e300") }.count == 3)
    }

    @Test(
        "each cut and each changed byte of a kept configuration is either read or asked for anew, never a crash"
    )
    func corrupted() {
        var dice = SplitMix(seed: 11_073)
        let whole = Self.told(1)
        for round in 0..<2_000 {
            var apdu = whole
            if round % 2 == 0 { apdu = Array(apdu.prefix(Int(dice.next() % UInt64(apdu.count)))) }
            if !apdu.isEmpty {
                apdu[Int(dice.next() % UInt64(apdu.count))] ^= UInt8(
                    truncatingIfNeeded: dice.next() | 1)
            }
            var talk = Talk([KnownConfiguration(systemID: Self.agent, id: 0x4000, apdu: apdu)])
            talk.associate()
            #expect(talk.result == "0000" || talk.result == "0003")
            talk.hear(Self.attributes(nil))
            talk.hear(Self.weighing(1))
        }
    }

    private struct SplitMix {
        var state: UInt64
        init(seed: UInt64) { state = seed }
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
