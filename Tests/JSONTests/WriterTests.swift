import GatewayTestKit
import JSON
import Testing

@Suite struct WriterTests {
    @Test func `members and items are separated, at every depth`() {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("a", 1)
            writer.member("empty", object: { _ in })
            writer.member(
                "list",
                array: { list in
                    list.integer(1)
                    list.object { _ in }
                    list.array { _ in }
                    list.string("x")
                    list.null()
                })
            writer.member("text", "t")
            writer.member("nothing", nil as String?)
            writer.member("none", nil as Int?)
            writer.member("yes", true)
            writer.member("exact", number: "36.00")
            writer.member("absent", number: nil)
            writer.member("strings", strings: ["a", "b"])
        }
        #expect(
            writer.text
                == #"{"a":1,"empty":{},"list":[1,{},[],"x",null],"text":"t","nothing":null,"#
                + #""none":null,"yes":true,"exact":36.00,"absent":null,"strings":["a","b"]}"#)
    }

    @Test(arguments: [
        ("", #""""#), ("a\"b\\c/", #""a\"b\\c/""#), ("\n\r\t", #""\n\r\t""#),
        ("\u{0}\u{1}\u{8}\u{C}\u{1F}", #""\u0000\u0001\u0008\u000c\u001f""#),
        ("計測日時😀", "\"計測日時😀\""), ("\u{7F}\u{2028}é", "\"\\u007f\u{2028}é\""),
        ("\u{80}\u{9B}31m\u{9F}\u{A0}", "\"\\u0080\\u009b31m\\u009f\u{A0}\""),
    ])
    func `every text is escaped so that it reads back`(text: String, written: String) throws {
        var writer = JSONWriter()
        writer.string(text)
        #expect(writer.text == written)
        #expect(try JSONValue.parse(writer.bytes).string == text)
        var key = JSONWriter()
        key.object { $0.member(text, 1) }
        #expect(try JSONValue.parse(key.bytes)[text]?.integer == 1)
    }

    @Test func `integers are written with all their digits`() {
        func written(_ value: some BinaryInteger) -> String {
            var writer = JSONWriter()
            writer.integer(value)
            return writer.text
        }
        #expect(written(0) == "0")
        #expect(written(-7) == "-7")
        #expect(written(10) == "10")
        #expect(written(UInt8.max) == "255")
        #expect(written(Int64.max) == "9223372036854775807")
        #expect(written(Int64.min) == "-9223372036854775808")
        #expect(written(UInt64.max) == "18446744073709551615")
        for power in 0...18 {
            let value = (0..<power).reduce(Int64(1)) { product, _ in product * 10 }
            #expect(written(value) == String(value))
            #expect(written(value - 1) == String(value - 1))
            #expect(written(-value) == String(-value))
        }
    }

    @Test func `a writer that is used again begins anew`() {
        var writer = JSONWriter(capacity: 4)
        writer.array { $0.integer(1) }
        writer.removeAll()
        writer.array { writer in
            writer.raw("1.50")
            writer.raw(bytes: Array("{}".utf8))
            writer.bool(false)
        }
        #expect(writer.text == "[1.50,{},false]")
    }

    @Test func `a random document reads back as it was written`() throws {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<2_000 {
            let value = random(depth: 0, &generator)
            var writer = JSONWriter()
            value.write(to: &writer)
            #expect(try JSONValue.parse(writer.bytes) == value)
        }
    }

    @Test func `a changed byte is refused or read, and what was read writes and reads the same`()
        throws
    {
        var generator = SeededGenerator(seed: 43)
        for _ in 0..<4_000 {
            var writer = JSONWriter()
            random(depth: 0, &generator).write(to: &writer)
            var bytes = writer.bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            guard let value = try? JSONValue.parse(bytes) else { continue }
            var again = JSONWriter()
            value.write(to: &again)
            #expect(try JSONValue.parse(again.bytes) == value)
        }
    }

    private func random(depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0...(depth < 5 ? 6 : 4), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .number(String(Int64.random(in: .min ... .max, using: &generator)))
        case 3:
            let digits = UInt32.random(in: .min ... .max, using: &generator)
            return .number("-0.\(digits)e-\(digits % 90)")
        case 4: return .string(text(&generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    random(depth: depth + 1, &generator)
                })
        default:
            return .object(
                (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    JSONMember(text(&generator), random(depth: depth + 1, &generator))
                })
        }
    }

    private func text(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            let scalar = Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &generator))
            if let scalar { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}
