import Crypto

/// A listing of lines that a meter sends as one block with a checksum.
package enum TextListing: Sendable, Equatable {
    /// Abbott meters on a serial line: lines, then `0x` and the sum of all before it, and `END`; or
    /// lines and `CMD OK`.
    case abbott
    /// GlucoMen Areo: lines between brackets, the last of them the CRC of what stands before it.
    case areo

    private static let crc = CyclicRedundancyCheck(
        width: 8, polynomial: 0x31, initial: 0, reflectsInput: true, reflectsOutput: true,
        finalXor: 0)
    /// What an Areo without readings writes between its brackets.
    private static let nothing: [UInt8] = [0x90, 0x3D]

    /// Nothing more of this listing will come.
    package func isWhole(_ bytes: [UInt8]) -> Bool {
        let ends = self == .areo ? ["]\r\n"] : ["CMD OK\r\n", "CMD Fail!\r\n", "END\r\n"]
        return ends.contains { bytes.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }

    /// The lines without what frames them.
    ///
    /// - Throws: a checksum that does not fit, or a block that has none.
    package func lines(_ bytes: [UInt8]) throws(DecodeError) -> [[UInt8]] {
        guard isWhole(bytes) else { throw DecodeError("no end", offset: bytes.count) }
        return switch self {
        case .abbott: try Self.abbott(bytes)
        case .areo: try Self.areo(bytes)
        }
    }

    private static func split(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        bytes.split { $0 == 13 || $0 == 10 }.map { Array($0) }
    }

    private static func abbott(_ bytes: [UInt8]) throws(DecodeError) -> [[UInt8]] {
        let all = split(bytes)
        guard let last = all.last else { throw DecodeError("no line", offset: 0) }
        let lines = Array(all.dropLast())
        if last.elementsEqual("CMD OK".utf8) { return lines }
        if last.elementsEqual("CMD Fail!".utf8) {
            throw DecodeError("command failed", offset: bytes.count)
        }
        if last.elementsEqual("Log Empty END".utf8) { return lines }
        // 0xHHHH  END CR LF
        let start = bytes.count - last.count - 2
        let digits = String(decoding: last.dropFirst(2).prefix(4), as: UTF8.self)
        guard last.starts(with: [0x30, 0x78]), last.count > 8, last[2] != 43,
            let said = UInt16(digits, radix: 16)
        else { throw DecodeError("malformed checksum field", offset: start) }
        let sum = bytes[..<start].reduce(UInt16(0)) { $0 &+ UInt16($1) }
        guard sum == said else { throw DecodeError("the checksum does not fit", offset: start) }
        return lines
    }

    private static func areo(_ bytes: [UInt8]) throws(DecodeError) -> [[UInt8]] {
        guard let start = bytes.firstIndex(of: UInt8(ascii: "[")) else {
            throw DecodeError("a listing begins with a bracket", offset: 0)
        }
        let body = Array(bytes[start...].dropLast(3))
        let lines = split(body.dropFirst())
        if lines == [nothing] { return [] }
        guard let last = lines.last, last.count == 2,
            last.allSatisfy({ (48...57).contains($0) || (65...70).contains($0) }),
            let said = UInt32(String(decoding: last, as: UTF8.self), radix: 16), body.count > 5
        else { throw DecodeError("malformed checksum field", offset: bytes.count - 3) }
        // The two digits and the end of their line do not count.
        let counted = body.dropLast(4)
        guard crc.compute(counted[...]) == said else {
            throw DecodeError("the checksum does not fit", offset: start + counted.count)
        }
        return Array(lines.dropLast())
    }
}
