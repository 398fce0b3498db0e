import Testing
import YAML

/// Reads a text under the name `f.yaml`.
func parse(_ text: String) throws(Problem) -> YAMLNode {
    try YAMLDocument.parse(Array(text.utf8), file: "f.yaml")
}

/// Writes a node in a form that a test can compare: `"…"` for quoted, bare for plain scalars.
func shape(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let text, plain: true): text
    case .scalar(let text, plain: false): "\"\(text)\""
    case .sequence(let items): "[" + items.map(shape).joined(separator: " ") + "]"
    case .mapping(let pairs):
        "{" + pairs.map { shape($0.key) + ":" + shape($0.value) }.joined(separator: " ") + "}"
    }
}

struct ParseCase: CustomTestStringConvertible {
    let name: String
    let text: String
    let expected: String
    var testDescription: String { name }

    static let all = [
        ParseCase(name: "block mapping", text: "a: 1\nb: two\n", expected: "{a:1 b:two}"),
        ParseCase(name: "block list", text: "- 1\n- [2, 3]\n", expected: "[1 [2 3]]"),
        ParseCase(
            name: "quoted digits stay text", text: "id: \"000000000001\"\nn: '5'",
            expected: "{id:\"000000000001\" n:\"5\"}"),
        ParseCase(
            name: "unquoted digits keep every digit", text: "a: 000000000001\nb: 36.0\nc: 0e10",
            expected: "{a:000000000001 b:36.0 c:0e10}"),
        ParseCase(
            name: "JSON", text: "{\"a\":[1,-2.50,true,null],\"b\":{\"c\":\"d\\u3042\"}}",
            expected: "{\"a\":[1 -2.50 true null] \"b\":{\"c\":\"dあ\"}}"),
        ParseCase(
            name: "JSON with tabs and lines", text: "{\n\t\"a\": 1,\n\t\"b\": []\n}",
            expected: "{\"a\":1 \"b\":[]}"),
        ParseCase(name: "empty text is null", text: "", expected: ""),
        ParseCase(name: "comments alone are null", text: "# nothing\n", expected: ""),
        ParseCase(name: "key without a value", text: "a:\nb: ~\n", expected: "{a: b:~}"),
        ParseCase(
            name: "duplicates are kept for the reader", text: "a: 1\na: 2", expected: "{a:1 a:2}"),
        ParseCase(name: "byte order mark", text: "\u{FEFF}a: 1", expected: "{a:1}"),
        ParseCase(
            name: "byte order mark before several keys", text: "\u{FEFF}a:\n  b: 1\nc: 2\n",
            expected: "{a:{b:1} c:2}"),
        ParseCase(
            name: "Windows line ends", text: "a: 1\r\nb: 2\r\n", expected: "{a:1 b:2}"),
        ParseCase(
            name: "literal block", text: "a: |\n  x\n  y\n", expected: "{a:\"x\ny\n\"}"),
        ParseCase(
            name: "explicit document start", text: "---\na: 1\n...\n", expected: "{a:1}"),
        ParseCase(
            name: "Japanese text", text: "名前: 血圧計", expected: "{名前:血圧計}"),
    ]
}

@Suite("YAMLDocument") struct ParseTests {
    @Test("a text is read with nothing of its scalars lost", arguments: ParseCase.all)
    func reads(_ test: ParseCase) throws {
        #expect(shape(try parse(test.text)) == test.expected)
    }

    @Test("every value knows its line and column in characters, not bytes")
    func places() throws {
        let root = try parse("名: {あ: い, b: c}\nlist:\n  - x\n  -   y\n")
        guard case .mapping(let pairs) = root.content,
            case .mapping(let inner) = pairs[0].value.content,
            case .sequence(let items) = pairs[1].value.content
        else {
            Issue.record("the text has another shape")
            return
        }
        #expect((root.line, root.column) == (1, 1))
        #expect((inner[1].key.line, inner[1].key.column) == (1, 11))
        #expect((inner[1].value.line, inner[1].value.column) == (1, 14))
        #expect((items[1].line, items[1].column) == (4, 7))
    }

    struct Refused: CustomTestStringConvertible {
        let name: String
        let text: String
        let line: Int
        let column: Int
        let message: String
        var testDescription: String { name }
    }

    @Test(
        "a text that is no document is refused at its place with the reason",
        arguments: [
            Refused(
                name: "unclosed list", text: "a: [1, 2\nb: 3", line: 2, column: 2,
                message: "not YAML"),
            Refused(
                name: "tab as indentation", text: "a:\n\tb: 1", line: 2, column: 1,
                message: "not YAML"),
            Refused(
                name: "bad indentation", text: "a: 1\n  b: 2\n", line: 2, column: 4,
                message: "not YAML"),
            Refused(
                name: "unclosed quote", text: "a: \"x\n", line: 2, column: 1, message: "not YAML"),
            Refused(
                name: "anchor", text: "a: &x 1\n", line: 1, column: 4, message: "an anchor"),
            Refused(name: "alias", text: "a: 1\nb: *x\n", line: 2, column: 4, message: "an alias"),
            Refused(name: "tag", text: "a: !!int 1\n", line: 1, column: 4, message: "a tag"),
            Refused(
                name: "second document", text: "a: 1\n---\nb: 2\n", line: 3, column: 1,
                message: "a second document"),
            Refused(
                name: "control character", text: "a: 1\nあb: \u{1}\n", line: 2, column: 5,
                message: "not UTF-8 text"),
        ])
    func refuses(_ test: Refused) {
        let problem = #expect(throws: Problem.self) { _ = try parse(test.text) }
        #expect(problem?.message.hasPrefix(test.message) == true, "\(String(describing: problem))")
        #expect(problem?.line == test.line)
        #expect(problem?.column == test.column)
        #expect(problem?.file == "f.yaml")
    }

