import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

@Suite("SD CodeFree meters") struct CodeFreeTests {
    private static let plan: WirePlan = {
        var plan = WirePlan(procedure: .sdCodeFree)
        plan.framing = .lengthByte(start: [0x53], at: 2, plus: 3, maximum: 64)
        return plan
    }()

    private static func frame(_ message: [UInt8]) -> [UInt8] {
        [0x53, 0x20, UInt8(message.count + 2)] + message + [message.reduce(0, ^), 0xAA]
    }

    private static func record(_ value: UInt8) -> [UInt8] {
        frame([0x20, 0, 26, 3, 1, 6, 45, 0, value, 0] + [UInt8](repeating: 0xAA, count: 7))
    }

    private func begun(count: UInt8) -> Talk {
        var talk = Talk(procedure: CodeFreeProcedure(Self.plan))
        talk.say(.opened)
        #expect(talk.sent.isEmpty && talk.procedure.isAtRest)
        talk.say([0] + Self.frame([0x10, 0x30]))
        talk.say(Self.frame([0x30, 0, count] + [UInt8](repeating: 0xAA, count: 19)), in: 7)
        return talk
    }

    @Test(
        "The meter begins; its last fetch goes out only when all is on disk; then it is waited for")
    func whole() {
        var talk = begun(count: 2)
        talk.say(Self.record(170), in: 4)
        talk.say(Self.record(0x53))
        #expect(talk.messages.map { $0[11] } == [170, 0x53])
        #expect(talk.isStoring && talk.sent.count == 3 && !talk.procedure.isAtRest)
        talk.say(.stored)
        #expect(talk.sent.last == [0x53, 0x10, 4, 0x10, 0x60, 0x70, 0xAA])
        talk.say(Self.frame([0x10, 0x70]))
        #expect(talk.end == nil && talk.procedure.isAtRest)
        // Turned on again, with nothing new.
        talk.say(Self.frame([0x10, 0x30]))
        #expect(talk.sent.last == [0x53, 0x10, 4, 0x10, 0x40, 0x50, 0xAA])
    }

    @Test("A meter without records is let go")
    func empty() {
        var talk = begun(count: 0)
        #expect(talk.isStoring && talk.messages.isEmpty)
        talk.say(.stored)
        #expect(talk.sent.count == 2)
    }

    @Test("A record whose checksum does not fit ends the talk: a fetch would give the next one")
    func broken() {
        var bad = Self.record(170)
        bad[11] ^= 1
        for answer in [bad, Self.frame([0x10, 0x30, 0]), Self.frame([0x30, 0, 1])] {
            var talk = begun(count: 2)
            talk.say(answer)
            #expect(talk.isBroken && talk.messages.isEmpty)
        }
        var talk = begun(count: 2)
        talk.say(.timedOut)
        #expect(talk.isBroken)
    }

    @Test("Noise on the line between two talks is noted and ends nothing")
    func noise() {
        var talk = Talk(procedure: CodeFreeProcedure(Self.plan))
        talk.say(.opened)
        talk.say([0x53, 0x20, 4, 1, 2, 3, 4, 5, 6])
        talk.say(.timedOut)
        #expect(talk.end == nil && talk.sent.isEmpty && talk.notes.count == 1)
    }
}

@Suite("CareSens meters on a cable") struct CareSensTests {
    private static let plan: WirePlan = {
        var plan = WirePlan(procedure: .careSens)
        plan.framing = .lengthByte(
            start: [2, 0x69, 0x53, 0x50, 0x63], at: 5, plus: 6, maximum: 262)
        return plan
    }()

    private func begun(count: UInt8) -> Talk {
        var talk = Talk(procedure: CareSensProcedure(Self.plan))
        talk.say(.opened)
        talk.say([0x80])
        talk.say(CareSens.frame("RSNB", Array("ML19 ".utf8)))
        talk.say(CareSens.frame("RTIM", [26, 3, 1, 7, 10, 1]), in: 6)
        talk.say(CareSens.frame("NCOT", [0, count]))
        return talk
    }

    private func records(_ count: Int, from first: Int = 1) -> [UInt8] {
        (first..<first + count).flatMap { [26, 3, 1, 6, UInt8($0), 0, 0x20, 0, 100] }
    }

