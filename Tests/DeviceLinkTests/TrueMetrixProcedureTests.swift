import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

@Suite("TRUE METRIX meters on a cable") struct TrueMetrixProcedureTests {
    @Test(
        "A meter is woken, says what it is, tells its clock, gives each result once and is told to sleep",
        arguments: [1, 2, 7, 18, 62, 63])
    func whole(part: Int) {
        var meter = TrueMetrixMeter()
        meter.part = part
        let talk = talk(&meter)
        #expect(talk.end == .complete)
        #expect(String(meter.asked) == "^IZVTG_")
        #expect(talk.serial == "TA12345678" && talk.model == "TRUE METRIX AIR")
        #expect(talk.firmware == "v1.02")
        #expect(talk.clocks.map(\.description) == ["2026-06-15T15:00:09"])
        #expect(
            talk.messages.map { String(decoding: $0, as: UTF8.self) } == [
                "(g565F659D07800)85", "(g565F659D07800)85#2",
                String(decoding: TrueMetrixMeter.frame("g565F634D05F00"), as: UTF8.self),
            ])
        #expect(talk.notes.isEmpty)
    }

    @Test("Only commands that read go out, whatever the meter says")
    func readOnly() {
        for silent in "^IZVTG_" {
            var meter = TrueMetrixMeter()
            meter.silence = [silent: 2]
            let talk = talk(&meter)
            #expect(talk.end == .complete, "\(silent)")
            #expect(Set(talk.sent.map { $0[3] }).isSubset(of: Set("^IZVTG_".utf8)))
        }
    }

    @Test("A cradle without a meter is woken three times, then left, and says what a person can do")
    func empty() {
        var meter = TrueMetrixMeter()
        meter.silence = Dictionary(uniqueKeysWithValues: "^IZVTG_".map { ($0, 99) })
        let talk = talk(&meter)
        #expect(
            talk.end == .broken("the meter: it does not answer; is it in its cradle, and awake?"))
        #expect(String(meter.asked) == "^I_^I_^I_")
        #expect(talk.messages.isEmpty)
    }

    @Test("A meter of a kind that is not known is not read: its results may stand otherwise")
    func otherModel() {
        var meter = TrueMetrixMeter()
        meter.model = "iXR9"
        let talk = talk(&meter)
        #expect(talk.end == .needsPerson("the meter calls itself 'XR9', which is not known"))
        #expect(!meter.asked.contains("G") && meter.asked.last == "_")
    }

    @Test("Without firmware it is read; without a clock too, and the session says so")
    func optional() {
        var meter = TrueMetrixMeter()
        meter.silence = ["V": 9, "T": 9]
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(talk.firmware == nil && talk.clocks.isEmpty)
        #expect(talk.notes.contains(.clockUnreadable("the meter does not tell it")))
        var wrong = TrueMetrixMeter()
        wrong.clock = "t096015150626"
        let other = TrueMetrixProcedureTests.run(&wrong)
        #expect(other.clocks.isEmpty && other.messages.count == 3)
        #expect(other.notes.contains(.clockUnreadable("an impossible time")))
    }

    private static func run(_ meter: inout TrueMetrixMeter) -> Talk { talk(&meter) }

    @Test(
        "A meter that gives no serial number, or two of them, is not read: whose results are they?")
    func serial() {
        for text in ["z1", "k1"] {
            var meter = TrueMetrixMeter()
            meter.serial = text
            let talk = talk(&meter)
            #expect(talk.isBroken && talk.messages.isEmpty)
            #expect(!meter.asked.contains("G"))
        }
    }

    @Test(
        "A download whose own checksum does not fit is asked for again; then nothing of it is used")
    func downloadChecksum() {
        var meter = TrueMetrixMeter()
        meter.sum = "x01234"
        let broken = talk(&meter)
        #expect(
            broken.end == .broken("the meter: the download checksum does not fit its 3 results"))
        #expect(broken.messages.isEmpty && String(meter.asked) == "^IZVTGGG_")
        #expect(refusals(broken, "answer").count == 3)
        // Once only: a digit that turned on the way, with a checksum that still fits.
        var once = TrueMetrixMeter()
        once.spoil = { command, count, reports in
            guard command == "G", count == 1 else { return reports }
            return TrueMetrixMeter.reports(
                TrueMetrixMeter.frame("g565F659D07801") + TrueMetrixMeter.frame("x00303"), part: 63)
        }
        let again = talk(&once)
        #expect(again.end == .complete && again.messages.count == 3)
        #expect(refusals(again, "answer").count == 1)
    }

    @Test(
        "A message whose checksum does not fit is named with its place, and the download asked again"
    )
    func frameChecksum() {
        var meter = TrueMetrixMeter()
        meter.part = 18
        meter.spoil = { command, count, reports in
            guard command == "G", count == 1 else { return reports }
            var wrong = reports
            wrong[1][8] ^= 1
            return wrong
        }
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(
            refusals(talk, "frame-checksum")
                == ["message 2 of results, byte 36: the frame checksum does not fit"])
        #expect(
            refusals(talk, "answer")
                == ["results: the download checksum does not fit its 2 results"])
    }

    @Test(
        "Reports that count more than they hold are refused by number; the rest is asked for again")
    func counts() {
        var meter = TrueMetrixMeter()
        meter.part = 18
        meter.spoil = { command, count, reports in
            guard command == "G", count == 1 else { return reports }
            var wrong = reports
            wrong[2][0] = 64
            return wrong
        }
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(
            refusals(talk, "report")
                == ["report 3 of results: a report of 64 bytes counts 64 behind its first"])
        #expect(refusals(talk, "answer").count == 1)
    }

    @Test("What an earlier talk left in the pipe is counted and begins no message")
    func stale() {
        var meter = TrueMetrixMeter()
        meter.spoil = { command, _, reports in
            guard command == "I" || command == "G" else { return reports }
            return TrueMetrixMeter.reports(Array("F)9A\r\n(z1".utf8), part: 63) + reports
        }
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(
            refusals(talk, "framing") == [
                "9 bytes of model that are in no message",
                "9 bytes of results that are in no message",
            ])
    }

    @Test("A message that is cut off at the end of an answer is not joined with the next answer")
    func cutOff() {
        var meter = TrueMetrixMeter()
        meter.spoil = { command, count, reports in
            guard command == "T", count == 1 else { return reports }
            return TrueMetrixMeter.reports(Array("(t0900".utf8), part: 63)
        }
        let talk = talk(&meter)
        #expect(talk.clocks.map(\.description) == ["2026-06-15T15:00:09"])
        #expect(refusals(talk, "framing") == ["6 bytes of clock that are in no message"])
        #expect(talk.end == .complete)
    }

    @Test("A meter that never stops talking is left, in whatever way it goes on")
    func endless() {
        let floods: [[UInt8]] = [
            [0] + [UInt8](repeating: 0, count: 63), [63] + [UInt8](repeating: 0x28, count: 63),
            [64] + [UInt8](repeating: 0x28, count: 63),
            TrueMetrixMeter.reports(TrueMetrixMeter.frame("g565F659D07800"), part: 63)[0],
        ]
        for flood in floods {
            var talk = Talk(procedure: TrueMetrixProcedure(WirePlan(procedure: .trueMetrix)))
            talk.say(.opened)
            var count = 0
            while talk.sent.count == 1, count < 10_000 {
                talk.say(flood)
                count += 1
            }
            #expect(count <= 4_096)
            #expect(talk.sent.last == TrueMetrix.report("_"))
            talk.say(flood)
            talk.say(.paused)
            #expect(talk.end == .broken("the meter: an answer without an end"))
        }
    }

    @Test("Messages of other kinds among the results are counted, and the results are read")
    func others() {
        var meter = TrueMetrixMeter()
        meter.spoil = { command, _, reports in
            command == "G"
                ? TrueMetrixMeter.reports(TrueMetrixMeter.frame("k165F"), part: 63) + reports
                : reports
        }
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(refusals(talk, "message") == ["1 messages of kinds that are not known"])
    }

    @Test("What comes while results are being stored, or later, changes nothing and is counted")
    func late() {
        var meter = TrueMetrixMeter()
        var talk = Talk(procedure: TrueMetrixProcedure(WirePlan(procedure: .trueMetrix)))
        talk.say(.opened)
        var heard = 0
        while !talk.isStoring {
            while heard < talk.sent.count {
                heard += 1
                for report in meter.answer(talk.sent[heard - 1]) { talk.say(report) }
            }
            talk.say(.paused)
        }
        let results = TrueMetrixMeter.reports(TrueMetrixMeter.frame("g565F659D07800"), part: 63)
        talk.say(results[0])
        talk.say(.paused)
        #expect(talk.messages.count == 3 && talk.end == nil && !talk.procedure.isAtRest)
        talk.say(.stored)
        talk.say(results[0])
        // Pulled now, it has given all that it had.
        #expect(talk.end == nil && talk.procedure.isAtRest)
        talk.say(.paused)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(refusals(talk, "late-report").count == 2)
    }

    @Test("Bytes that turn, vanish or come twice on the way give no result that the meter has not")
    func fuzz() {
        var whole = TrueMetrixMeter()
        let known = Set(talk(&whole).messages)
        var complete = 0
        for seed in 1...300 {
            var dice = Dice(seed)
            var meter = TrueMetrixMeter()
            meter.part = 1 + dice.roll(63)
            meter.spoil = { _, _, reports in
                var spoiled = reports
                guard !spoiled.isEmpty, dice.roll(3) == 0 else { return spoiled }
                let place = dice.roll(spoiled.count)
                switch dice.roll(4) {
                case 0: spoiled[place][dice.roll(64)] = UInt8(dice.roll(256))
                case 1: spoiled.remove(at: place)
                case 2: spoiled.insert(spoiled[place], at: place)
                default: spoiled[place] = dice.bytes(70)
                }
                return spoiled
            }
            let talk = talk(&meter)
            #expect(talk.end != nil)
            #expect(Set(talk.messages).isSubset(of: known), "seed \(seed)")
            if talk.end == .complete {
                complete += 1
                #expect(talk.messages.count == 3, "seed \(seed)")
            } else {
                #expect(talk.messages.isEmpty, "seed \(seed)")
            }
        }
        #expect(complete > 100)
    }
}