    @Test("bytes that are not UTF-8 are refused where they stand")
    func refusesLatin1() {
        let bytes: [UInt8] = Array("a: 1\nb: caf".utf8) + [0xE9, 0x0A]
        let problem = #expect(throws: Problem.self) {
            _ = try YAMLDocument.parse(bytes, file: "f.yaml")
        }
        #expect(problem?.line == 2)
        #expect(problem?.column == 7)
        #expect(problem?.accepted == "UTF-8")
    }
}

@Suite("YAMLDocument under attack") struct HostileTextTests {
    @Test("an alias bomb is refused before it grows")
    func billionLaughs() {
        var text = "a0: &a0 [lol]\n"
        for level in 1...9 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        let problem = #expect(throws: Problem.self) { _ = try parse(text) }
        #expect(problem?.message == "an anchor (&name) is not accepted")
    }

    @Test(
        "deep nesting is refused instead of overflowing the stack",
        arguments: ["[", "{a: ", "- ", "? "])
    func deepNesting(_ opening: String) {
        let text = String(repeating: opening, count: 100_000)
        #expect(throws: Problem.self) { _ = try parse(text) }
    }

    @Test("the depth limit itself is still read")
    func depthLimit() throws {
        let fits = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let tooDeep = "[" + fits + "]"
        #expect(shape(try parse(fits)) == fits)
        let problem = #expect(throws: Problem.self) { _ = try parse(tooDeep) }
        #expect(problem?.message == "values are nested too deeply")
        #expect(problem?.accepted == "at most 64 levels")
    }

    @Test("a file over the size or value limit is refused with the limit named")
    func sizeLimits() {
        var limits = YAMLDocument.Limits()
        limits.bytes = 10
        let large = #expect(throws: Problem.self) {
            _ = try YAMLDocument.parse(Array("a: 12345678".utf8), file: "f", limits: limits)
        }
        #expect(large?.accepted == "at most 10 bytes")
        limits = YAMLDocument.Limits()
        limits.nodes = 3
        let many = #expect(throws: Problem.self) {
            _ = try YAMLDocument.parse(Array("[1, 2, 3]".utf8), file: "f", limits: limits)
        }
        #expect(many?.accepted == "at most 3")
    }

    @Test("no mutation of a real text crashes the parser or the reader", arguments: 0..<8)
    func fuzz(_ seed: UInt64) {
        var random = SplitMix(state: 0x9E37_79B9 &+ seed)
        let pieces = Self.seeds.map { Array($0.utf8) }
        for _ in 0..<1_500 {
            var bytes = pieces[Int(random.next() % UInt64(pieces.count))]
            for _ in 0...(random.next() % 6) { Self.mutate(&bytes, with: &random) }
            guard let root = try? YAMLDocument.parse(bytes, file: "fuzz") else { continue }
            let problems = ProblemList()
            Self.exercise(NodeReader(root, file: "fuzz", problems: problems))
            for problem in problems.sorted {
                #expect(problem.line >= 1 && problem.column >= 1)
                #expect(!problem.description.contains("\n"), "\(problem)")
            }
        }
    }

    static let seeds = [
        "gateway:\n  id: gw-0001\n  timezone: Asia/Tokyo\nusb: { enabled: true }\n",
        "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":null,\"e\":-0.50}",
        "- a: 'x'\n  b: \"\\u3042\\n\"\n- |\n  text\n- >-\n  folded\n",
        "? [complex]\n: value\n&a b: *a\n!!str c: 1\n---\n",
        "x: 0x2A35\ny: 90d\nz: 512MB\nw: '16 7d 00'\n",
    ]
    static let tokens = [
        "[", "]", "{", "}", ": ", "- ", "? ", "\n", "\t", "'", "\"", "#", "|", ">", "&a ", "*a",
        "!t ", "\0", "\u{85}", "\u{2028}", "9999999999999999999", "%YAML 9.9\n", "...\n", "<<: ",
    ]

    static func mutate(_ bytes: inout [UInt8], with random: inout SplitMix) {
        let place = Int(random.next() % UInt64(bytes.count + 1))
        switch random.next() % 4 {
        case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(place...)
        case 2 where place < bytes.count: bytes.remove(at: place)
        default:
            let token = tokens[Int(random.next() % UInt64(tokens.count))]
            bytes.insert(contentsOf: token.utf8, at: place)
        }
    }

    /// Asks every value for every type, as a loader of any schema could.
    static func exercise(_ reader: NodeReader) {
        _ = reader.string()
        _ = reader.int(in: 0...10)
        _ = reader.bool()
        _ = reader.decimalText()
        _ = reader.duration()
        _ = reader.byteSize()
        _ = reader.hexBytes()
        _ = reader.word(of: ["alpha", "beta"])
        for item in reader.list() ?? [] { exercise(item) }
        for (key, value) in reader.entries() ?? [] {
            _ = key.string()
            exercise(value)
        }
    }
}

/// A small seeded generator: the same run finds the same inputs again.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