    @Test("Records are asked for in parts, and all are there once")
    func parts() {
        var talk = begun(count: 30)
        #expect(talk.serial == "ML19" && talk.clocks.map(\.description) == ["2026-03-01T07:10:01"])
        // An answer with records has no checksum that fits.
        var answer = CareSens.frame("GLUE", records(27))
        answer[answer.count - 2] ^= 1
        talk.say(answer, in: 62)
        talk.say(CareSens.frame("GLUE", records(3, from: 28)))
        #expect(talk.messages.count == 30 && Set(talk.messages).count == 30)
        talk.say(.stored)
        #expect(talk.end == .complete)
        #expect(
            talk.sent.suffix(2)
                == [CareSens.frame("GLUE", [0, 1, 27]), CareSens.frame("GLUE", [0, 28, 3])])
    }

    @Test("A part of another length than was asked for is not used")
    func length() {
        var talk = begun(count: 2)
        for _ in 0..<4 { talk.say(CareSens.frame("GLUE", records(1))) }
        #expect(talk.isBroken && talk.messages.isEmpty)
    }

    @Test("A wrong checksum is asked again, with the place of the error")
    func broken() throws {
        var bad = CareSens.frame("NCOT", [0, 1])
        bad[11] ^= 1
        #expect(throws: DecodeError("the checksum does not fit", offset: 12)) {
            try CareSens.open(bad)
        }
        #expect(throws: DecodeError("another length than is said", offset: 5)) {
            try CareSens.open(Array(bad.dropLast()))
        }
        var talk = begun(count: 1)
        talk.say(CareSens.frame("RSNB", [65]))
        #expect(talk.sent.suffix(2).map { $0[6] } == [0x47, 0x47])
    }
}

@Suite("Microlife cuffs on a cable") struct MicrolifeProcedureTests {
    private static func answer(_ text: String) -> [UInt8] {
        let sum = String(text.utf8.reduce(0 as UInt8, &+), radix: 16, uppercase: true)
        return [6] + Array((text + (sum.utf8.count < 2 ? "0" : "") + sum).utf8)
    }

    private static func reports(_ bytes: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: 7).map {
            let part = bytes[$0..<min($0 + 7, bytes.count)]
            return [0xA0 | UInt8(part.count)] + part
                + [UInt8](repeating: 0x39, count: 7 - part.count)
        }
    }

    private static let clock = answer("07112026091000" + String(repeating: "0", count: 18))
    private static let record = "26071109050000000481407800000000"
    private static let head = "0001" + String(repeating: "0", count: 28)

    private func said(_ answers: [[UInt8]]) -> Talk {
        var talk = Talk(procedure: MicrolifeProcedure(WirePlan(procedure: .microlife)))
        talk.say(.opened)
        for answer in answers {
            for report in Self.reports(answer) { talk.say(report) }
            talk.say(.paused)
        }
        return talk
    }

    @Test("The clock is read, then every record of the memory, and nothing is set")
    func whole() {
        var talk = said([Self.clock, Self.answer(Self.head + Self.record)])
        #expect(talk.clocks.map(\.description) == ["2026-07-11T09:10:00"])
        #expect(talk.messages.map { String(decoding: $0, as: UTF8.self) } == [Self.record])
        talk.say(.stored)
        #expect(talk.end == .complete)
        #expect(talk.sent.map { $0[4] } == [0x26, 0x22])
    }

    @Test("An answer that is cut, or whose checksum does not fit, is asked for again")
    func cut() {
        let whole = Self.answer(Self.head + Self.record)
        var bad = whole
        bad[40] ^= 1
        for broken in [Array(whole.dropLast(9)), bad, Self.answer("0003" + Self.head.dropFirst(4))]
        {
            let talk = said([Self.clock, broken])
            #expect(talk.messages.isEmpty && talk.sent.map { $0[4] } == [0x26, 0x22, 0x22])
        }
        var talk = said([Self.clock])
        for _ in 0..<8 where talk.end == nil { talk.say(.timedOut) }
        #expect(talk.isBroken)
    }

    @Test("A report that counts more bytes than it has is refused")
    func counts() {
        var talk = said([])
        for report in [[], [0], [7, 1], [0xF9, 1, 2, 3, 4, 5, 6, 7]] as [[UInt8]] {
            talk.say(report)
        }
        #expect(talk.notes.count == 4 && !talk.isPausing)
    }
}

