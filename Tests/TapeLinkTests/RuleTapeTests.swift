import DataFiles
import DeviceProfile
import Measurement
import Testing

@testable import TapeLink

/// Recorded sessions of shipped profiles, one or more for each rule, each with what has to come out.
///
/// `Tests/Fixtures/time/expected.txt` names the tapes and, in order, what they give.
@Suite struct RuleTapeTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var expected: [String]
    }

    static let folder =
        #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        + "/Fixtures/time/"

    static let examples: [Example] = {
        let bytes = (try? FileReader.read(folder + "expected.txt")) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let name = line.prefix { $0 != ":" }
            let rest = line.dropFirst(name.count + 2).split(separator: "|")
            return Example(
                testDescription: String(name),
                expected: rest.map {
                    String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
                })
        }
    }()

    private static func tapes(of name: String) throws -> [Tape] {
        let files = [name + ".tape"] + (1...9).map { "\(name).\($0).tape" }
        return try files.compactMap { file in
            guard let bytes = try? FileReader.read(folder + file) else { return nil }
            return try TapeParser.parse(Array(bytes), file: file)
        }
    }

    private static func play(_ name: String) throws -> [String] {
        var replay = TapeReplay(profiles: shipped, zone: tokyo)
        var found: [ReplayResult] = []
        for tape in try tapes(of: name) {
            try replay.play(tape, file: name, each: { found.append($0) }, note: { _ in })
        }
        return found.filter { $0.outcome != .reading(.deviceState) }.map(\.shown)
    }

    @Test(arguments: examples) func `a tape gives what its rule says`(example: Example) throws {
        // 70.00 kg and 70 kg are the same weight to a rule of time.
        let found = try Self.play(example.testDescription).map {
            $0.replacing(".000 ", with: " ").replacing(".00 ", with: " ").replacing(
                ".0 ", with: " ")
        }
        #expect(found == example.expected)
    }

    @Test func `no rule is without a tape`() {
        let cases =
            TimeTapeTests.counters + TimeTapeTests.table + TimeTapeTests.days
            + TimeTapeTests.notified + TimeTapeTests.coarse + TimeTapeTests.people
            + TimeTapeTests.gateways
        let names = cases.map(\.testDescription) + Self.examples.map(\.testDescription)
        for rule in 0...20 {
            let short = "T\(rule)"
            let long = "T" + (rule < 10 ? "0" : "") + "\(rule)"
            let isShown = names.contains { name in
                let rules = name.split { " ,:-".contains($0) }
                return rules.contains { $0 == short || $0 == long }
            }
            #expect(isShown, "rule \(short)")
        }
    }
}
