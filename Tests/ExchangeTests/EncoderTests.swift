import JSON
import Measurement
import Testing

@testable import Exchange

@Suite("Encoder") struct EncoderTests {
    @Test("a weight becomes exactly the document that the specification shows")
    func weightDocument() throws {
        let batch = try Sample.encode([
            Sample.record(
                .bodyComposition,
                [
                    Quantity(.weight, ExactDecimal("65.0"), .kilogram),
                    Quantity(.bodyFat, ExactDecimal("23.5"), .percent),
                    Quantity(.impedance, ExactDecimal("500"), .ohm),
                ])
        ])
        #expect(batch.perRecord == [.encoded(0)])
        #expect(
            Sample.text(batch) == """
                {"format_version":"1.0","send_time":"20251231235959123","consortium_id":"C00001",\
                "person_information":[{"person_id":"P0000001","healthcare_information":\
                {"weighing_scale":[{"observation_time":"20251231235958","body_weight":65.0,\
                "body_fat":23.5,"model_manufacturer_code":"A&D","model_number":"UC-352BLE",\
                "production_specification_serial":"5130450123","data_input_code":"0",\
                "origin_of_time_code":"1","update_time":"20251231235959100"}]}}]}
                """)
    }

    struct Number: CustomTestStringConvertible, Sendable {
        var sent: String
        var unit: MeasurementUnit = .kilogram
        var written: String
        var testDescription: String { "\(sent) \(unit.rawValue) → \(written)" }
    }
    @Test(
        "a number keeps the device's digits and is rounded half up once",
        arguments: [
            Number(sent: "65", written: "65"), Number(sent: "65.0", written: "65.0"),
            Number(sent: "65.05", written: "65.05"), Number(sent: "65.005", written: "65.01"),
            Number(sent: "65.0049", written: "65.00"), Number(sent: "99.995", written: "100.00"),
            Number(sent: "0.05", written: "0.05"), Number(sent: "6e1", written: "60"),
            Number(sent: "143.3", unit: .pound, written: "65.00"),
            Number(sent: "1", unit: .pound, written: "0.45"),
            Number(sent: "130", unit: .jin, written: "65.00"),
            Number(sent: "65432", unit: .gram, written: "65.43"),
            Number(sent: "10.5", unit: .stone, written: "66.68"),
            Number(sent: "999.99", written: "999.99"),
        ])
    func weights(_ number: Number) throws {
        let record = Sample.record(
            .weight, [Quantity(.weight, ExactDecimal(number.sent), number.unit)])
        #expect(
            Sample.text(try Sample.encode([record])).contains("\"body_weight\":\(number.written),"))
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var expected: FieldRefusal
        var change: @Sendable (inout ExchangeRecord) -> Void
        init(
            _ name: String, _ field: String, _ reason: FieldRefusal.Reason,
            _ change: @escaping @Sendable (inout ExchangeRecord) -> Void
        ) {
            testDescription = name
            expected = FieldRefusal(field, reason)
            self.change = change
        }
    }
    static func weigh(_ record: inout ExchangeRecord, _ number: String, _ unit: MeasurementUnit) {
        record.record.quantities = [Quantity(.weight, ExactDecimal(number), unit)]
    }
    static let refusals = [
        Refusal("too heavy", "body_weight", .tooWide(characters: 7, width: 6)) {
            weigh(&$0, "1000.25", .kilogram)
        },
        Refusal("rounding makes it too wide", "body_weight", .tooWide(characters: 7, width: 6)) {
            weigh(&$0, "999.995", .kilogram)
        },
        Refusal("below zero", "body_weight", .negative) { weigh(&$0, "-0.1", .kilogram) },
        Refusal("nothing on the scale", "body_weight", .zero) { weigh(&$0, "0.0", .kilogram) },
        Refusal("rounds to zero", "body_weight", .zero) { weigh(&$0, "0.004", .kilogram) },
        Refusal("a unit of another kind", "body_weight", .noConversion(from: .ohm, to: .kilogram)) {
            weigh(&$0, "65", .ohm)
        },
        Refusal(
            "more than a conversion holds", "body_weight",
            .noConversion(from: .pound, to: .kilogram)
        ) { weigh(&$0, "900000000000", .pound) },
        Refusal(
            "body fat over 100 in too many digits", "body_fat",
            .tooWide(characters: 6, width: 5)
        ) { $0.record.quantities.append(Quantity(.bodyFat, ExactDecimal("1000.0"), .percent)) },
        Refusal("no time", "observation_time", .missing) { $0.record.time = nil },
        Refusal("no maker anywhere", "model_manufacturer_code", .missing) {
            $0.record.device.manufacturer = "  "
        },
        Refusal("no model anywhere", "model_number", .missing) { $0.record.device.model = nil },
        Refusal("nothing that tells devices apart", "production_specification_serial", .missing) {
            $0.record.device.serial = ""
            $0.record.device.address = nil
        },
        Refusal(
            "a serial number of 51 characters", "production_specification_serial",
            .tooWide(characters: 51, width: 50)
        ) { $0.record.device.serial = String(repeating: "9", count: 51) },
        Refusal("a line break in a name", "model_number", .characters) {
            $0.record.device.model = "UC\n352"
        },
        Refusal(
            "a participant code that is too long", "person_id",
            .tooWide(characters: 21, width: 20)
        ) { $0.participant = String(repeating: "P", count: 21) },
        Refusal("a participant code in full width", "person_id", .characters) {
            $0.participant = "Ｐ１"
        },
        Refusal("no participant", "person_id", .missing) { $0.participant = "" },
    ]

    @Test("a value that does not fit refuses its record by the field's name", arguments: refusals)
    func refused(_ refusal: Refusal) throws {
        let good = Sample.weight { $0.participant = "P0000002" }
        let batch = try Sample.encode([Sample.weight("65.0", refusal.change), good])
        #expect(batch.perRecord == [.refused(refusal.expected), .encoded(0)])
        #expect(batch.rows == [1])
        // Nothing of the refused record is left in the document, and the reason holds no value.
        #expect(batch.bytes == (try Sample.encode([good])).bytes)
        #expect(refusal.expected.description.hasPrefix(refusal.expected.field + ":"))
    }

    @Test("a record that nothing can be written of leaves no document")
    func empty() throws {
        let batch = try Sample.encode([Sample.glucose()])
        #expect(batch.perRecord == [.noTable])
        #expect(batch.bytes.isEmpty && batch.rows.isEmpty)
        #expect(try Sample.encode([]).bytes.isEmpty)
    }

    @Test(
        "a wrong consortium ID makes no document at all", arguments: ["", "C000001", "C-1", "Ｃ１"])
    func consortium(id: String) throws {
        var encoder = Encoder(format: try Sample.format(), options: Sample.options())
        #expect(throws: FieldRefusal.self) {
            try encoder.encode(
                records: [Sample.weight()],
                header: DocumentHeader(consortium: id, sendTime: Sample.stored))
        }
    }

    @Test("records are grouped by person and table and keep their order")
    func grouping() throws {
        func of(_ person: String, _ record: ExchangeRecord) -> ExchangeRecord {
            var record = record
            record.participant = person
            return record
        }
        let batch = try Sample.encode(
            [
                of("B", Sample.pressure()), of("A", Sample.weight("61.0")),
                of("B", Sample.weight("62.0")), of("A", Sample.glucose()),
                of("B", Sample.weight("63.0")), of("A", Sample.weight("-1")),
                of("B", Sample.record(.hba1c, [Quantity(.hba1c, ExactDecimal("5.8"), .percent)])),
            ], Sample.options(lab: "1"))
        #expect(batch.rows == [2, 4, 0, 6, 1])
        #expect(
            batch.perRecord == [
                .encoded(2), .encoded(4), .encoded(0), .noTable, .encoded(1),
                .refused(FieldRefusal("body_weight", .negative)), .encoded(3),
            ])
        let people = try #require(try JSONValue.parse(batch.bytes)["person_information"]?.array)
        #expect(people.map { $0["person_id"]?.string } == ["B", "A"])
        let first = people[0]["healthcare_information"]
        #expect(first?.members?.map(\.name) == ["weighing_scale", "blood_pressure"])
        #expect(
            first?["weighing_scale"]?.array?.map { $0["body_weight"]?.numberText }
                == ["62.0", "63.0"])
        #expect(people[1].members?.map(\.name) == ["person_id", "healthcare_information"])
    }

    @Test("the same encoder gives the same bytes for the same batch, whatever came between")
    func reuse() throws {
        var encoder = Encoder(format: try Sample.format(), options: Sample.options())
        let batch = [Sample.weight(), Sample.pressure(), Sample.activity()]
        let first = try encoder.encode(records: batch, header: Sample.header)
        _ = try encoder.encode(records: [Sample.weight("-1")], header: Sample.header)
        #expect(try encoder.encode(records: batch, header: Sample.header) == first)
    }

    @Test("text is escaped and counted in characters, not in bytes")
    func text() throws {
        let record = Sample.weight {
            $0.record.device.model = String(repeating: "体", count: 50)
            $0.record.device.manufacturer = #"A"\B"#
        }
        let batch = try Sample.encode([record])
        let document = try JSONValue.parse(batch.bytes)
        #expect(batch.perRecord == [.encoded(0)])
        let row = document["person_information"]?.array?[0]["healthcare_information"]?
            .members?.first?.value.array?[0]
        #expect(row?["model_manufacturer_code"]?.string == #"A"\B"#)
        #expect(row?["model_number"]?.string?.count == 50)
    }
}
