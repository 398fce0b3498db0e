/// Reads a frame front to back; every read names its endianness and fails with the offset.
package struct ByteReader: Sendable {
    package let bytes: [UInt8]
    package private(set) var offset = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var remaining: Int { bytes.count - offset }

    package mutating func uint8(_ field: String) throws(DecodeError) -> UInt8 {
        try need(1, field)
        defer { offset += 1 }
        return bytes[offset]
    }
    package mutating func uint16LE(_ field: String) throws(DecodeError) -> UInt16 {
        try need(2, field)
        defer { offset += 2 }
        return UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
    }
    package mutating func uint16BE(_ field: String) throws(DecodeError) -> UInt16 {
        try uint16LE(field).byteSwapped
    }
    package mutating func uint32LE(_ field: String) throws(DecodeError) -> UInt32 {
        let low = UInt32(try uint16LE(field))
        return low | UInt32(try uint16LE(field)) << 16
    }
    package mutating func int16LE(_ field: String) throws(DecodeError) -> Int16 {
        Int16(bitPattern: try uint16LE(field))
    }
    package mutating func take(_ count: Int, _ field: String) throws(DecodeError) -> [UInt8] {
        try need(count, field)
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }
    /// Fails when bytes are left over.
    package func end() throws(DecodeError) {
        guard remaining == 0 else {
            throw DecodeError("\(remaining) byte(s) after the last field", offset: offset)
        }
    }

    private func need(_ count: Int, _ field: String) throws(DecodeError) {
        guard remaining >= count else {
            throw DecodeError("the frame ends inside \(field)", offset: bytes.count)
        }
    }
}
