package import Measurement

/// Date Time (2A08): year uint16 LE, month, day, hour, minute, second; 0 means unknown; no zone.
package enum DateTimeField: Sendable, Equatable {
    case known(LocalDateTime)
    /// Year, month or day is 0: the device has no date.
    case unknown
    /// A date or time that does not exist, such as month 13 or hour 24.
    case impossible

    package init(parsing reader: inout ByteReader) throws(DecodeError) {
        let year = Int(try reader.uint16LE("the time stamp"))
        let rest = try reader.take(5, "the time stamp").map(Int.init)
        if year == 0 || rest[0] == 0 || rest[1] == 0 {
            self = .unknown
        } else if year < 1_582 {
            self = .impossible
        } else if let time = LocalDateTime(
            year: year, month: rest[0], day: rest[1], hour: rest[2], minute: rest[3],
            second: rest[4])
        {
            self = .known(time)
        } else {
            self = .impossible
        }
    }

    package var known: LocalDateTime? { if case .known(let time) = self { time } else { nil } }

    /// The seven bytes that set a device's clock.
    package static func bytes(_ time: LocalDateTime) -> [UInt8] {
        [
            UInt8(time.year & 0xFF), UInt8(time.year >> 8), UInt8(time.month), UInt8(time.day),
            UInt8(time.hour), UInt8(time.minute), UInt8(time.second),
        ]
    }
}

extension Reading {
    /// Reads a time stamp; one that does not exist is a broken frame, one that is unknown is not.
    mutating func takeTime(_ reader: inout ByteReader) throws(DecodeError) {
        let field = try DateTimeField(parsing: &reader)
        if field == .impossible {
            throw DecodeError("an impossible date or time", offset: reader.offset - 7)
        }
        setTime(field)
    }

    /// Takes over a time stamp field, known or not.
    mutating func setTime(_ field: DateTimeField) {
        deviceTime = field.known
        deviceTimeUnusable = field.known == nil
    }
}
