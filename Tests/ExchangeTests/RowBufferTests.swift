import Measurement
import Testing

@testable import Exchange

/// The parts that every value of a document is put together from.
@Suite("Row buffer") struct RowBufferTests {
    /// What a body writes, as text.
    private func written(
        _ room: Int = 64, _ body: (inout MutableSpan<UInt8>, inout Int) -> Void
    ) -> String {
        // What is not written is visible.
        var bytes = [UInt8](repeating: UInt8(ascii: "?"), count: room + 8)
        var place = 0
        var out = bytes.mutableSpan
        body(&out, &place)
        return String(decoding: bytes[..<place], as: UTF8.self)
    }

    private func decimal(_ number: ExactDecimal) -> String {
        let decimals = max(0, -number.exponent)
        guard let rounded = number.rounded(toDecimals: decimals) else { return "no room" }
        let made = WrittenDecimal(rounded.mantissa, decimals: decimals)
        let text = written { out, place in out.decimal(made, at: &place) }
        #expect(text.utf8.count == made.width, "\(text)")
        return text
    }

    @Test(
        "a number is written with the digits that it has",
        arguments: [
            "0", "7", "10", "99", "100", "0.0", "0.5", "0.05", "0.005", "9.99", "65.0", "120.25",
            "1000000", "9223372036854775807", "922337203685477580.7", "0.000000001",
        ])
    func numbers(text: String) throws {
        #expect(decimal(try #require(ExactDecimal(text))) == text)
    }

    @Test("whatever the number, it is written as it prints", arguments: 1...4)
    func anyNumber(seed: UInt64) {
        var random = SeededGenerator(seed)
        for _ in 0..<2_000 {
            let digits = Int.random(in: 0...18, using: &random)
            let most = (0..<digits).reduce(Int64(1)) { power, _ in power * 10 }
            let number = ExactDecimal(
                Int64.random(in: 0..<most + 1, using: &random),
                exponent: -Int.random(in: 0...9, using: &random))
            #expect(decimal(number) == number.text)
        }
    }

    @Test("whatever the moment, its digits are those of the wall clock", arguments: 1...4)
    func anyMoment(seed: UInt64) {
        var random = SeededGenerator(seed)
        var day = WrittenDay()
        // Years 1 to 9999, and days that come again.
        let years: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
        var moments = (0..<500).map { _ in Int64.random(in: years, using: &random) }
        moments += moments.prefix(50).flatMap { moment in
            (0..<4).map { _ in
                moment + Int64.random(in: -WrittenDay.length...WrittenDay.length, using: &random)
            }
        }
        for moment in moments where years.contains(moment) {
            let local = LocalDateTime(localMicroseconds: moment)
            for (width, digits) in [(14, local.digits14), (17, local.digits17)] {
                let text = written { out, place in
                    out.date(moment, width: width, day: &day, at: &place)
                }
                #expect(text == "\"\(digits)\"")
            }
        }
    }

    @Test("a day ends at midnight and not a microsecond before or after")
    func midnight() {
        var day = WrittenDay()
        let midnight: Int64 = 1_772_323_200_000_000  // 2026-03-01 00:00
        let cases: [(Int64, String)] = [
            (0, "20260301000000000"), (-1, "20260228235959999"),
            (WrittenDay.length - 1, "20260301235959999"), (WrittenDay.length, "20260302000000000"),
            (-WrittenDay.length, "20260228000000000"),
            (-WrittenDay.length - 1, "20260227235959999"),
        ]
        for (offset, digits) in cases {
            let text = written { out, place in
                out.date(midnight + offset, width: 17, day: &day, at: &place)
            }
            #expect(text == "\"\(digits)\"")
        }
        let first = written { out, place in
            var fresh = WrittenDay()
            out.date(0, width: 14, day: &fresh, at: &place)
        }
        #expect(first == "\"19700101000000\"")
    }

    @Test(
        "a number goes down to the multiple below it, before 1970 too",
        arguments: [
            (59, 60, 0), (60, 60, 60), (61, 60, 60), (0, 60, 0), (-1, 60, -60), (-60, 60, -60),
            (-61, 60, -120),
        ])
    func down(number: Int64, step: Int64, expected: Int64) {
        #expect(number.down(to: step) == expected)
    }

