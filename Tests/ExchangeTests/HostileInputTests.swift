import JSON
import Measurement
import Testing
import YAML

@testable import Exchange

/// The same numbers at every run, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Hostile and unlikely input") struct HostileInputTests {
    @Test(
        "whatever a record holds, it is refused or its document keeps every rule", arguments: 1...8)
    func encoder(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let extensions: Set<String> = ["blood-glucose"]
        let options = Sample.options(extensions: extensions, lab: "1")
        var encoder = Encoder(format: try Sample.format(), options: options)
        let validator = Validator(format: try Sample.format(), extensions: extensions)
        var refused = 0
        var written = 0
        for _ in 0..<150 {
            let records = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                Self.record(using: &random)
            }
            let batch = try encoder.encode(records: records, header: Sample.header)
            #expect(batch.perRecord.count == records.count)
            for (index, outcome) in batch.perRecord.enumerated() {
                switch outcome {
                case .encoded(let row):
                    written += 1
                    #expect(batch.rows[row] == index)
                case .refused, .noTable:
                    refused += 1
                    #expect(!batch.rows.contains(index))
                }
            }
            guard !batch.bytes.isEmpty else { continue }
            let problems = validator.problems(in: batch.bytes, rowCount: batch.rows.count)
            #expect(problems.isEmpty, "\(problems) in \(Sample.text(batch))")
        }
        // Both sides are worth nothing when the other never happens.
        #expect(refused > 50 && written > 50, "\(refused) refused, \(written) written")
    }

    private static func record(using random: inout SeededGenerator) -> ExchangeRecord {
        let kind = MeasurementKind.allCases.randomElement(using: &random) ?? .weight
        let names: [QuantityName] =
            switch kind {
            case .weight, .bodyComposition: [.weight, .bodyFat, .impedance]
            case .bloodPressure: [.systolic, .diastolic, .pulseRate]
            case .activity: [.steps, .calories, .walkTime, .totalActiveDuration]
            case .glucose: [.glucose, .hba1c]
            default: [.hba1c, .heartRate]
            }
        let quantities = names.map { name in
            let number = ExactDecimal(
                Int64.random(in: -3...30_000, using: &random),
                exponent: Int.random(in: -4...1, using: &random))
            let isAbsent = Int.random(in: 0..<12, using: &random) == 0
            return Quantity(name, isAbsent ? nil : number, unit(of: name, using: &random))
        }
        return Sample.record(kind, quantities) { record in
            let texts = ["", " ", "A&D", "体重計", "\"\\", "a\u{1}", "e\u{301}", "x\u{7F}"]
            record.record.device.model = texts.randomElement(using: &random)
            record.listed.model = "listed"
            record.participant = ["P1", "P2", "MDM-001", "Ｐ"].randomElement(using: &random) ?? ""
            record.record.device.serial = String(
                repeating: "9", count: Int.random(in: 0...60, using: &random))
            record.wearingPosition = ["31", "12", ""].randomElement(using: &random)
            record.record.time?.observed = Instant(
                microseconds: Int64.random(
                    in: -1_000_000_000_000...4_000_000_000_000_000, using: &random))
        }
    }

    private static func unit(
        of name: QuantityName, using random: inout SeededGenerator
    ) -> MeasurementUnit {
        if Int.random(in: 0..<15, using: &random) == 0 {
            return MeasurementUnit.allCases.randomElement(using: &random) ?? .one
        }
        return switch name {
        case .weight: [.kilogram, .pound, .jin].randomElement(using: &random) ?? .kilogram
        case .systolic, .diastolic: .millimetreOfMercury
        case .pulseRate, .heartRate: .perMinute
        case .glucose: .milligramPerDecilitre
        case .steps: .steps
        case .calories: .kilojoule
        case .walkTime, .totalActiveDuration: .minute
        default: .percent
        }
    }

    @Test(
        "no broken answer marks a record as delivered that the receiver did not name",
        arguments: 1...8)
    func answers(seed: UInt64) {
        var random = SeededGenerator(seed)
        let good = Array(AnswerTests.mixed.utf8)
        for _ in 0..<2_000 {
            var body = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<max(1, body.count), using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: body = Array(body.prefix(place))
                case 1 where !body.isEmpty:
                    body[place] = UInt8.random(in: 0...255, using: &random)
                default:
                    body.insert(
                        UInt8.random(in: 32...125, using: &random), at: min(place, body.count))
                }
            }
            let answer = HTTPAnswer(status: 200, body: body)
            switch Answer.verdict(answer, rowCount: 3, now: Instant(seconds: 0)) {
            case .accepted:
                // Only a body that no longer speaks of results, and is whole JSON or nothing.
                let value = try? JSONValue.parse(body)
                #expect(value?["results"] == nil)
            case .perRecord(let rows, _):
                #expect(rows.count == 3 && rows[0] != .accepted)
            case .retry: break
            default: Issue.record("\(String(decoding: body, as: UTF8.self))")
            }
        }
    }

    @Test("every truncation and many mutations of a format file are problems or a format, no crash")
    func formatFiles() throws {
        let good = try Sample.file("exchange-formats/meti-1.0.yaml")
        var random = SeededGenerator(7)
        for round in 0..<300 {
            var bytes = good
            if round % 2 == 0 {
                bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            } else {
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                        UInt8.random(in: 9...126, using: &random)
                }
            }
            let problems = ProblemList()
            let format = FormatDefinition.load(bytes, file: "f", problems: problems)
            #expect((format == nil) == !problems.isEmpty)
        }
    }
}
