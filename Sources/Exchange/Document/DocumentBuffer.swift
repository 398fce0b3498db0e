/// The bytes of a document as it is put together; it keeps its memory for the next one.
struct DocumentBuffer: Sendable {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
    mutating func append(_ scalar: Unicode.Scalar) { bytes.append(UInt8(ascii: scalar)) }
    mutating func append(_ name: FieldName) { bytes.append(contentsOf: name.bytes) }
    mutating func append(contentsOf slice: ArraySlice<UInt8>) { bytes.append(contentsOf: slice) }

    mutating func quoted(_ text: String) {
        append("\"")
        for byte in text.utf8 {
            if byte.needsEscape { append("\\") }
            bytes.append(byte)
        }
        append("\"")
    }
}
