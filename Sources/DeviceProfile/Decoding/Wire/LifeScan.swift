import Crypto
import Measurement

/// LifeScan packets: 02, length of the whole, link byte, body, 03, CRC-CCITT (LE16) over all before.
package enum LifeScan {
    package static let crc = CyclicRedundancyCheck(
        width: 16, polynomial: 0x1021, initial: 0xFFFF, reflectsInput: false,
        reflectsOutput: false, finalXor: 0)

    /// The packet around a body; over mass storage the link byte is 0.
    package static func packet(link: UInt8 = 0, _ body: [UInt8]) -> [UInt8] {
        var packet = [2, UInt8(body.count + 6), link] + body + [3]
        let sum = crc.compute(packet[...])
        packet += [UInt8(sum & 0xFF), UInt8(sum >> 8)]
        return packet
    }

    /// Link byte and body of the packet that a block or a line begins with.
    package static func open(
        _ bytes: [UInt8]
    ) throws(DecodeError) -> (link: UInt8, body: [UInt8]) {
        let places = try Places(bytes, atLeast: 6)
        guard bytes[0] == 2 else { throw DecodeError("a packet begins with 02", offset: 0) }
        let length = Int(bytes[1])
        guard length >= 6, length <= bytes.count else {
            throw DecodeError("a packet of \(length) bytes is not there", offset: 1)
        }
        guard bytes[length...].allSatisfy({ $0 == 0 }) else {
            throw DecodeError("bytes after the packet", offset: length)
        }
        guard bytes[length - 3] == 3 else {
            throw DecodeError("the packet has no end", offset: length - 3)
        }
        guard places.le16(length - 2) == Int(crc.compute(bytes[..<(length - 2)])) else {
            throw DecodeError("the checksum does not fit", offset: length - 2)
        }
        return (bytes[2], Array(bytes[3..<length - 3]))
    }

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let (link, body) = try open(bytes)
        // 03 06: the answer is good; then a record of 16 bytes, a clock of 4, or something short.
        if body.count == 18, body[1] == 6 { return try record(Array(body[2...])) }
        if body.count == 12, body[0] == 3 || body[0] == 4, body[1] == 6 {
            return try shortRecord(Array(body[2...]))
        }
        if body.count == 10, body[0] == 5, body[1] == 6 {
            return try ultraRecord(Array(body[2...]))
        }
        var reading = Reading.state([
            "payload": hexadecimal(body).spaced, "len": String(bytes[1]), "s": String(link & 1),
            "e": String(link >> 1 & 1),
        ])
        if body.count == 6, [3, 5].contains(body[0]), body[1] == 6 {
            reading.setClock(
                seconds: try Places(body, atLeast: 6).le32(2), since: epoch(of: body[0]))
        }
        return reading
    }

    /// A time stamp alone, as the meter keeps it.
    static func stamp(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        guard bytes.count == 4 else { throw DecodeError("4 bytes are due", offset: bytes.count) }
        var reading = Reading(.deviceState)
        reading.setClock(seconds: try Places(bytes, atLeast: 4).le32(0))
        reading.add(["add-for-unix": String(epoch.localMicroseconds / 1_000_000)])
        return reading
    }

    /// The device's clock out of four bytes; one that was never set is unknown.
    ///
    /// - Parameter prefix: the first byte of the answer, which tells the models apart.
    package static func clock(_ bytes: [UInt8], prefix: UInt8 = 3) -> DateTimeField {
        guard bytes.count == 4, let seconds = (try? Places(bytes, atLeast: 4))?.le32(0),
            seconds != 0, seconds != .max
        else { return .unknown }
        return .known(epoch(of: prefix).adding(.seconds(Int64(seconds))))
    }

    /// The clock counts from here, without a zone.
    static let epoch = LocalDateTime(localMicroseconds: 946_684_800_000_000)

    /// Ultra Mini and Ultra Easy, whose messages begin with 05, count from 1970.
    private static func epoch(of prefix: UInt8) -> LocalDateTime {
        prefix == 5 ? LocalDateTime(localMicroseconds: 0) : epoch
    }

    /// Verio IQ: time (LE32), mg/dL (LE16), 01 for control solution, meal, 00, 00.
    private static func shortRecord(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 10)
        guard bytes[6] <= 1, bytes[7] <= 2 else {
            throw DecodeError("a mark that no record has", offset: 9)
        }
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = bytes
        reading.setClock(seconds: places.le32(0))
        reading.quantities = [
            Quantity(.glucose, ExactDecimal(Int64(places.le16(4))), .milligramPerDecilitre)
        ]
        if bytes[6] == 1 { reading.outcome = .controlSolution }
        if bytes[7] == 1 { reading.flags.append("before-meal") }
        if bytes[7] == 2 { reading.flags.append("after-meal") }
        return reading
    }

    /// Ultra Mini and Ultra Easy: time (LE32 since 1970), mg/dL (LE32).
    private static func ultraRecord(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 8)
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = bytes
        reading.setClock(seconds: places.le32(0), since: epoch(of: 5))
        reading.quantities = [
            Quantity(.glucose, ExactDecimal(Int64(places.le32(4))), .milligramPerDecilitre)
        ]
        return reading
    }

    /// Index from the newest (LE16), 00, number (LE16), time (LE32), mg/dL (LE16), meal, 00, flags,
    /// 0B, 00 and one more.
    private static func record(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let places = try Places(bytes, atLeast: 16)
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = Array(bytes[3...])
        reading.sequenceNumber = places.le16(3)
        reading.setClock(seconds: places.le32(5))
        reading.quantities = [
            Quantity(.glucose, ExactDecimal(Int64(places.le16(9))), .milligramPerDecilitre)
        ]
        if bytes[11] == 1 { reading.flags.append("before-meal") }
        if bytes[11] == 2 { reading.flags.append("after-meal") }
        // A flag that one host takes for control solution: nobody's glucose until it is known.
        if bytes[13] & 1 != 0 { reading.outcome = .controlSolution }
        return reading
    }
}

extension Reading {
    /// Takes a count of seconds, since 2000 if not said otherwise; 0 is a clock that was never set.
    mutating func setClock(seconds: UInt32, since epoch: LocalDateTime = LifeScan.epoch) {
        deviceTime = epoch.adding(.seconds(Int64(seconds)))
        if seconds == 0 || seconds == .max { timeFault = true }
    }
}

extension String {
    /// Pairs of digits with a blank between them.
    var spaced: String {
        var out = ""
        for (index, character) in self.enumerated() {
            if index > 0, index % 2 == 0 { out.append(" ") }
            out.append(character)
        }
        return out
    }
}
