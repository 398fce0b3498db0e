import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// A OneTouch Ultra Mini: what it answers to each packet, with the numbers in its link byte.
private struct UltraMini {
    var records: [(seconds: UInt32, value: UInt32)] = [(1_772_347_500, 117), (1_772_309_400, 98)]
    private var sent = false
    private var expected = false
    private(set) var asked: [[UInt8]] = []

    static func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The packets that answer one of the host's; empty for an acknowledgement.
    mutating func hear(_ packet: [UInt8]) throws -> [[UInt8]] {
        let (link, body) = try LifeScan.open(packet)
        if link & 8 != 0 {
            (sent, expected) = (false, false)
            return [LifeScan.packet(link: 0x0C, [])]
        }
        if link & 4 != 0 { return [] }
        let due = expected
        #expect((link & 1 != 0) == due, "a packet with another number than was due")
        expected.toggle()
        asked.append(body)
        defer { sent.toggle() }
        return [
            LifeScan.packet(link: 4 | (sent ? 1 : 0) | (expected ? 2 : 0), []),
            LifeScan.packet(
                link: (sent ? 1 : 0) | (expected ? 2 : 0), [5, 6] + answer(body)),
        ]
    }

    private func answer(_ body: [UInt8]) -> [UInt8] {
        switch body[1] {
        case 0x0B: return Array("C176SA0KA".utf8) + [0]
        case 0x20: return Self.bytes(1_772_349_000)
        default:
            let index = Int(body[2]) | Int(body[3]) << 8
            if index == 501 { return [UInt8(records.count), 0] }
            return Self.bytes(records[index].seconds) + Self.bytes(records[index].value)
        }
    }
}

@Suite("LifeScan meters on a serial line") struct LifeScanLineTests {
    private static func plan(_ procedure: WirePlan.Procedure) -> WirePlan {
        var plan = WirePlan(procedure: procedure)
        plan.framing = .lengthByte(start: [2], at: 1, plus: 0, maximum: 64)
        return plan
    }

    /// Lets the two talk; `lose` says which of the meter's packets does not arrive.
    private func talk(_ meter: inout UltraMini, lose: Set<Int> = [], twice: Set<Int> = []) throws
        -> Talk
    {
        var talk = Talk(procedure: LifeScanLineProcedure(Self.plan(.lifescanLink)))
        talk.say(.opened)
        var (heard, number) = (0, 0)
        while talk.end == nil, number < 200 {
            guard heard < talk.sent.count else {
                if talk.isStoring { talk.say(.stored) } else { talk.say(.timedOut) }
                number += 1
                continue
            }
            for packet in try meter.hear(talk.sent[heard]) {
                number += 1
                if lose.contains(number) { continue }
                talk.say(packet, in: 5)
                if twice.contains(number) { talk.say(packet) }
            }
            heard += 1
        }
        return talk
    }

    @Test("Every record is read once, with the clock and the serial number before it")
    func whole() throws {
        var meter = UltraMini()
        let talk = try talk(&meter)
        #expect(talk.end == .complete)
        #expect(talk.serial == "C176SA0KA")
        #expect(talk.clocks.map(\.description) == ["2026-03-01T07:10:00"])
        #expect(talk.messages.count == 2)
        #expect(!meter.asked.contains { $0[1] == 0x1A || $0.starts(with: [5, 0x20, 1]) })
    }

    @Test("A packet that is lost or comes twice costs time, no record", arguments: 1...14)
    func trouble(number: Int) throws {
        for twice in [false, true] {
            var meter = UltraMini()
            let talk = try talk(
                &meter, lose: twice ? [] : [number], twice: twice ? [number] : [])
            #expect(talk.end == .complete)
            #expect(Set(talk.messages).count == 2 && talk.messages.count == 2)
        }
    }

    @Test("A meter that says nothing is left alone after some tries")
    func silent() {
        var talk = Talk(procedure: LifeScanLineProcedure(Self.plan(.lifescanLink)))
        talk.say(.opened)
        for _ in 0..<10 where talk.end == nil { talk.say(.timedOut) }
        #expect(talk.end == .broken("the meter: it does not answer"))
        #expect(talk.sent.count == 6 && Set(talk.sent).count == 1)
    }

    @Test("A Verio IQ is asked packet by packet, and again where a checksum does not fit")
    func verio() {
        var talk = Talk(procedure: LifeScanLineProcedure(Self.plan(.lifescanLine)))
        talk.say(.opened)
        func reply(_ data: [UInt8]) -> [UInt8] { LifeScan.packet([3, 6] + data) }
        talk.say(reply(Array("ZGMC".utf8) + [0]))
        var broken = reply([0, 0, 0, 0x31])
        broken[7] ^= 1
        talk.say(broken)
        talk.say(reply([0, 0, 0, 0x31]))
        talk.say(reply([1, 0]))
        let record: [UInt8] = [0, 0, 0, 0x31, 112, 0, 0, 1, 0, 0]
        talk.say(reply(record), in: 3)
        #expect(talk.serial == "ZGMC" && talk.clocks.count == 1)
        #expect(talk.messages == [reply(record)])
        #expect(talk.isStoring && talk.end == nil)
        talk.say(.stored)
        #expect(talk.end == .complete)
        // Questions only, the clock's twice.
        #expect(talk.sent.map { $0[4] } == [0x0B, 0x20, 0x20, 0x27, 0x21])
    }

    @Test("A clock that was never set is said, and is no time")
    func unset() {
        var talk = Talk(procedure: LifeScanLineProcedure(Self.plan(.lifescanLine)))
        talk.say(.opened)
        talk.say(LifeScan.packet([3, 6, 65, 0]))
        talk.say(LifeScan.packet([3, 6, 0, 0, 0, 0]))
        #expect(talk.clocks.isEmpty && talk.notes.count == 1)
    }

    @Test("Whatever comes, nothing but questions goes out", arguments: 1...30)
    func harmless(seed: Int) {
        var dice = Dice(seed)
        for procedure in [WirePlan.Procedure.lifescanLink, .lifescanLine] {
            var talk = Talk(procedure: LifeScanLineProcedure(Self.plan(procedure)))
            talk.say(.opened)
            for _ in 0..<200 where talk.end == nil {
                switch dice.roll(4) {
                case 0: talk.say(.timedOut)
                case 1: talk.say(dice.bytes(20))
                default:
                    let link = UInt8(dice.roll(16))
                    let body: [UInt8] = dice.roll(3) == 0 ? [] : [5, 6] + dice.bytes(12)
                    talk.say(LifeScan.packet(link: link, body))
                }
            }
            for packet in talk.sent {
                let body = (try? LifeScan.open(packet))?.body ?? [0, 0x1A]
                #expect(body.isEmpty || [0x0B, 0x20, 0x1F, 0x27, 0x21].contains(body[1]))
                // Reading the clock, never setting it.
                #expect(body.count < 3 || body[1] != 0x20 || body[2] == 2)
            }
        }
    }
}
