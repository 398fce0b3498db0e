import Testing
import YAML

/// Reads `text` with `body` and returns the rendered problems.
func problems(in text: String, _ body: (NodeReader) -> Void) -> [String] {
    let list = ProblemList()
    do throws(Problem) {
        body(NodeReader(try parse(text), file: "f.yaml", problems: list))
    } catch {
        list.add(error)
    }
    return list.sorted.map(\.description)
}

/// Reads the value of `v:` with `body`; the value and the first problem.
func value<T>(_ text: String, _ body: (NodeReader) -> T?) -> (T?, String?) {
    var result: T?
    let found = problems(in: "v: " + text) { root in
        root.mapping { keys in result = keys.required("v").flatMap(body) }
    }
    return (result, found.first)
}

enum Colour: String, CaseIterable { case red, green, darkBlue = "dark-blue" }

@Suite("NodeReader") struct NodeReaderTests {
    @Test(
        "text is taken as written, quoted or not",
        arguments: [
            ("abc", "abc"), ("\"5\"", "5"), ("000000000001", "000000000001"), ("0x1F", "0x1F"),
            ("'null'", "null"), ("no", "no"), ("A4:C1:38:00:00:01", "A4:C1:38:00:00:01"),
        ])
    func string(_ text: String, _ expected: String) {
        #expect(value(text) { $0.string() }.0 == expected)
    }

    @Test(
        "a value that is no text says what stands there instead",
        arguments: [
            ("", "f.yaml:1:3: v: has no value; accepted: text"),
            ("~", "f.yaml:1:4: v: has no value; accepted: text"),
            ("[a]", "f.yaml:1:4: v: is a list; accepted: text"),
            ("{a: b}", "f.yaml:1:4: v: is a mapping; accepted: text"),
            ("''", "f.yaml:1:4: v: is empty; accepted: text of 1 to 4096 characters"),
        ])
    func noString(_ text: String, _ expected: String) {
        let (result, problem) = value(text) { $0.string() }
        #expect(result == nil)
        #expect(problem == expected)
    }

    @Test(
        "whole numbers are read in decimal and hexadecimal",
        arguments: [
            ("0", 0), ("42", 42), ("-7", -7), ("+7", 7), ("0x2A35", 0x2A35), ("0xff", 255),
            ("9223372036854775807", Int.max),
        ])
    func int(_ text: String, _ expected: Int) {
        #expect(value(text) { $0.int() }.0 == expected)
    }

    @Test(
        "a number that could mean another number is refused, never guessed",
        arguments: [
            "010", "1_000", "1.0", "1e3", "--1", "+-1", "0x", "0x-1", "9223372036854775808", "ten",
            "\"5\"", "１２", "", "[1]", "true",
        ])
    func noInt(_ text: String) {
        let (result, problem) = value(text) { $0.int() }
        #expect(result == nil)
        #expect(problem?.hasSuffix("; accepted: a whole number") == true, "\(problem ?? "none")")
    }

