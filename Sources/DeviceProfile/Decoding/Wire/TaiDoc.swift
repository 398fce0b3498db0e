import Crypto
package import Measurement

/// TaiDoc frames: `51 cmd d0 d1 d2 d3 A5 sum`; A3 in place of A5 is the host's direction.
package enum TaiDoc {
    package static func frame(_ command: UInt8, _ data: [UInt8] = [0, 0, 0, 0]) -> [UInt8] {
        let bytes = [0x51, command] + data.prefix(4) + [0xA3]
        return bytes + [bytes.reduce(0, &+)]
    }

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        if bytes.count == 16 { return try record(bytes) }
        guard bytes.count == 8 else { throw DecodeError("8 bytes are due", offset: bytes.count) }
        guard bytes[0] == 0x51 else { throw DecodeError("a frame begins with 51", offset: 0) }
        guard bytes[7] == bytes[..<7].reduce(0, &+) else {
            throw DecodeError("the checksum does not fit", offset: 7)
        }
        let data = Array(bytes[2...5])
        if bytes[6] == 0xA3 { return try command(bytes[1], data, bytes[7]) }
        guard bytes[6] == 0xA5 else {
            throw DecodeError("a direction that no frame has", offset: 6)
        }
        switch bytes[1] {
        case 0x23, 0x25, 0x33: return try stamp(data)
        case 0x26: return value(data)
        case 0x24:
            return .state(["model": hexadecimal([data[1], data[0]])])
        case 0x2B: return .state(["records": String(Int(data[0]) | Int(data[1]) << 8)])
        case 0x22, 0x54, 0x50: return .state(["command": hexadecimal([bytes[1]])])
        default: throw DecodeError("an answer to a command that is not known", offset: 1)
        }
    }

    /// The answers to 25 and 26 for one index: when, and what.
    private static func record(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let stamp = try reading(Array(bytes[..<8]))
        guard bytes[1] == 0x25, bytes[9] == 0x26 else {
            throw DecodeError("a record is a time, then a value", offset: 1)
        }
        var record = try reading(Array(bytes[8...]))
        record.deviceTime = stamp.deviceTime
        record.resolution = stamp.resolution
        record.keyBytes = Array(bytes[2...5] + bytes[10...13])
        return record
    }

    /// A frame of the host's: names the command, carries no value.
    private static func command(
        _ command: UInt8, _ data: [UInt8], _ sum: UInt8
    ) throws(DecodeError) -> Reading {
        let names: [UInt8: String] = [
            0x22: "connect", 0x23: "get clock", 0x24: "get model", 0x25: "get time of record",
            0x26: "get value of record", 0x2B: "get count", 0x33: "set clock",
            0x50: "turn off", 0x52: "erase",
        ]
        guard let name = names[command] else {
            throw DecodeError("a command that is not known", offset: 1)
        }
        // Only a clock fills all four bytes; a value has no place in what the host sends.
        guard command == 0x33 || data[2] == 0 && data[3] == 0 else {
            throw DecodeError("the direction byte of the host in an answer", offset: 6)
        }
        return .state([
            "command": name, "code": "0x" + hexadecimal([command]), "sum8": hexadecimal([sum]),
            "args": data.map { String($0) }.joined(separator: ","),
        ])
    }

    /// LE16 year since 2000 << 9 | month << 5 | day; minute; hour.
    static func stamp(_ data: [UInt8]) throws(DecodeError) -> Reading {
        guard data.count == 4 else { throw DecodeError("4 bytes are due", offset: data.count) }
        var reading = Reading(.deviceState)
        guard let time = time(data) else {
            throw DecodeError("an impossible date or time", offset: 2)
        }
        reading.deviceTime = time
        reading.resolution = .minute
        return reading
    }

    package static func time(_ data: [UInt8]) -> LocalDateTime? {
        guard data.count == 4 else { return nil }
        let date = Int(data[0]) | Int(data[1]) << 8
        return LocalDateTime(
            year: 2_000 + date >> 9, month: date >> 5 & 15, day: date & 31,
            hour: Int(data[3] & 0x1F), minute: Int(data[2] & 0x3F))
    }

    private static func value(_ data: [UInt8]) -> Reading {
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = data
        reading.quantities = [
            Quantity(
                .glucose, ExactDecimal(Int64(data[0]) | Int64(data[1]) << 8),
                .milligramPerDecilitre)
        ]
        switch data[3] & 0xC0 {
        case 0x40:
            reading.flags.append("before-meal")
            reading.add(["meal": "before"])
        case 0x80:
            reading.flags.append("after-meal")
            reading.add(["meal": "after"])
        case 0xC0: reading.outcome = .controlSolution
        default: break
        }
        return reading
    }
}
