import Measurement
import Testing

@testable import Exchange

@Suite("Validator") struct ValidatorTests {
    private func problems(
        _ bytes: [UInt8], rows: Int, extensions: Set<String> = ["blood-glucose"]
    ) throws -> [DocumentProblem] {
        Validator(format: try Sample.format(), extensions: extensions)
            .problems(in: bytes, rowCount: rows)
    }

    private func everything() throws -> EncodedBatch {
        let options = Sample.options(extensions: ["blood-glucose"], lab: "000000000001")
        return try Sample.encode(
            [
                Sample.weight(), Sample.pressure(), Sample.activity(), Sample.glucose(),
                Sample.pressure { $0.setting = .checkup },
                Sample.record(.hba1c, [Quantity(.hba1c, ExactDecimal("5.8"), .percent)]),
            ], options)
    }

    @Test("everything that the encoder writes may leave")
    func good() throws {
        let batch = try everything()
        #expect(batch.rows.count == 6)
        #expect(try problems(batch.bytes, rows: 6).isEmpty)
        #expect(try problems(batch.bytes, rows: 5).map(\.row) == [nil])
    }

    struct Broken: CustomTestStringConvertible, Sendable {
        var old: String
        var new: String
        var row: Int?
        var field: String
        var testDescription: String { "\(old) → \(new)" }
        init(_ old: String, _ new: String, _ row: Int?, _ field: String) {
            self.old = old
            self.new = new
            self.row = row
            self.field = field
        }
    }
    static let breakages = [
        Broken("\"1.0\"", "\"2.0\"", nil, "format_version"),
        Broken("\"1.0\"", "1.0", nil, "format_version"),
        Broken("20251231235959123", "2025123123595912", nil, "send_time"),
        Broken("\"C00001\"", "\"C000001\"", nil, "consortium_id"),
        Broken("\"C00001\",", "\"C00001\",\"more\":1,", nil, "more"),
        Broken("P0000001", "Ｐ", nil, "person_id"),
        Broken("65.0", "\"65.0\"", 0, "body_weight"), Broken("65.0", "null", 0, "body_weight"),
        Broken("65.0", "65.055", 0, "body_weight"), Broken("65.0", "1000.05", 0, "body_weight"),
        Broken("65.0", "6.5e1", 0, "body_weight"), Broken("65.0", "-65.0", 0, "body_weight"),
        Broken("65.0", "0.0", 0, "body_weight"),
        Broken("\"body_weight\":65.0,", "", 0, "body_weight"),
        Broken("\"body_weight\"", "\"weight\"", 0, "body_weight"),
        Broken("65.0", "65.0,\"body_weight\":65.0", 0, "body_weight"),
        Broken("20251231235958", "20250230235958", 0, "observation_time"),
        Broken("20251231235958", "20251231245958", 0, "observation_time"),
        Broken("\"UC-352BLE\"", "\"\"", 0, "model_number"),
        Broken("\"UC-352BLE\"", "\"a\\u0000\"", 0, "model_number"),
        Broken("\"data_input_code\":\"0\"", "\"data_input_code\":\"3\"", 0, "data_input_code"),
        Broken("\"data_input_code\":\"0\"", "\"data_input_code\":0", 0, "data_input_code"),
        Broken("\"systolic\":125", "\"systolic\":125.0", 1, "systolic"),
        Broken("\"calories\":300.0", "\"calories\":300", 2, "calories"),
        Broken("\"step\":10000", "\"step\":100000", 2, "step"),
        Broken("[{\"person_id\"", "[], \"x\": [{\"person_id\"", nil, "person_information"),
        Broken("\"weighing_scale\":[{", "\"scales\":[{", nil, "scales"),
        Broken("\"hba1c\":[{", "\"hba1c\":[],\"x\":[{", nil, "hba1c"),
    ]

    @Test(
        "a document that breaks a rule does not leave, and the record is named",
        arguments: breakages)
    func broken(_ broken: Broken) throws {
        let text = Sample.text(try everything())
        guard let place = text.firstRange(of: broken.old) else {
            Issue.record("the test changes nothing")
            return
        }
        let changed = text.replacingCharacters(of: place, with: broken.new)
        let found = try problems(Array(changed.utf8), rows: 6)
        #expect(found.contains { $0.row == broken.row && $0.field.contains(broken.field) })
    }

    @Test("bytes that are not a document are refused, not read on")
    func notADocument() throws {
        let good = try everything().bytes
        let cases: [[UInt8]] = [
            [], [0x7B], Array("[]".utf8), Array("null".utf8), [0xEF, 0xBB, 0xBF] + good,
            Array(good.dropLast()), good + Array("{}".utf8),
        ]
        for bytes in cases { #expect(try !problems(bytes, rows: 6).isEmpty) }
    }

    @Test("a table that the destination did not switch on is refused")
    func extensionTable() throws {
        let found = try problems(try everything().bytes, rows: 6, extensions: [])
        #expect(found.contains { $0.field.contains("blood_glucose") })
    }

    @Test("every shortening of a document is refused")
    func truncations() throws {
        let bytes = try everything().bytes
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(try !problems(Array(bytes.prefix(count)), rows: 6).isEmpty, "\(count) bytes")
        }
    }
}

extension String {
    fileprivate func replacingCharacters(of range: Range<Index>, with new: String) -> String {
        String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
