import GatewayTestKit
import Measurement
import Testing

@testable import Exchange

/// The quick look at a document must never let pass what the thorough one would not.
@Suite("Recogniser") struct RecogniserTests {
    private func everything() throws -> EncodedBatch {
        let options = Sample.options(extensions: ["blood-glucose"], lab: "000000000001")
        return try Sample.encode(
            [
                Sample.weight(), Sample.pressure(), Sample.activity(), Sample.glucose(),
                Sample.pressure { $0.setting = .checkup }, Sample.weight(),
                Sample.record(.hba1c, [Quantity(.hba1c, ExactDecimal("5.8"), .percent)]),
            ], options)
    }

    private func recogniser(_ extensions: Set<String> = ["blood-glucose"]) throws -> Recogniser {
        Recogniser(format: try Sample.format(), extensions: extensions)
    }

    @Test("what the encoder writes is recognised, with the number of its records")
    func good() throws {
        let batch = try everything()
        let look = try recogniser()
        let count = batch.rows.count
        let recognised = look.recognises(batch.bytes.span, rowCount: count)
        #expect(recognised)
        let fewer = look.recognises(batch.bytes.span, rowCount: count - 1)
        #expect(!fewer)
        let plain = try recogniser([])
        let withoutExtension = plain.recognises(batch.bytes.span, rowCount: count)
        #expect(!withoutExtension, "a table that the destination did not switch on")
    }

    @Test("no change of one byte passes that the thorough look would find")
    func oneByte() throws {
        let batch = try everything()
        let validator = Validator(format: try Sample.format(), extensions: ["blood-glucose"])
        let look = try recogniser()
        var passed = 0
        var chance = SeededGenerator(7)
        let replacements = Array("0159-.,:{}[]\"\\ aP\u{7F}\n".utf8) + [0xE3, 0x80]
        for _ in 0..<2_500 {
            let index = Int(chance.next() % UInt64(batch.bytes.count))
            var bytes = batch.bytes
            bytes[index] = replacements[Int(chance.next() % UInt64(replacements.count))]
            guard bytes != batch.bytes,
                look.recognises(bytes.span, rowCount: batch.rows.count)
            else { continue }
            passed += 1
            let problems = validator.allProblems(in: bytes, rowCount: batch.rows.count)
            #expect(problems.isEmpty, "byte \(index): \(problems)")
        }
        #expect(passed > 20, "another digit of a value is as good")
    }

    @Test("no cut, doubling or exchange of pieces passes that the thorough look would find")
    func pieces() throws {
        let batch = try everything()
        let validator = Validator(format: try Sample.format(), extensions: ["blood-glucose"])
        let look = try recogniser()
        var chance = SeededGenerator(20_260_301)
        let commas = batch.bytes.indices.filter { batch.bytes[$0] == UInt8(ascii: ",") }
        for _ in 0..<1_000 {
            let first = commas[Int(chance.next() % UInt64(commas.count))]
            let second = commas[Int(chance.next() % UInt64(commas.count))]
            let (low, high) = (min(first, second), max(first, second))
            var bytes = batch.bytes
            switch chance.next() % 3 {
            case 0: bytes.removeSubrange(low..<high)
            case 1: bytes.insert(contentsOf: bytes[low..<high], at: low)
            default: bytes = Array(bytes[..<low])
            }
            for count in [batch.rows.count - 1, batch.rows.count, batch.rows.count + 1]
            where look.recognises(bytes.span, rowCount: count) {
                #expect(validator.allProblems(in: bytes, rowCount: count).isEmpty)
            }
        }
    }

    @Test(
        "numbers that JSON does not know, or that do not fit, are not recognised",
        arguments: ["065.0", "65.", ".5", "6.5e1", "-65.0", "0.0", "65.055", "1000.05", "+65", ""])
    func numbers(_ number: String) throws {
        let batch = try Sample.encode([Sample.weight()])
        let text = String(decoding: batch.bytes, as: UTF8.self)
        let changed = text.replacing("65.0", with: number)
        #expect(changed != text)
        let look = try recogniser()
        let bytes = Array(changed.utf8)
        let recognised = look.recognises(bytes.span, rowCount: 1)
        #expect(!recognised)
    }

    @Test("a maker with letters beyond ASCII takes the thorough way, and may leave")
    func letters() throws {
        let record = Sample.weight { $0.record.device.manufacturer = "オムロン" }
        let batch = try Sample.encode([record])
        let look = try recogniser()
        let recognised = look.recognises(batch.bytes.span, rowCount: 1)
        #expect(!recognised)
        let validator = Validator(format: try Sample.format())
        #expect(validator.problems(in: batch.bytes, rowCount: 1).isEmpty)
    }
}
