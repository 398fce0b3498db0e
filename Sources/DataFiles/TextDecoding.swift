import Glibc

/// Bytes that are not text in the encodings that people's files have.
package struct TextTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    /// Counted from 1.
    package var line: Int
    package var description: String
}

/// Text as UTF-8, whatever of the two usual encodings of Japanese files it came in.
package enum TextDecoding {
    /// The bytes as UTF-8: taken as they are where they are, else read as Shift_JIS.
    ///
    /// Shift_JIS is read as CP932, which is what spreadsheets write under that name.
    package static func utf8(_ bytes: [UInt8]) throws(TextTrouble) -> [UInt8] {
        if let place = bytes.firstIndex(of: 0) {
            throw TextTrouble(
                line: line(bytes, place),
                description: "a byte 0 stands in it; accepted: text in UTF-8 or Shift_JIS")
        }
        if String(validating: bytes, as: UTF8.self) != nil { return bytes }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw TextTrouble(
                line: 1, description: "it is marked as UTF-8 and is not; accepted: UTF-8 throughout"
            )
        }
        return try shiftJIS(bytes)
    }

    private static func shiftJIS(_ bytes: [UInt8]) throws(TextTrouble) -> [UInt8] {
        guard let converter = iconv_open("UTF-8", "CP932"), converter != noConverter else {
            throw TextTrouble(line: 1, description: "this system cannot read Shift_JIS (CP932)")
        }
        defer { iconv_close(converter) }
        // A character of at most two bytes becomes one of at most three.
        var out = [UInt8](repeating: 0, count: bytes.count * 3 + 16)
        var input = bytes
        var inputLeft = input.count
        var outputLeft = out.count
        let result = input.withUnsafeMutableBytes { source in
            out.withUnsafeMutableBytes { target in
                var from = source.baseAddress?.assumingMemoryBound(to: CChar.self)
                var to = target.baseAddress?.assumingMemoryBound(to: CChar.self)
                return iconv(converter, &from, &inputLeft, &to, &outputLeft)
            }
        }
        guard result != failed, inputLeft == 0 else {
            throw TextTrouble(
                line: line(bytes, bytes.count - inputLeft),
                description: "it is neither UTF-8 nor Shift_JIS there")
        }
        return Array(out[..<(out.count - outputLeft)])
    }

    /// `(size_t)-1`, as the C interface returns it.
    private static let failed = -1
    /// `(iconv_t)-1`.
    private static var noConverter: UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: -1)
    }

    private static func line(_ bytes: [UInt8], _ end: Int) -> Int {
        1 + bytes[..<min(end, bytes.count)].count { $0 == 0x0A }
    }
}
