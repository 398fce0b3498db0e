import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

/// A TRUE METRIX meter of code: answers each command with messages, cut into reports.
private struct Meter {
    var model = "iBLU"
    var serial = "z1TA12345678"
    var firmware = "v1.02"
    /// 2026-06-15 15:00:09
    var clock = "t090015150626"
    var results = ["g565F659D07800", "g565F659D07800", "g565F634D05F00"]
    var sum: String?
    /// How many bytes of a message's stream a report holds.
    var part = 63
    /// Commands that get no answer, and how often.
    var silence: [Character: Int] = [:]
    /// Changes the reports of an answer: the command, how often it was asked, the reports.
    var spoil: (Character, Int, [[UInt8]]) -> [[UInt8]] = { $2 }
    private(set) var asked: [Character] = []

    static func frame(_ content: String) -> [UInt8] {
        let text = Array("(\(content))".utf8)
        let sum = String(text.reduce(0 as UInt8, &+), radix: 16, uppercase: true)
        return text + Array(((sum.utf8.count < 2 ? "0" : "") + sum).utf8)
    }

    static func reports(_ bytes: [UInt8], part: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: part).map { start in
            let part = bytes[start..<min(start + part, bytes.count)]
            // What lies behind looks like the beginning of a message.
            return [UInt8(part.count)] + part + [UInt8](repeating: 0x28, count: 63 - part.count)
        }
    }

    private var checksum: String {
        let sum = results.reduce(0) { sum, text in
            text.utf8.dropFirst(2).reduce(sum) { $0 + Int($1) }
        }
        let digits = String(sum % 65_536, radix: 16, uppercase: true)
        return "x0" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    mutating func answer(_ report: [UInt8]) -> [[UInt8]] {
        guard report.count > 3, report[0] == 0xA0, Int(report[1]) == report.count - 2 else {
            return []
        }
        let command = Character(UnicodeScalar(report[3]))
        asked.append(command)
        if let left = silence[command], left > 0 {
            silence[command] = left - 1
            return []
        }
        let contents: [String] =
            switch command {
            case "I": [model]
            // What it is is said once more, as the public program expects.
            case "Z": [model, serial, serial]
            case "V": [firmware]
            case "T": [clock]
            case "G": results + [sum ?? checksum, sum ?? checksum]
            default: []
            }
        let reports = Self.reports(contents.flatMap { Self.frame($0) }, part: part)
        return spoil(command, asked.filter { $0 == command }.count, reports)
    }
}

/// A whole talk: answers come at once, then the line is silent.
private func talk(_ meter: inout Meter, steps most: Int = 60) -> Talk {
    var talk = Talk(procedure: TrueMetrixProcedure(WirePlan(procedure: .trueMetrix)))
    talk.say(.opened)
    var heard = 0
    for _ in 0..<most where talk.end == nil {
        while heard < talk.sent.count {
            heard += 1
            for report in meter.answer(talk.sent[heard - 1]) { talk.say(report) }
        }
        if talk.isStoring {
            talk.isStoring = false
            talk.say(.stored)
        } else {
            talk.say(.paused)
        }
    }
    return talk
}

private func refusals(_ talk: Talk, _ step: String) -> [String] {
    talk.notes.compactMap {
        if case .refused(step, let why) = $0 { why } else { nil }
    }
}

