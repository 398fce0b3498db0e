import Crypto
import Measurement

/// A text reply of an Abbott reader: text, `CKSM:` and eight hexadecimal digits, `CMD OK`.
package enum AbbottText {
    /// Nothing more of this reply will come.
    package static func isWhole(_ bytes: [UInt8]) -> Bool {
        ["CMD OK\r\n", "CMD Fail!\r\n"].contains { end in
            bytes.suffix(end.utf8.count).elementsEqual(end.utf8)
        }
    }

    /// The text without checksum and status.
    ///
    /// - Throws: a reply that failed, or whose checksum does not fit.
    package static func body(_ bytes: [UInt8]) throws(DecodeError) -> [UInt8] {
        let ok = Array("CMD OK\r\n".utf8)
        guard bytes.suffix(ok.count).elementsEqual(ok) else {
            let fail = isWhole(bytes) ? "command failed" : "the reply has no end"
            throw DecodeError(fail, offset: bytes.count)
        }
        let head = bytes.dropLast(ok.count)
        // CKSM:%08X\r\n
        guard head.count >= 15, head.suffix(2).elementsEqual([13, 10]) else {
            throw DecodeError("malformed checksum field", offset: head.count)
        }
        let field = head.suffix(15)
        let digits = field.dropFirst(5).dropLast(2)
        guard field.prefix(5).elementsEqual("CKSM:".utf8),
            let said = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
            digits.allSatisfy({ $0 != 43 })
        else { throw DecodeError("malformed checksum field", offset: field.startIndex) }
        let body = Array(head.dropLast(15))
        guard sum(body) == said else {
            throw DecodeError("the checksum does not fit", offset: field.startIndex)
        }
        return body
    }

    /// The lines of a list, which ends with their count and the sum of their characters.
    ///
    /// - Throws: a list that is cut, or whose count or sum does not fit.
    package static func list(_ body: [UInt8]) throws(DecodeError) -> [[UInt8]] {
        if body.elementsEqual("Log Empty\r\n".utf8) { return [] }
        var ends = body.indices.filter { body[$0] == 10 }
        guard ends.popLast() == body.count - 1 else {
            throw DecodeError("the list has no end", offset: body.count)
        }
        let start = ends.last.map { $0 + 1 } ?? 0
        let fields = body[start...].filter { $0 != 13 && $0 != 10 }.split(separator: 44)
        guard fields.count == 2, let count = Int(String(decoding: fields[0], as: UTF8.self)),
            let said = UInt32(String(decoding: fields[1], as: UTF8.self), radix: 16)
        else { throw DecodeError("a list ends with its count and sum", offset: start) }
        guard count == ends.count, sum(Array(body[..<start])) == said else {
            throw DecodeError("the count or the sum of the list does not fit", offset: start)
        }
        return body[..<start].split(separator: 10).map { Array($0.filter { $0 != 13 }) }
    }

    private static func sum(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(0) { $0 &+ UInt32($1) } }
}

/// A history record of a FreeStyle Libre reader: 21 bytes, CRC over bytes 1 to 18.
enum LibreHistory {
    static let crc = CyclicRedundancyCheck(
        width: 16, polynomial: 0x1021, initial: 0xFFFF, reflectsInput: true, reflectsOutput: false,
        finalXor: 0)

    /// 06, number (LE16), type 0C, 80, reader time (LE32), user offset (LE32, signed), mg/dL (LE16),
    /// life counter (LE16), quality (LE16), CRC (LE16).
    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 21)
        guard bytes.count == 21, bytes[0] == 6, bytes[3] == 12 else {
            throw DecodeError("another record than the history's", offset: 0)
        }
        guard places.le16(19) == Int(crc.compute(bytes[1...18])) else {
            throw DecodeError("the checksum does not fit", offset: 19)
        }
        let time = places.le32(5)
        let offset = Int32(bitPattern: places.le32(9))
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = bytes
        reading.sequenceNumber = places.le16(1)
        reading.quantities = [
            Quantity(.glucose, ExactDecimal(Int64(places.le16(13))), .milligramPerDecilitre)
        ]
        if places.le16(17) != 0 { reading.outcome = .failedMeasurement }
        reading.tick = UInt64(time)
        reading.add([
            "table": String(bytes[0]), "record": String(places.le16(1)),
            "record-type": String(bytes[3]), "flag-byte": hexadecimal([bytes[4]]),
            "reader-time": String(time), "user-time-offset-s": String(offset),
            "life-counter-min": String(places.le16(15)),
            "data-quality-flags": String(places.le16(17)),
            "crc16": hexDigits(UInt32(places.le16(19)), 4),
        ])
        return reading
    }
}

/// The reader numbers its records with 32 bits and stores 16 of them.
package enum WideRecordNumber {
    static func reading(_ bytes: [UInt8], _ context: FrameContext) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 2)
        guard bytes.count == 2, let next = context.nextRecord,
            let wide = widened(UInt16(places.le16(0)), next: next)
        else { throw DecodeError("no record has this number yet", offset: 0) }
        return .state(["record-u32": String(wide)])
    }

    /// The largest number below `next` that ends in these 16 bits.
    package static func widened(_ low: UInt16, next: UInt64) -> UInt64? {
        guard next > 0 else { return nil }
        let last = next - 1
        let same = last & ~0xFFFF | UInt64(low)
        if same <= last { return same }
        return same >= 0x1_0000 ? same - 0x1_0000 : nil
    }
}
