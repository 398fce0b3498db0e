import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

@Suite("Tapes of devices on a cable") struct CablePlayerTests {
    private func play(_ tapes: [String]) throws -> [ReplayResult] {
        var replay = TapeReplay(profiles: shipped, zone: tokyo)
        var results: [ReplayResult] = []
        for (number, text) in tapes.enumerated() {
            let name = "\(number).tape"
            let tape = try TapeParser.parse(Array(text.utf8), file: name)
            try replay.play(tape, file: name, each: { results.append($0) }, note: { _ in })
        }
        return results
    }

    private func tape(_ header: String, _ lines: [(String, String)], day: String = "20") -> String {
        var text = #"{"tape":1,"# + header + "}\n"
        for (number, line) in lines.enumerated() {
            let second = number < 10 ? "0\(number)" : "\(number)"
            text += #"{"at":"2026-03-\#(day)T08:15:00.0\#(second)+09:00",""# + line.0 + #"":"#
            text += #"{"data":""# + line.1 + #""}}"# + "\n"
        }
        return text
    }

    private static let scale = #""transport":"serial","vendor-id":"0403","product-id":"6001""#

    private func line(_ text: String) -> (String, String) { ("in", hex(Array(text.utf8))) }

    @Test("A kiosk on a bound port gives its measurement with the kiosk's own time")
    func kiosk() throws {
        let results = try play([
            tape(
                Self.scale + #","bound-to":"omron-hbp-9020""#,
                [line("bp,99999999999999999999,2026/03/20,08:14,140,098,0"), line("77,068,3\r\n")])
        ])
        #expect(results.map(\.outcome) == [.reading(.measurement)])
        #expect(results[0].profile == "omron-hbp-9020")
        #expect(results[0].entry.record?.quantity(.diastolic)?.number == ExactDecimal(77))
    }

    @Test(
        "A port that nobody bound is read by the one profile whose lines come, and nothing is sent")
    func probe() throws {
        let results = try play([tape(Self.scale, [line("ST,+0061.20 kg\r\n")])])
        #expect(results.map(\.profile) == ["and-standard-scale"])
        #expect(throws: TapeError.self) {
            try play([tape(Self.scale, [line("hello\r\n")])])
        }
    }

    private static let cuff = #""transport":"usb","vendor-id":"1247","product-id":"00f8""#
    private static let dump = "02" + hex(Array("M1001M20115110321300134097083".utf8)) + "03"

    @Test("A cuff's dump is read once, and again it is a duplicate")
    func again() throws {
        let one = tape(Self.cuff, [("out", "0252303003"), ("in", Self.dump)])
        let results = try play([one, one])
        #expect(results.count == 2)
        #expect(results[1].outcome == .duplicate)
        #expect(results[0].entry.key == results[1].entry.key)
    }

    @Test("A tape that expects something else fails with what was expected and what came")
    func mismatch() throws {
        let error = #expect(throws: TapeError.self) {
            try play([tape(Self.cuff, [("out", "0252303103"), ("in", Self.dump)])])
        }
        #expect(error?.description == "0.tape:2: expected 0252303103, 0252303003 came")
        let more = #expect(throws: TapeError.self) {
            try play([
                tape(Self.cuff, [("out", "*"), ("in", Self.dump), ("out", "0252303003")])
            ])
        }
        #expect(more?.description == "0.tape:4: expected 0252303003, nothing came")
    }

    // MARK: pedometer

    private static func reports(_ hexDigits: String) -> [String] {
        let bytes = hexBytes(hexDigits) ?? []
        return stride(from: 0, to: bytes.count, by: 7).map { start in
            let part = bytes[start..<min(start + 7, bytes.count)]
            return hex(
                [UInt8(part.count)] + Array(part) + [UInt8](repeating: 0, count: 7 - part.count))
        }
    }

    /// A session in which the pedometer has one day with so many steps.
    private func pedometer(steps: String, checksum: String, day: String) -> String {
        let wake: [(String, String)] = [
            ("out", "07"), ("out", "07"), ("out", "07"), ("out", "07"), ("out", "02"),
            ("in", "024f4b"),
        ]
        var lines = wake
        func talk(_ out: String, _ answer: String) {
            lines += Self.reports(out).map { ("out", $0) } + Self.reports(answer).map { ("in", $0) }
        }
        talk("5645523030", version)
        talk("53524c3030", "4f4b0006000000000000" + "06")
        lines += wake
        talk("434e543030", "4f4b000001000001".replacingLast())
        talk(
            "4754440000000404", "4f4b0014" + steps + "0000000000006000130003800a14700320" + checksum
        )
        talk("454e44ffff", "4f4b")
        return tape(#""transport":"usb","vendor-id":"0590","product-id":"0028""#, lines, day: day)
    }

    /// 00, "HJ-720IT 10" and the XOR of both.
    private var version: String {
        let text = Array("HJ-720IT 10".utf8)
        return "4f4b00" + hex(text + [text.reduce(0, ^)])
    }

    @Test("The running day of a pedometer is replaced under one key as it grows")
    func days() throws {
        func sum(_ digits: String) -> String {
            let body = hexBytes("0014" + digits + "0000000000006000130003800a14700320") ?? []
            return hex([body.reduce(0, ^)])
        }
        let first = pedometer(steps: "002710", checksum: sum("002710"), day: "20")
        let second = pedometer(steps: "009590", checksum: sum("009590"), day: "20")
        let results = try play([first, second, second])
        #expect(
            results.map { $0.entry.record?.quantity(.steps)?.number?.text ?? "none" }
                == ["271", "959", "959"])
        #expect(Set(results.map(\.entry.key)).count == 1)
        #expect(results.map { $0.outcome == .duplicate } == [false, false, true])
        #expect(results[0].shown == "271 2026-03-20T00:00:00 code 1 received")
    }

    /// A tape whose gateway is not synchronised from the first line on, and is so at its end.
    private func wrongClock(_ text: String, until end: String?) -> String {
        func clock(_ at: String, _ synchronised: Bool) -> String {
            #"{"at":"\#(at)","gateway-clock":{"synchronised":\#(synchronised)}}"#
        }
        var lines = text.split(separator: "\n").map(String.init)
        lines.insert(clock("2026-03-20T08:14:59+09:00", false), at: 1)
        if let end { lines.append(clock(end, true)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func walk() -> String {
        let body = hexBytes("0014" + "0027100000000000006000130003800a14700320") ?? []
        return pedometer(steps: "002710", checksum: hex([body.reduce(0, ^)]), day: "20")
    }

    @Test("Which day a pedometer counted is not guessed by a gateway that does not know the date")
    func undatedDay() throws {
        let waiting = try play([wrongClock(walk(), until: nil)])
        #expect(waiting.map(\.shown) == ["271 quarantined no-clock-sync"])
        #expect(waiting[0].entry.reading.deviceTime == nil)
    }

    @Test("Once the date is known the day has the key that a later read of it has, too")
    func dayDatedLater() throws {
        let results = try play([
            wrongClock(walk(), until: "2026-03-20T08:20:00+09:00"), walk(),
        ])
        #expect(
            results.map(\.shown) == [
                "271 2026-03-20T00:00:00 code 1 received",
                "271 duplicate 2026-03-20T00:00:00 code 1 received",
            ])
        #expect(results[0].entry.key == results[1].entry.key)
    }
}

extension String {
    /// The XOR of all after the first two bytes in place of the last byte.
    fileprivate func replacingLast() -> String {
        let bytes = hexBytes(self) ?? []
        return hex(Array(bytes.dropLast()) + [bytes[2..<bytes.count - 1].reduce(0, ^)])
    }
}