    @Test(
        "a text stands between quotation marks, and its own are escaped",
        arguments: [
            ("", #""""#), ("a", #""a""#), (#"A"\B"#, #""A\"\\B""#), (#""""#, #""\"\"""#),
            ("体重計", "\"体重計\""), ("a long text of more than sixteen bytes", nil),
        ])
    func texts(text: String, expected: String?) {
        let isSpecial = text.utf8.contains { $0.needsEscape }
        let made = written { out, place in out.text(text, needsEscape: isSpecial, at: &place) }
        #expect(made == expected ?? "\"\(text)\"")
    }

    @Test(
        "a name of any length is written whole, and what follows it directly after",
        arguments: 1...40)
    func names(length: Int) throws {
        let name = String(repeating: "n", count: length - 1) + "m"
        let plan = EncodingPlan(try Self.format([Self.column(name)]), extensions: [])
        let text = written(128) { out, place in
            out.words(plan.words.span, plan.columns[0].name, at: &place)
            out.byte(UInt8(ascii: "!"), at: &place)
        }
        #expect(text == ",\"\(name)\":!")
    }

    @Test("room is made for the row that comes, and what was written stays")
    func room() {
        var buffer = RowBuffer()
        for size in [1, 10, 100, 1_000, 10, 5_000] {
            let before = Array(buffer.bytes[..<buffer.count])
            buffer.reserve(size)
            #expect(buffer.bytes.count >= buffer.count + size + 8)
            #expect(Array(buffer.bytes[..<buffer.count]) == before)
            for place in buffer.count..<buffer.count + size {
                buffer.bytes[place] = UInt8(truncatingIfNeeded: place)
            }
            buffer.count += size
        }
        let room = buffer.bytes.count
        buffer.removeAll()
        buffer.reserve(5_000)
        #expect(buffer.bytes.count == room, "the memory is kept")
    }

    // MARK: rows of other formats

    private static func column(
        _ name: String, required: Bool = false, _ property: RecordProperty = .mealCode
    ) -> Column {
        Column(
            name: FieldName(name), title: name, isRequired: required,
            rule: .text(TextRule(width: 8)), source: .property(property))
    }

    private static func format(_ columns: [Column]) throws -> FormatDefinition {
        var format = try Sample.format()
        format.tables = [
            TableDefinition(
                group: FieldName("g"), name: FieldName("t"), title: "t", kinds: [.weight],
                carriedBy: [], settings: Set(GatewaySetting.allCases), extensionName: nil,
                columns: columns)
        ]
        return format
    }

    private func row(_ columns: [Column], _ record: ExchangeRecord) throws -> String {
        let plan = EncodingPlan(try Self.format(columns), extensions: [])
        let writer = RowWriter(
            plan: plan, options: Sample.options(), consortium: "C00001",
            sendTime: Sample.header.sendTime)
        var buffer = RowBuffer()
        try writer.write(0, [record], 0, to: &buffer)
        return String(decoding: buffer.bytes[..<buffer.count], as: UTF8.self)
    }

    @Test("commas stand between members only, whichever of them are known")
    func commas() throws {
        let columns = [
            Self.column("a"), Self.column("b", .measurementPosition), Self.column("c"),
            Self.column("d", .dataInputCode),
        ]
        let record = Sample.weight { $0.record.mealCode = "1" }
        #expect(try row(columns, record) == #"{"a":"1","c":"1","d":"0"}"#)
        let unknown = Sample.weight()
        #expect(try row(columns, unknown) == #"{"d":"0"}"#)
        #expect(try row(Array(columns.prefix(3)), unknown) == "{}")
        #expect(try row([], unknown) == "{}")
    }

    @Test(
        "a column whose rule and source do not go together is missing, and refuses where required")
    func mismatch() throws {
        var odd = Self.column("odd")
        odd.source = .quantity(.weight, .kilogram)
        #expect(try row([odd, Self.column("d", .dataInputCode)], Sample.weight()) == #"{"d":"0"}"#)
        odd.isRequired = true
        let fault = #expect(throws: ColumnFault.self) {
            try row([Self.column("d", .dataInputCode), odd], Sample.weight())
        }
        #expect(fault?.column == 1 && fault?.reason == .missing)
    }

    @Test("the longest values that the rules allow have room")
    func longest() throws {
        let wide = (0..<12).map { number in
            var column = Self.column("serial_\(number)", .serial)
            column.rule = .text(TextRule(width: 50))
            return column
        }
        let special = String(repeating: "\"", count: 50)
        let four = String(repeating: "𠮷", count: 50)
        for text in [special, four] {
            let made = try row(wide, Sample.weight { $0.record.device.serial = text })
            #expect(made.hasSuffix("}") && made.hasPrefix("{\"serial_0\":\""))
            #expect(
                made.utf8.count == 12 * (200 + 2) + wide.reduce(1) { $0 + $1.name.bytes.count + 1 }
                    - (text == special ? 12 * 100 : 0))
        }
        let fault = #expect(throws: ColumnFault.self) {
            try row(wide, Sample.weight { $0.record.device.serial = special + "9" })
        }
        #expect(fault?.reason == .tooWide(characters: 51, width: 50))
    }
}
