/// Writes JSON into a byte buffer that can be used again; no allocation per field.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }
    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }
    package mutating func key(_ name: some StringProtocol) {
        separate()
        quoted(name.utf8)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }
    package mutating func string(_ value: some StringProtocol) {
        separate()
        quoted(value.utf8)
        needsComma = true
    }
    package mutating func integer(_ value: some BinaryInteger) {
        guard let small = Int64(exactly: value) else { return raw(String(value)) }
        separate()
        appendDigits(small)
        needsComma = true
    }
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    package mutating func null() { raw("null") }
    /// Text that is JSON already, such as the exact digits of a number.
    package mutating func raw(_ text: some StringProtocol) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }
    package mutating func raw(bytes other: [UInt8]) {
        separate()
        bytes.append(contentsOf: other)
        needsComma = true
    }

    // Members of an object in one call.
    package mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }
    package mutating func member(_ name: String, _ value: Int?) {
        key(name)
        if let value { integer(value) } else { null() }
    }
    package mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }
    package mutating func member(_ name: String, number text: String?) {
        key(name)
        if let text { raw(text) } else { null() }
    }
    package mutating func member(_ name: String, object body: (inout JSONWriter) -> Void) {
        key(name)
        object(body)
    }
    package mutating func member(_ name: String, array body: (inout JSONWriter) -> Void) {
        key(name)
        array(body)
    }
    package mutating func member(_ name: String, strings: [String]) {
        key(name)
        array { writer in for item in strings { writer.string(item) } }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }
    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }
    private mutating func appendDigits(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var divisor: UInt64 = 1
        let magnitude = value.magnitude
        while magnitude / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(48 + magnitude / divisor % 10))
            divisor /= 10
        }
    }
    private mutating func quoted(_ text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 10: escape("n")
            case 13: escape("r")
            case 9: escape("t")
            case 0..<32, 127: control(byte)
            // U+0080 to U+009F steer a terminal too; in UTF-8 they have C2 in front.
            case 0x80...0x9F where bytes.last == 0xC2:
                bytes.removeLast()
                control(byte)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
    private mutating func control(_ code: UInt8) {
        escape("u")
        bytes.append(contentsOf: [48, 48, hexDigit(code >> 4), hexDigit(code & 15)])
    }
    private mutating func escape(_ letter: Unicode.Scalar) {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: letter))
    }
}

private func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