    @Test("a number outside its range is refused with the range")
    func intRange() {
        let (result, problem) = value("70000") { $0.int(in: 1...65_535) }
        #expect(result == nil)
        #expect(
            problem == "f.yaml:1:4: v: is \"70000\"; accepted: a whole number, 1 to 65535")
    }

    @Test("a quoted number is text, and the problem says so")
    func quotedInt() {
        let problem = value("\"5\"") { $0.int() }.1
        #expect(problem == "f.yaml:1:4: v: is the text \"5\"; accepted: a whole number")
    }

    @Test(
        "only true and false are bools: yes, on and 1 would be a guess",
        arguments: [
            ("true", true), ("false", false), ("yes", nil), ("on", nil), ("True", nil), ("1", nil),
            ("'true'", nil), ("", nil),
        ])
    func bool(_ text: String, _ expected: Bool?) {
        let (result, problem) = value(text) { $0.bool() }
        #expect(result == expected)
        #expect((problem == nil) == (expected != nil))
    }

    @Test(
        "a decimal keeps its digits, so that 36.0 does not become 36",
        arguments: [
            ("36.0", "36.0"), ("-0.01", "-0.01"), ("5", "5"), ("1e3", nil), (".5", nil),
            ("5.", nil), ("1.2.3", nil), ("'1.5'", nil), ("NaN", nil), ("+1", nil),
        ])
    func decimal(_ text: String, _ expected: String?) {
        #expect(value(text) { $0.decimalText() }.0 == expected)
    }

    @Test(
        "durations are read with their unit and never without",
        arguments: [
            ("1s", 1_000), ("15m", 900_000), ("90d", 7_776_000_000), ("500ms", 500),
            ("2h", 7_200_000), ("0s", 0), ("10 s", 10_000), ("5", nil), ("s", nil), ("-1s", nil),
            ("1.5s", nil), ("1w", nil), ("99999999999999999999d", nil),
            ("9223372036854775807d", nil), ("1s2", nil), ("", nil), ("[1s]", nil),
        ] as [(String, Int?)])
    func duration(_ text: String, _ milliseconds: Int?) {
        let (result, problem) = value(text) { $0.duration() }
        #expect(result == milliseconds.map { .milliseconds($0) })
        #expect((problem == nil) == (milliseconds != nil))
    }

    @Test("a duration outside its range is refused with the range in people's units")
    func durationRange() {
        let problem = value("2d") { $0.duration(in: .milliseconds(100)...(.seconds(86_400))) }.1
        #expect(problem?.hasSuffix("90d, 100ms to 1d") == true, "\(problem ?? "none")")
    }

    @Test(
        "sizes are read with their unit and never without",
        arguments: [
            ("512MB", 512_000_000), ("1GiB", 1 << 30), ("64kB", 64_000), ("7B", 7),
            ("2 GB", 2_000_000_000), ("512", nil), ("512mb", nil), ("1TB", nil), ("-1MB", nil),
            ("9223372036854775807GB", nil), ("", nil),
        ] as [(String, Int?)])
    func byteSize(_ text: String, _ bytes: Int?) {
        let (result, problem) = value(text) { $0.byteSize() }
        #expect(result == bytes)
        #expect((problem == nil) == (bytes != nil))
    }

    @Test(
        "bytes are read from hexadecimal with spaces and colons between whole bytes",
        arguments: [
            ("'16 7d 00'", [0x16, 0x7D, 0x00]), ("A4:C1", [0xA4, 0xC1]), ("1234", [0x12, 0x34]),
            ("0e10", [0x0E, 0x10]), ("123", nil), ("'1 2'", nil), ("0x12", nil), ("zz", nil),
            ("''", nil),
        ] as [(String, [UInt8]?)])
    func hex(_ text: String, _ bytes: [UInt8]?) {
        #expect(value(text) { $0.hexBytes() }.0 == bytes)
    }

    @Test("a word outside its set is refused with the set and what was meant")
    func choice() {
        #expect(value("dark-blue") { $0.choice(of: Colour.self) }.0 == .darkBlue)
        #expect(
            value("gren") { $0.choice(of: Colour.self) }.1
                == "f.yaml:1:4: v: is \"gren\", did you mean green?; accepted: red, green, dark-blue"
        )
        #expect(
            value("violet") { $0.choice(of: Colour.self) }.1
                == "f.yaml:1:4: v: is \"violet\"; accepted: red, green, dark-blue")
    }

    @Test("list items carry their index in the key")
    func listPaths() {
        let found = problems(in: "match:\n  name-prefix: [a, [b], c, {}]\n") { root in
            root.mapping { keys in
                keys.optional("match")?.mapping { match in
                    for item in match.required("name-prefix")?.list() ?? [] { _ = item.string() }
                }
            }
        }
        #expect(
            found == [
                "f.yaml:2:20: match.name-prefix[1]: is a list; accepted: text",
                "f.yaml:2:28: match.name-prefix[3]: is a mapping; accepted: text",
            ])
    }

    @Test("a list outside its bounds is refused with the bounds")
    func listCount() {
        #expect(
            value("[]") { $0.list(count: 1...3) }.1
                == "f.yaml:1:4: v: has 0 entries; accepted: 1 to 3 entries")
        #expect(value("x") { $0.list() }.1 == "f.yaml:1:4: v: is \"x\"; accepted: a list")
    }

    @Test("one value may stand where a list is allowed")
    func oneOrMore() {
        #expect(value("a") { $0.oneOrMore()?.compactMap { $0.string() } }.0 == ["a"])
        #expect(value("[a, b]") { $0.oneOrMore()?.compactMap { $0.string() } }.0 == ["a", "b"])
    }

    @Test("a secret is not repeated in the problem about it")
    func secret() {
        let problem = value("12x456") { $0.secret.int(in: 0...999_999) }.1
        #expect(problem?.contains("12x456") == false)
        #expect(problem?.contains("a whole number, 0 to 999999") == true)
    }

    @Test("a value in a problem is cut short and stays on one line")
    func quoting() {
        let long = value("\"a\\nb\\e[31m\(String(repeating: "x", count: 100))\"") { $0.int() }.1
        #expect(long?.contains("a\\u{a}b\\u{1b}[31m") == true)
        #expect(long?.contains("…\"") == true)
        #expect((long?.count ?? 0) < 140)
    }
}
