import Crypto
package import Measurement

/// Frames of CareSens meters: 02, `iSPc`, length, command of four letters, data, CRC (BE16), 03.
///
/// The length counts from the command to the end. The CRC runs over all but itself; answers with
/// records carry none that fits, so theirs is not looked at.
package enum CareSens {
    /// Year, month, day, hour, minute, second, flags, value (BE16).
    package static let recordLength = 9
    private static let head: [UInt8] = [2] + Array("iSPc".utf8)

    package static func frame(_ command: String, _ data: [UInt8] = []) -> [UInt8] {
        let body = head + [UInt8(data.count + 7)] + Array(command.utf8) + data
        let sum = LifeScan.crc.compute((body + [3])[...])
        return body + [UInt8(sum >> 8 & 0xFF), UInt8(sum & 0xFF), 3]
    }

    /// Command and data of a frame.
    ///
    /// - Throws: where it is no frame.
    package static func open(
        _ frame: [UInt8]
    ) throws(DecodeError) -> (command: String, data: [UInt8]) {
        guard frame.starts(with: head) else { throw DecodeError("another beginning", offset: 0) }
        guard frame.count >= 13, frame.count == Int(frame[5]) + 6 else {
            throw DecodeError("another length than is said", offset: min(5, frame.count))
        }
        guard frame.last == 3 else { throw DecodeError("no end", offset: frame.count - 1) }
        let command = String(decoding: frame[6..<10], as: UTF8.self)
        let body = frame.dropLast(3)
        let said = UInt32(frame[frame.count - 3]) << 8 | UInt32(frame[frame.count - 2])
        guard command == "GLUE" || LifeScan.crc.compute((body + [3])[...]) == said else {
            throw DecodeError("the checksum does not fit", offset: frame.count - 3)
        }
        return (command, Array(body.dropFirst(10)))
    }

    /// Year since 2000, month, day, hour, minute, second.
    package static func time(_ data: [UInt8]) -> LocalDateTime? {
        guard data.count >= 6 else { return nil }
        return LocalDateTime(
            year: 2_000 + Int(data[0]), month: Int(data[1]), day: Int(data[2]), hour: Int(data[3]),
            minute: Int(data[4]), second: Int(data[5]))
    }
}
