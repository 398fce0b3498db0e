import Measurement
import Testing
import YAML

@testable import Exchange

@Suite("Format files") struct FormatTests {
    @Test("both shipped formats load without a problem", arguments: ["meti-1.0", "meti-1.0-tis"])
    func shipped(name: String) throws {
        let format = try Sample.format(name)
        #expect(format.id == name)
        #expect(format.contentType == "application/json; charset=utf-8")
        #expect(format.envelope.version == "1.0")
    }

    @Test("the activity table has every column of the source document in its width")
    func activityTable() throws {
        let table = try #require(
            try Sample.format().tables.first { $0.name.text == "activity_monitor" })
        let widths = Dictionary(
            uniqueKeysWithValues: table.columns.map { column in
                (column.name.text, "\(column.rule.width)\(column.isRequired ? " required" : "")")
            })
        #expect(
            widths == [
                "observation_time": "14 required", "step": "5 required", "walk_time": "4",
                "moderate_intensity_activity": "4", "calories": "6", "total_calories": "6",
                "model_manufacturer_code": "50 required", "model_number": "50 required",
                "production_specification_serial": "50 required",
                "total_active_duration": "4 required", "data_input_code": "1 required",
                "measurement_position_code": "2", "origin_of_time_code": "1 required",
                "update_time": "17 required",
            ])
    }

    @Test("the other reading has its own names and no activity table")
    func variant() throws {
        let format = try Sample.format("meti-1.0-tis")
        #expect(!format.tables.contains { $0.name.text == "activity_monitor" })
        let names = format.tables.flatMap { $0.columns.map(\.name.text) }
        #expect(names.contains("input_method_code") && !names.contains("data_input_code"))
        #expect(names.contains("measurement_position"))
    }

    struct Mistake: CustomTestStringConvertible, Sendable {
        var old: String
        var new: String
        var message: String
        var testDescription: String { message }
    }
    static let mistakes = [
        Mistake(old: "format: own", new: "form: own", message: "format: is missing"),
        Mistake(old: "format: own", new: "format: own format", message: "letters|name"),
        Mistake(old: "width: 17", new: "width: 16", message: "14, 17"),
        Mistake(old: "width: 14", new: "width: 15", message: "14, 17"),
        Mistake(old: "kinds: [weight]", new: "kinds: [wieght]", message: "weight"),
        Mistake(old: "unit: kg", new: "unit: kilo", message: "unit"),
        Mistake(old: "unit: kg", new: "value: \"1\"", message: "exactly one of|beside"),
        Mistake(old: "quantity: weight, unit: kg", new: "from: model", message: "string"),
        Mistake(old: "quantity: weight, unit: kg", new: "from: mood", message: "from"),
        Mistake(old: "decimals: 2", new: "decimals: 5", message: "leave no room"),
        Mistake(old: "decimals: 2", new: "decimals: \"2\"", message: "decimals"),
        Mistake(old: "decimals: 2, required: true", new: "decimals: 2", message: "required"),
        Mistake(old: "name: body_weight", new: "name: \"body weight\"", message: "digits and _"),
        Mistake(old: "name: body_weight", new: "name: observation_time", message: "second time"),
        Mistake(old: "use: time", new: "use: tiem", message: "time"),
        Mistake(old: "type: number", new: "type: text", message: "date, number, string"),
        Mistake(old: "settings: [home]", new: "settings: [moon]", message: "home, pharmacy"),
        Mistake(old: "people: { name: people }", new: "people: people", message: "people"),
        Mistake(old: "width: 6, characters", new: "characters", message: "width"),
    ]

    @Test("a mistake in an operator's own file is shown at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        #expect(Self.own.contains(mistake.old), "the test changes nothing")
        let text = Self.own.replacing(mistake.old, with: mistake.new)
        let problems = ProblemList()
        let format = FormatDefinition.load(Array(text.utf8), file: "own.yaml", problems: problems)
        #expect(format == nil)
        let shown = problems.sorted.map(\.description).joined(separator: "\n")
        #expect(shown.contains("own.yaml:"))
        let expected = mistake.message.split(separator: "|")
        #expect(expected.contains { shown.contains($0) }, "\(shown)")
    }

    @Test("a table that stands twice or apart from its group is refused")
    func order() {
        let table = Self.own.split(separator: "tables:\n")[1]
        for (text, message) in [
            (Self.own + table, "second time"),
            (
                Self.own + table.replacing("group: g", with: "group: h")
                    + table.replacing("name: weights", with: "name: more"), "apart from"
            ),
        ] {
            let problems = ProblemList()
            let format = FormatDefinition.load(Array(text.utf8), file: "own", problems: problems)
            #expect(format == nil)
            #expect(problems.sorted.contains { $0.description.contains(message) })
        }
    }

    @Test("a file that is not YAML at all is one problem, not a crash")
    func notYAML() {
        for text in ["", "[", "\u{0}", "a: b: c", String(repeating: "[", count: 200)] {
            let problems = ProblemList()
            let format = FormatDefinition.load(Array(text.utf8), file: "f", problems: problems)
            #expect(format == nil)
            #expect(!problems.isEmpty)
        }
    }

    @Test("an operator's own file decides names, order and what is sent")
    func ownFile() throws {
        let problems = ProblemList()
        let format = try #require(
            FormatDefinition.load(Array(Self.own.utf8), file: "own", problems: problems))
        var encoder = Encoder(format: format, options: Sample.options())
        let batch = try encoder.encode(records: [Sample.weight()], header: Sample.header)
        #expect(
            Sample.text(batch) == """
                {"v":"9","sent":"20251231235959123","c":"C00001","people":[{"p":"P0000001",\
                "g":{"weights":[{"observation_time":"20251231235958","body_weight":65.0,\
                "note":"made by hand"}]}}]}
                """)
    }

    static let own = """
        format: own
        title: Own format
        content-type: application/json
        envelope:
          version: { name: v, value: "9" }
          send-time: { name: sent, width: 17 }
          consortium: { name: c, width: 6, characters: alphanumeric }
          people: { name: people }
          person: { name: p, width: 20 }
        shared:
          time:
            - { name: observation_time, type: date, width: 14, required: true, from: observation-time }
        tables:
          - group: g
            name: weights
            title: Weights
            kinds: [weight]
            settings: [home]
            columns:
              - use: time
              - { name: body_weight, type: number, width: 6, decimals: 2, required: true, quantity: weight, unit: kg }
              - { name: note, type: string, width: 20, value: made by hand }

        """
}

extension ValueRule {
    fileprivate var width: Int {
        switch self {
        case .date(let width): width
        case .number(let rule): rule.width
        case .text(let rule): rule.width
        }
    }
}