@Suite("TRUE METRIX meters on a cable") struct TrueMetrixProcedureTests {
    @Test(
        "A meter is woken, says what it is, tells its clock, gives each result once and is told to sleep",
        arguments: [1, 2, 7, 18, 62, 63])
    func whole(part: Int) {
        var meter = Meter()
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
                String(decoding: Meter.frame("g565F634D05F00"), as: UTF8.self),
            ])
        #expect(talk.notes.isEmpty)
    }

    @Test("Only commands that read go out, whatever the meter says")
    func readOnly() {
        for silent in "^IZVTG_" {
            var meter = Meter()
            meter.silence = [silent: 2]
            let talk = talk(&meter)
            #expect(talk.end == .complete, "\(silent)")
            #expect(Set(talk.sent.map { $0[3] }).isSubset(of: Set("^IZVTG_".utf8)))
        }
    }

    @Test("A cradle without a meter is woken three times, then left, and says what a person can do")
    func empty() {
        var meter = Meter()
        meter.silence = Dictionary(uniqueKeysWithValues: "^IZVTG_".map { ($0, 99) })
        let talk = talk(&meter)
        #expect(
            talk.end == .broken("the meter: it does not answer; is it in its cradle, and awake?"))
        #expect(String(meter.asked) == "^I_^I_^I_")
        #expect(talk.messages.isEmpty)
    }

    @Test("A meter of a kind that is not known is not read: its results may stand otherwise")
    func otherModel() {
        var meter = Meter()
        meter.model = "iXR9"
        let talk = talk(&meter)
        #expect(talk.end == .needsPerson("the meter calls itself 'XR9', which is not known"))
        #expect(!meter.asked.contains("G") && meter.asked.last == "_")
    }

    @Test("Without firmware it is read; without a clock too, and the session says so")
    func optional() {
        var meter = Meter()
        meter.silence = ["V": 9, "T": 9]
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(talk.firmware == nil && talk.clocks.isEmpty)
        #expect(talk.notes.contains(.clockUnreadable("the meter does not tell it")))
        var wrong = Meter()
        wrong.clock = "t096015150626"
        let other = TrueMetrixProcedureTests.run(&wrong)
        #expect(other.clocks.isEmpty && other.messages.count == 3)
        #expect(other.notes.contains(.clockUnreadable("an impossible time")))
    }

    private static func run(_ meter: inout Meter) -> Talk { talk(&meter) }

    @Test(
        "A meter that gives no serial number, or two of them, is not read: whose results are they?")
    func serial() {
        for text in ["z1", "k1"] {
            var meter = Meter()
            meter.serial = text
            let talk = talk(&meter)
            #expect(talk.isBroken && talk.messages.isEmpty)
            #expect(!meter.asked.contains("G"))
        }
    }

    @Test(
        "A download whose own checksum does not fit is asked for again; then nothing of it is used")
    func downloadChecksum() {
        var meter = Meter()
        meter.sum = "x01234"
        let broken = talk(&meter)
        #expect(
            broken.end == .broken("the meter: the download checksum does not fit its 3 results"))
        #expect(broken.messages.isEmpty && String(meter.asked) == "^IZVTGGG_")
        #expect(refusals(broken, "answer").count == 3)
        // Once only: a digit that turned on the way, with a checksum that still fits.
        var once = Meter()
        once.spoil = { command, count, reports in
            guard command == "G", count == 1 else { return reports }
            return Meter.reports(
                Meter.frame("g565F659D07801") + Meter.frame("x00303"), part: 63)
        }
        let again = talk(&once)
        #expect(again.end == .complete && again.messages.count == 3)
        #expect(refusals(again, "answer").count == 1)
    }

    @Test(
        "A message whose checksum does not fit is named with its place, and the download asked again"
    )
    func frameChecksum() {
        var meter = Meter()
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
        var meter = Meter()
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
        var meter = Meter()
        meter.spoil = { command, _, reports in
            guard command == "I" || command == "G" else { return reports }
            return Meter.reports(Array("F)9A\r\n(z1".utf8), part: 63) + reports
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
        var meter = Meter()
        meter.spoil = { command, count, reports in
            guard command == "T", count == 1 else { return reports }
            return Meter.reports(Array("(t0900".utf8), part: 63)
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
            Meter.reports(Meter.frame("g565F659D07800"), part: 63)[0],
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
        var meter = Meter()
        meter.spoil = { command, _, reports in
            command == "G" ? Meter.reports(Meter.frame("k165F"), part: 63) + reports : reports
        }
        let talk = talk(&meter)
        #expect(talk.end == .complete && talk.messages.count == 3)
        #expect(refusals(talk, "message") == ["1 messages of kinds that are not known"])
    }

    @Test("What comes while results are being stored, or later, changes nothing and is counted")
    func late() {
        var meter = Meter()
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
        let results = Meter.reports(Meter.frame("g565F659D07800"), part: 63)
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
        var whole = Meter()
        let known = Set(talk(&whole).messages)
        var complete = 0
        for seed in 1...300 {
            var dice = Dice(seed)
            var meter = Meter()
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

@Suite("A session with a TRUE METRIX meter") struct TrueMetrixSessionTests {
    private static let zone = TimeZoneRules(name: "Asia/Tokyo", fixedOffsetSeconds: 9 * 3_600)
    /// 2026-06-15 15:00:00 in Tokyo.
    private static let start = Instant(seconds: 1_781_503_200)

    private func profile() throws -> DeviceProfile {
        let text = """
            profile: 1
            id: meter
            revision: 1
            title: Test
            class: glucose
            transport: usb-hid
            confidence: unverified
            confidence-note: Test
            manufacturer-code: Example
            models: [ { name: TRUE METRIX }, { name: TRUE METRIX AIR } ]
            match: [ { usb: "0001:0002" } ]
            wire: { procedure: true-metrix, reply-timeout: 2s }
            layouts: [ { source: usb, protocol: true-metrix } ]
            time: { clock: local, readings: stored, resolution: minute }
            codes: { same-record: { family: true-metrix, resolution: minute } }
            """
        let problems = ProblemList()
        let profile = ProfileLoader.load(Array(text.utf8), file: "test.yaml", problems: problems)
        #expect(problems.problems.map(\.description) == [])
        return try #require(profile)
    }

    /// Runs a session on a clock that goes on with every silence; returns records and the end.
    private func run(
        _ meter: inout Meter, port: String = "usb:1-1"
    ) throws -> (records: [SessionEntry], end: SessionEnd?) {
        var now = Self.start
        func time() -> GatewayTime {
            GatewayTime(utc: now, monotonicNanoseconds: 0, synchronised: true)
        }
        var session = try #require(
            WireSession(
                candidates: [try profile()], device: DeviceDescription(id: DeviceID(port)),
                memory: DeviceMemory(), zone: Self.zone, simulated: false, now: time()))
        var events: [WireEvent] = [.opened(at: time())]
        var entries: [SessionEntry] = []
        var end: SessionEnd?
        var pause: Interval?
        for _ in 0..<1_000 where end == nil {
            if events.isEmpty {
                now = now + (pause ?? .seconds(1))
                pause = nil
                events = [.timer(.pause, at: time())]
            }
            for action in session.handle(events.removeFirst()) {
                switch action {
                case .send(let bytes):
                    events += meter.answer(bytes).map { .received($0, at: time()) }
                case .startTimer(.pause, let length): pause = length
                case .cancelTimer: pause = nil
                case .commit(let commit):
                    entries += commit.entries
                    events.append(.committed(commit.number, at: time()))
                case .finished(let reached): end = reached
                default: break
                }
            }
        }
        return (entries, end)
    }

    @Test(
        "Each result is a record of the model that the meter says it is, with the time of its own clock"
    )
    func records() throws {
        var meter = Meter()
        // The clock is read 8 s after the start.
        meter.clock = "t080015150626"
        meter.results += ["g565F659D2BC00", "g565F659D07801"]
        let (entries, end) = try run(&meter)
        #expect(end == .complete)
        let records = entries.compactMap(\.record)
        #expect(entries.count == 5 && records.count == 3)
        #expect(Set(records.map(\.key)).count == 3)
        #expect(Set(records.compactMap(\.device.model)) == ["TRUE METRIX AIR"])
        #expect(Set(records.compactMap(\.device.serial)) == ["TA12345678"])
        #expect(records.allSatisfy { $0.quarantine == nil && $0.time != nil })
        #expect(
            records.map { $0.quantities.map { $0.number?.text } } == [["120"], ["120"], ["95"]])
    }

    @Test("A clock that is ten minutes slow is corrected by what it showed when it was read")
    func slowClock() throws {
        var right = Meter()
        right.clock = "t080015150626"
        var slow = Meter()
        slow.clock = "t085014150626"
        let times = try [run(&right), run(&slow)].map {
            try #require($0.records[0].record?.time).observed
        }
        #expect(times[1] - times[0] == .minutes(10))
    }

    @Test("In another socket it is the same meter: its records have the same keys")
    func otherSocket() throws {
        var meter = Meter()
        let first = try run(&meter).records.map(\.key)
        let second = try run(&meter, port: "usb:2-3").records.map(\.key)
        #expect(first == second)
        meter.serial = "z1TA99999999"
        #expect(Set(try run(&meter).records.map(\.key)).isDisjoint(with: first))
    }
}