@Suite("Beurer cuffs on a cable") struct BeurerProcedureTests {
    private static let record: [UInt8] = [0x5F, 0x37, 0x48, 0x87, 0x8B, 9, 5, 0x1A]

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0xF4, count: 8 - bytes.count)
    }

    private static let serial: WirePlan = {
        var plan = WirePlan(procedure: .beurer)
        plan.line = WirePlan.Line(speed: 4_800, dataBits: 8, parity: .none, stopBits: 1)
        return plan
    }()

    @Test("On USB each record is asked for by its number, and the cuff is let go in the end")
    func usb() {
        var talk = Talk(procedure: BeurerProcedure(WirePlan(procedure: .beurer)))
        talk.say(.opened)
        for answer in [[0x55], [0x41], [0x42], [0x43], [0x44], [2]] as [[UInt8]] {
            talk.say(Self.padded(answer))
        }
        talk.say(Self.record)
        talk.say(Self.padded([0xA9]))
        #expect(talk.messages == [Self.record])
        #expect(talk.sent.suffix(2) == [Self.padded([0xA3, 1]), Self.padded([0xA3, 2])])
        #expect(talk.isStoring && talk.end == nil)
        talk.say(.stored)
        #expect(talk.sent.suffix(2) == [Self.padded([0xF7]), Self.padded([0xF6])])
        #expect(talk.end == .complete)
    }

    @Test("A report of another length is no answer")
    func short() {
        var talk = Talk(procedure: BeurerProcedure(WirePlan(procedure: .beurer)))
        talk.say(.opened)
        talk.say([0x55])
        #expect(talk.sent.count == 2 && talk.sent[0] == talk.sent[1])
        for _ in 0..<5 where talk.end == nil { talk.say(.timedOut) }
        #expect(talk.isBroken)
    }

    @Test("On a serial line a record is whole when all its bytes came, in whatever parts")
    func line() {
        var talk = Talk(procedure: BeurerProcedure(Self.serial))
        talk.say(.opened)
        talk.say([0x55])
        talk.say([3])
        talk.say([0xAC] + Self.record, in: 2)
        talk.say([0xA9])
        talk.say([0xAC] + Self.record)
        #expect(talk.messages == [Self.record, Self.record])
        #expect(talk.sent == [[0xAA], [0xA2], [0xA3, 1], [0xA3, 2], [0xA3, 3]])
        talk.say(.stored)
        #expect(talk.end == .complete && talk.sent.count == 5)
    }

    @Test("A record that is cut off is asked for again and never taken in part")
    func cut() {
        var talk = Talk(procedure: BeurerProcedure(Self.serial))
        talk.say(.opened)
        talk.say([0x55])
        talk.say([1])
        talk.say([0xAC] + Self.record.dropLast())
        talk.say(.timedOut)
        talk.say([0xAC] + Self.record)
        #expect(talk.messages == [Self.record])
        #expect(talk.sent.suffix(2) == [[0xA3, 1], [0xA3, 1]])
    }
}

@Suite("Meters that send listings") struct ListingProcedureTests {
    private static func plan(_ procedure: WirePlan.Procedure, _ commands: [String]) -> WirePlan {
        var plan = WirePlan(procedure: procedure)
        plan.commands = commands.map { .init(name: $0, bytes: Array($0.utf8)) }
        plan.commands.append(.init(name: "set", bytes: [0xC2], isForbidden: true))
        return plan
    }

    private static func dump(_ lines: String) -> [UInt8] {
        let sum = lines.utf8.reduce(UInt16(0)) { $0 &+ UInt16($1) }
        let digits = String(sum, radix: 16, uppercase: true)
        return Array(
            (lines + "0x" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                + "  END\r\n").utf8)
    }

