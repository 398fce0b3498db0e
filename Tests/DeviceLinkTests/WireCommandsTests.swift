import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

@Suite("TaiDoc meters on a cable") struct TaiDocProcedureTests {
    private static func frame(_ command: UInt8, _ data: [UInt8], end: UInt8 = 0xA5) -> [UInt8] {
        let padded = data + [UInt8](repeating: 0, count: 4 - data.count)
        let body = [0x51, command] + padded + [end]
        return body + [body.reduce(0, &+)]
    }

    private static let now: [UInt8] = [0x21, 0x24, 0x0E, 0x15]

    private func begun(count: UInt8) -> Talk {
        var talk = Talk(procedure: TaiDocProcedure(WirePlan(procedure: .taidoc)))
        talk.say(.opened)
        for (command, data) in [
            (0x22, []), (0x24, [0x77, 0x42]), (0x23, Self.now), (0x2B, [count]),
        ] as [(UInt8, [UInt8])] { talk.say(.received(Self.frame(command, data))) }
        return talk
    }

    @Test(
        "Every record comes with its own time, and the meter is turned off only when all is on disk"
    )
    func whole() {
        var talk = begun(count: 2)
        #expect(talk.clocks.map(\.description) == ["2018-01-01T21:14:00"])
        for index in 0..<2 as Range<UInt8> {
            #expect(talk.sent.last?[1...3] == [0x25, index, 0])
            talk.say(.received(Self.frame(0x25, Self.now)))
            // In two parts, as reports cut it.
            let value = Self.frame(0x26, [100 + index])
            talk.say(.received(Array(value.prefix(3))))
            talk.say(.received(Array(value.dropFirst(3))))
        }
        #expect(talk.messages.map(\.count) == [16, 16])
        #expect(talk.isStoring && talk.end == nil)
        #expect(!talk.sent.contains { $0[1] == 0x50 })
        talk.say(.stored)
        #expect(talk.sent.last?[1] == 0x50)
        #expect(talk.end == .complete)
    }

    @Test("A meter without records is asked for none")
    func empty() {
        let talk = begun(count: 0)
        #expect(talk.isStoring && talk.messages.isEmpty)
    }

    @Test("An answer that comes late is not taken for the answer to the next question")
    func late() {
        var talk = begun(count: 1)
        talk.say(.received(Self.frame(0x2B, [9])))
        talk.say(.received(Self.frame(0x26, [9])))
        #expect(talk.messages.isEmpty)
        #expect(talk.sent.last?[1] == 0x25)
    }

    @Test("A wrong checksum and the host's own echo are asked again, and given up in the end")
    func broken() {
        for bad in [Self.frame(0x25, Self.now).dropLast() + [0], Self.frame(0x25, [], end: 0xA3)] {
            var talk = begun(count: 1)
            let before = talk.sent.count
            talk.say(.received(Array(bad)))
            #expect(talk.sent.count == before + 1)
            for _ in 0..<6 where talk.end == nil { talk.say(.received(Array(bad))) }
            guard case .broken? = talk.end else {
                Issue.record("it asks for ever")
                return
            }
            #expect(talk.messages.isEmpty)
        }
    }

    @Test("A meter that sleeps is asked again, and one that says nothing is given up")
    func asleep() {
        var talk = Talk(procedure: TaiDocProcedure(WirePlan(procedure: .taidoc)))
        talk.say(.opened)
        talk.say(.received(Self.frame(0x54, [])))
        #expect(talk.sent.map { $0[1] } == [0x22, 0x22])
        for _ in 0..<6 where talk.end == nil { talk.say(.timedOut) }
        #expect(talk.end == .broken("command 0x22: it does not answer"))
    }

    @Test("Nothing but questions is ever sent: no erase, no clock", arguments: 1...20)
    func harmless(seed: UInt64) {
        var talk = begun(count: 200)
        var state = seed
        for _ in 0..<300 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let command = [0x22, 0x23, 0x24, 0x25, 0x26, 0x2B, 0x54, 0x33, 0x52][
                Int(state >> 33) % 9]
            let bytes = Self.frame(
                UInt8(command), [UInt8(state >> 40 & 255), UInt8(state >> 48 & 255)])
            talk.say(state >> 60 == 0 ? .timedOut : .received(bytes))
        }
        #expect(!talk.sent.contains { [0x33, 0x52, 0x85].contains($0[1]) })
    }
}

@Suite("Devices that answer commands with lines") struct CommandsProcedureTests {
    private static let plan: WirePlan = {
        var plan = WirePlan(procedure: .commands)
        plan.framing = .lines(maximum: 64)
        plan.commands = [
            WirePlan.Command(name: "clock", bytes: [1]),
            WirePlan.Command(name: "erase", bytes: [9], isForbidden: true),
            WirePlan.Command(name: "records", bytes: [2]),
        ]
        return plan
    }()

    @Test("Each command is sent once, in order, and one that must never be sent is not")
    func order() {
        var talk = Talk(procedure: CommandsProcedure(Self.plan))
        talk.say(.opened)
        talk.say(.received(Array("F 12:00\r\n".utf8)))
        #expect(talk.isPausing && talk.sent == [[1]])
        talk.say(.paused)
        talk.say(.received(Array("P 1\r\nP ".utf8)))
        talk.say(.received(Array("2\r\n".utf8)))
        talk.say(.paused)
        #expect(talk.sent == [[1], [2]])
        #expect(
            talk.messages.map { String(decoding: $0, as: UTF8.self) } == ["F 12:00", "P 1", "P 2"])
        #expect(talk.isStoring && talk.end == nil)
        talk.say(.stored)
        #expect(talk.end == .complete)
    }

    @Test("A line that was cut off is not joined with the answer to the next command")
    func cutOff() {
        var talk = Talk(procedure: CommandsProcedure(Self.plan))
        talk.say(.opened)
        talk.say(.received(Array("F 12:00\r\nF 13".utf8)))
        talk.say(.paused)
        talk.say(.received(Array("P 1\r\n".utf8)))
        #expect(talk.messages.map { String(decoding: $0, as: UTF8.self) } == ["F 12:00", "P 1"])
    }

    @Test("A device that says nothing is asked three times and then left alone")
    func silent() {
        var talk = Talk(procedure: CommandsProcedure(Self.plan))
        talk.say(.opened)
        for _ in 0..<5 where talk.end == nil { talk.say(.timedOut) }
        #expect(talk.sent == [[1], [1], [1]])
        #expect(talk.end == .broken("the device does not answer"))
    }
}
