import DeviceProfile
import Measurement
import Testing
import YAML

@testable import DeviceLink

/// A TRUE METRIX meter of code: answers each command with messages, cut into reports.
struct TrueMetrixMeter {
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
func talk(_ meter: inout TrueMetrixMeter, steps most: Int = 60) -> Talk {
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

func refusals(_ talk: Talk, _ step: String) -> [String] {
    talk.notes.compactMap {
        if case .refused(step, let why) = $0 { why } else { nil }
    }
}