    @Test("Each command's lines come when the listing is whole and its checksum fits")
    func whole() {
        var talk = Talk(
            procedure: ListingProcedure(Self.plan(.abbottSerial, ["$colq", "$xmem"]), .abbott))
        talk.say(.opened)
        talk.say("S/N:\tDCGT224-N1602\r\nCMD")
        #expect(talk.messages.isEmpty)
        talk.say(" OK\r\n")
        talk.say(Self.dump("\r\n093  Apr  22 2014 02:10 G 0x00\r\n"), in: 9)
        #expect(
            talk.messages.map { String(decoding: $0, as: UTF8.self) }
                == ["S/N:\tDCGT224-N1602", "093  Apr  22 2014 02:10 G 0x00"])
        talk.say(.stored)
        #expect(talk.end == .complete)
        #expect(talk.sent == [Array("$colq".utf8), Array("$xmem".utf8)])
    }

    @Test("A listing whose checksum does not fit is asked for again, and given up in the end")
    func broken() {
        var talk = Talk(procedure: ListingProcedure(Self.plan(.abbottSerial, ["$xmem"]), .abbott))
        talk.say(.opened)
        var bad = Self.dump("\r\n093  Apr  22 2014 02:10 G 0x00\r\n")
        bad[3] ^= 1
        for _ in 0..<5 where talk.end == nil { talk.say(bad) }
        #expect(talk.end == .broken("the meter: the checksum does not fit"))
        #expect(talk.sent.count == 4 && talk.messages.isEmpty)
    }

    @Test("An Areo without readings gives none, and its clock is never set")
    func areo() {
        var talk = Talk(procedure: ListingProcedure(Self.plan(.glucomen, ["r"]), .areo))
        talk.say(.opened)
        talk.say([0x5B, 13, 10, 0x90, 0x3D, 13, 10, 0x5D, 13, 10])
        talk.say(.stored)
        #expect(talk.end == .complete && talk.messages.isEmpty && talk.sent.count == 1)
    }
}

@Suite("Every talk with a meter or a cuff, whatever it says") struct ProcedureFuzzTests {
    private static let plans: [WirePlan] = {
        let kinds: [(WirePlan.Procedure, WirePlan.Framing)] = [
            (.lifescanLink, .lengthByte(start: [2], at: 1, plus: 0, maximum: 64)),
            (.lifescanLine, .lengthByte(start: [2], at: 1, plus: 0, maximum: 64)),
            (.sdCodeFree, .lengthByte(start: [0x53], at: 2, plus: 3, maximum: 64)),
            (.abbott, .countedReports(countAt: 1, maximum: 62, busy: [])),
            (.abbottSerial, .transfer), (.glucomen, .transfer), (.microlife, .transfer),
            (.beurer, .transfer), (.taidoc, .fixed(start: [0x51], length: 8)),
            (.ascensia, .transfer), (.lifescanStorage, .transfer), (.trueMetrix, .transfer),
            (.jpi, .between(start: [2], end: [3], trailing: 0, maximum: 4_100)),
        ]
        return kinds.map { kind, framing in
            var plan = WirePlan(procedure: kind)
            plan.framing = framing
            plan.commands = [.init(name: "memory", bytes: [1])]
            return plan
        }
    }()

    @Test("It ends, or waits, and never asks without end", arguments: 1...25)
    func anything(seed: Int) throws {
        var dice = Dice(seed)
        for plan in Self.plans {
            var talk = Talk(procedure: try #require(WireProcedures.make(plan)))
            talk.say(.opened)
            for _ in 0..<150 where talk.end == nil {
                switch dice.roll(8) {
                case 0: talk.say(.timedOut)
                case 1: talk.say(.paused)
                case 2: talk.say(.done)
                case 3: talk.say(.block(dice.bytes(512)))
                case 4 where talk.isStoring: talk.say(.stored)
                default:
                    // Beginnings that the protocols know, then anything.
                    let heads: [[UInt8]] = [
                        [2], [0x53, 0x20], [0x51], [6], [0x60, 5], [0x5B], [0xAC],
                        [0x41, 0x42, 0x43], [5, 0x28],
                    ]
                    talk.say(heads[dice.roll(heads.count)] + dice.bytes(40))
                }
            }
            #expect(talk.sent.count < 1_000, "\(plan.procedure)")
        }
    }
}
