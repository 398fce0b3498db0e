/// Reads MDER (big-endian, IEEE 11073-20601 annex F) front to back; a failed read names its offset.
///
/// A reader of a part keeps the offsets of the whole APDU, so that an error points into the bytes
/// as they came.
package struct MDERReader: Sendable {
    package let bytes: [UInt8]
    package private(set) var offset: Int
    /// One past the last byte of this part.
    package let end: Int

    package init(_ bytes: [UInt8]) {
        self.init(bytes, offset: 0, end: bytes.count)
    }

    private init(_ bytes: [UInt8], offset: Int, end: Int) {
        self.bytes = bytes
        self.offset = offset
        self.end = end
    }

    package var remaining: Int { end - offset }
    /// All bytes of this part that were not read yet.
    package var rest: [UInt8] { Array(bytes[offset..<end]) }

    package mutating func uint8(_ field: String) throws(APDUError) -> UInt8 {
        try need(1, field)
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func uint16(_ field: String) throws(APDUError) -> UInt16 {
        try need(2, field)
        defer { offset += 2 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    package mutating func uint32(_ field: String) throws(APDUError) -> UInt32 {
        try need(4, field)
        let high = UInt32(try uint16(field))
        return high << 16 | UInt32(try uint16(field))
    }

    package mutating func uint64(_ field: String) throws(APDUError) -> UInt64 {
        try need(8, field)
        let high = UInt64(try uint32(field))
        return high << 32 | UInt64(try uint32(field))
    }

    /// A part of the next `count` bytes.
    package mutating func part(_ count: Int, _ field: String) throws(APDUError) -> MDERReader {
        try need(count, field)
        defer { offset += count }
        return MDERReader(bytes, offset: offset, end: offset + count)
    }

    /// A part that is preceded by its length: an octet string, an `ANY DEFINED BY`.
    package mutating func lengthed(_ field: String) throws(APDUError) -> MDERReader {
        let start = offset
        let length = Int(try uint16("the length of \(field)"))
        guard length <= remaining else {
            throw APDUError(
                "\(field) is said to have \(length) bytes, \(remaining) follow", offset: start)
        }
        return try part(length, field)
    }

    /// A `SEQUENCE OF`: count, length in bytes, the elements; all of the bytes must be used.
    package mutating func list<Element>(
        _ field: String,
        _ element: (inout MDERReader) throws(APDUError) -> Element
    ) throws(APDUError) -> [Element] {
        let start = offset
        let count = Int(try uint16("the count of \(field)"))
        var body = try lengthed(field)
        // No element is shorter than a byte: a count beyond that cannot be meant.
        guard count <= body.remaining else {
            throw APDUError(
                "\(field) has \(count) elements in \(body.remaining) bytes", offset: start)
        }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try element(&body)) }
        try body.finish(field)
        return elements
    }

    /// Fails when bytes of this part are left over.
    package func finish(_ field: String) throws(APDUError) {
        guard remaining == 0 else {
            throw APDUError("\(remaining) byte(s) after \(field)", offset: offset)
        }
    }

    private func need(_ count: Int, _ field: String) throws(APDUError) {
        guard remaining >= count else { throw APDUError("the end inside \(field)", offset: end) }
    }
}

/// Printable text of an octet string; what pads it at its end (NUL, blanks) does not count.
func shownText(_ bytes: [UInt8]) -> String {
    let end = bytes.lastIndex { $0 != 0 && $0 != 32 }.map { $0 + 1 } ?? 0
    return String(decoding: bytes[..<end].filter { $0 >= 32 && $0 != 127 }, as: UTF8.self)
}
