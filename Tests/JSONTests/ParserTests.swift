import JSON
import Testing

@Suite struct ParserTests {
    private func parse(_ text: String) throws(JSONError) -> JSONValue {
        try JSONValue.parse(text.utf8)
    }

    struct Good: Sendable {
        var text: String
        var value: JSONValue
        init(_ text: String, _ value: JSONValue) {
            self.text = text
            self.value = value
        }
    }

    @Test(arguments: [
        Good("null", .null), Good("true", .bool(true)), Good(" \t\r\n false \n", .bool(false)),
        Good("0", .number("0")), Good("-0", .number("-0")), Good("36.0", .number("36.0")),
        Good("1e3", .number("1e3")), Good("1E+3", .number("1E+3")),
        Good("-1.50e-10", .number("-1.50e-10")),
        Good("123456789012345678901234567890", .number("123456789012345678901234567890")),
        Good("\"\"", .string("")), Good("\"計測日時\"", .string("計測日時")),
        Good(#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
        Good(#""\u0041\u8a08""#, .string("A計")), Good(#""\ud83d\ude00""#, .string("😀")),
        Good(#""\u0000""#, .string("\u{0}")), Good("\"\u{7F}\u{2028}\"", .string("\u{7F}\u{2028}")),
        Good("[]", .array([])), Good("[ ]", .array([])), Good("{ }", .object([])),
        Good("[1,[2],{}]", .array([.number("1"), .array([.number("2")]), .object([])])),
        Good(
            #"{"a":1,"":{"b":null}}"#,
            .object([
                JSONMember("a", .number("1")), JSONMember("", .object([JSONMember("b", .null)])),
            ])),
    ])
    func `every form of a value is read`(good: Good) throws {
        #expect(try parse(good.text) == good.value)
    }

    @Test(arguments: [
        ("", 0), ("   ", 3), ("nul", 3), ("nulL", 3), ("True", 0), ("1 2", 2), ("[1] x", 4),
        ("01", 2), ("-01", 3), ("1.", 2), (".5", 0), ("-", 1), ("+1", 0), ("1e", 2), ("1e+", 3),
        ("--1", 1), ("0x10", 1), ("NaN", 0), ("Infinity", 0), ("[1,]", 3), ("[,1]", 1),
        ("[1 2]", 3),
        ("[", 1), ("]", 0), ("{", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{\"a\":1 \"b\":2}", 7), ("{1:2}", 1), ("'a'", 0), ("\"a", 2), ("\"\\", 2), ("\"\\x\"", 3),
        ("\"\\u12\"", 5), ("\"\\u12g4\"", 5), ("\"\\ud800\"", 7), ("\"\\udc00\"", 7),
        ("\"\\ud800\\n\"", 8),
        ("\"\\ud800\\u0041\"", 13), ("\"\\ud800x\"", 7), ("\"a\nb\"", 3), ("\"\u{1}\"", 2),
        ("\u{FEFF}1", 0), ("// x\n1", 0), ("[1]]", 3), ("１", 0), ("\"\\U0041\"", 3),
        ("\"\\u００41\"", 3),
    ])
    func `what is not JSON is refused at its place`(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error?.offset == offset, "\(String(describing: error))")
        #expect(error?.message.isEmpty == false)
        #expect(error?.description.hasPrefix("byte \(offset): ") == true)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC3], [0xE8, 0xA8], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0x80],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused, never replaced`(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(throws: JSONError.self) { try JSONValue.parse([quote] + bytes + [quote]) }
        #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
    }

    @Test func `nesting is bounded, so a hostile text cannot overrun the stack`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try parse(nested(64)) }
        #expect(throws: JSONError.self) { try parse(nested(65)) }
        #expect(throws: JSONError.self) { try parse(nested(1_000_000)) }
        #expect(throws: JSONError.self) {
            try parse(String(repeating: "{\"a\":", count: 1_000_000))
        }
    }

    @Test func `every truncation of a document is refused`() throws {
        let text = #" {"key":"値\u3042","numbers":[0,-1.5e+10,36.0],"deep":{"yes":true,"no":null}}"#
        let bytes = Array(text.utf8)
        _ = try JSONValue.parse(bytes)
        for length in 0..<bytes.count {
            #expect(throws: JSONError.self) { try JSONValue.parse(bytes.prefix(length)) }
        }
    }

    @Test func `values are asked for by what they should be`() throws {
        let value = try parse(#"{"n":7,"d":36.0,"s":"x","b":true,"a":[1],"z":null,"n":8}"#)
        #expect(value["n"]?.integer == 8, "of two members of one name the last counts")
        #expect(value["d"]?.integer == nil)
        #expect(value["d"]?.numberText == "36.0")
        #expect(value["s"]?.string == "x")
        #expect(value["s"]?.numberText == nil)
        #expect(value["b"]?.bool == true)
        #expect(value["a"]?.array?.count == 1)
        #expect(value["z"]?.isNull == true)
        #expect(value["missing"] == nil)
        #expect(value["a"]?["x"] == nil)
        #expect(value.members?.count == 7)
        #expect(try parse("99999999999999999999").integer == nil)
    }
}
