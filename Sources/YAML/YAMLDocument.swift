/// The reader of one YAML 1.1 document, which JSON text is too.
package enum YAMLDocument {
    /// What one text may cost before it is refused.
    package struct Limits: Sendable {
        package var bytes = 4 << 20
        package var depth = 64
        package var nodes = 500_000

        package init() {}
    }

    /// Parses one document and keeps the place of every value.
    ///
    /// Anchors, aliases, tags and second documents are refused: nothing here needs them, and an alias
    /// is how a short file grows without bound. An empty text is a null scalar.
    /// - Throws: The first place where the text is not YAML or goes over a limit.
    package static func parse(
        _ bytes: [UInt8], file: String, limits: Limits = Limits()
    ) throws(Problem) -> YAMLNode {
        guard bytes.count <= limits.bytes else {
            throw Problem(
                file: file, line: 1, column: 1, key: "",
                message: "the file has \(bytes.count) bytes",
                accepted: "at most \(limits.bytes) bytes")
        }
        // The library counts a byte order mark as a column, which moves the first line's keys.
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        return try text.withUnsafeBufferPointer { buffer throws(Problem) in
            let parser = try EventParser(buffer, file: file, limits: limits)
            return try parser.document()
        }
    }
}
