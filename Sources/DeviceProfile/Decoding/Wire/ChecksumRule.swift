/// How a model computes its checksum, for bytes that stand without it.
package struct ChecksumRule: Sendable, Equatable {
    /// How the checksum stands in a frame.
    package enum Form: String, Sendable, CaseIterable {
        case bytes
        /// Upper-case hexadecimal digits.
        case digits
    }
    package var method: FieldChecksum.Method
    /// The name under which it is shown.
    package var name: String
    /// It runs over words of four bytes, least significant byte first, filled up with zeros.
    package var swapsWords = false
    /// What stands before the bytes, and between them and the checksum, in a whole frame; nil where
    /// the bytes do not make a frame.
    package var before: [UInt8]?
    package var between: [UInt8] = []
    package var form = Form.bytes
    /// The least significant byte of the checksum goes first.
    package var isLittleEndian = false

    package init(_ method: FieldChecksum.Method, name: String) {
        self.method = method
        self.name = name
    }

    package func value(_ bytes: [UInt8]) -> UInt32 {
        guard swapsWords else { return method.over(bytes[...]) }
        var words = bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
        for start in stride(from: 0, to: words.count, by: 4) {
            words.replaceSubrange(start..<start + 4, with: words[start..<start + 4].reversed())
        }
        return method.over(words[...])
    }

    func reading(_ bytes: [UInt8]) -> Reading {
        var reading = Reading.state([name: hexDigits(value(bytes), method.width * 2)])
        if isLittleEndian { reading.add(["wire-order": "little endian"]) }
        return reading
    }

    /// The whole frame around the bytes.
    package func frame(_ bytes: [UInt8]) -> [UInt8]? {
        guard let before else { return nil }
        let sum = hexDigits(value(bytes), method.width * 2)
        switch form {
        case .digits: return before + bytes + between + Array(sum.uppercased().utf8)
        case .bytes:
            let value = value(bytes)
            let width = method.width
            return before + bytes + between
                + (0..<width).map {
                    UInt8(value >> UInt32(8 * (isLittleEndian ? $0 : width - 1 - $0)) & 0xFF)
                }
        }
    }
}

extension FieldChecksum.Method {
    package var width: Int {
        switch self {
        case .xor, .sum8: 1
        case .sum16: 2
        case .sum32: 4
        case .crc(let crc): crc.width / 8
        }
    }
}

/// Formats of a time stamp that stands alone.
package enum StampFormat: String, Sendable, CaseIterable {
    /// LE16 of year since 2000, month and day; minute; hour.
    case taidoc
    /// Seconds since 2000 (LE32).
    case lifescan

    func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch self {
        case .taidoc: try TaiDoc.stamp(bytes)
        case .lifescan: try LifeScan.stamp(bytes)
        }
    }
}
