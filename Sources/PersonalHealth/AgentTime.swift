package import Measurement

/// A stamp or a clock of an agent, in one of the four ways the standard has.
package enum AgentTime: Sendable, Equatable {
    /// The agent's wall clock; nil where the bytes are no date.
    case absolute(LocalDateTime?)
    /// UTC, with the minutes that the agent's wall clock is ahead of it; nil where it is no date.
    case baseOffset(LocalDateTime?, minutes: Int)
    /// A counter of 125 µs since some moment.
    case relative(UInt32)
    /// A counter of microseconds.
    case hiRes(UInt64)

    /// Eight bytes BCD: century, year, month, day, hour, minute, second, hundredths.
    static func absolute(_ reader: inout MDERReader) throws(APDUError) -> AgentTime {
        let start = reader.offset
        let digits = try reader.part(8, "an absolute time").rest
        guard digits.contains(where: { $0 != 0xFF }) else { return .absolute(nil) }
        if let wrong = digits.firstIndex(where: { $0 >> 4 > 9 || $0 & 15 > 9 }) {
            throw APDUError("an absolute time is no decimal digits", offset: start + wrong)
        }
        let numbers = digits.map { Int($0 >> 4) * 10 + Int($0 & 15) }
        return .absolute(
            LocalDateTime(
                year: numbers[0] * 100 + numbers[1], month: numbers[2], day: numbers[3],
                hour: numbers[4], minute: numbers[5], second: numbers[6],
                microsecond: numbers[7] * 10_000))
    }

    /// Seconds since 1900 u32, 1/65536 s u16, minutes of the offset i16.
    ///
    /// The seconds run over in 2036; a count of the first half is from behind that.
    static func baseOffset(_ reader: inout MDERReader) throws(APDUError) -> AgentTime {
        let seconds = Int64(try reader.uint32("the seconds of a base time"))
        let fraction = Int64(try reader.uint16("the fraction of a base time"))
        let minutes = Int16(bitPattern: try reader.uint16("the offset of a base time"))
        guard seconds != 0, (-1_080...1_080).contains(minutes) else {
            return .baseOffset(nil, minutes: 0)
        }
        let era: Int64 = seconds < 0x8000_0000 ? 0x1_0000_0000 : 0
        let since1970 = seconds + era - Self.secondsTo1970
        let base = LocalDateTime(
            localMicroseconds: since1970 * 1_000_000 + fraction * 1_000_000 / 65_536)
        return .baseOffset(base, minutes: Int(minutes))
    }

    private static let secondsTo1970: Int64 = 2_208_988_800

    static func hiRes(_ reader: inout MDERReader) throws(APDUError) -> AgentTime {
        .hiRes(try reader.uint64("a high-resolution time"))
    }

    /// What the agent shows its user; nil for a counter.
    package var wall: LocalDateTime? {
        switch self {
        case .absolute(let time): time
        case .baseOffset(let base, let minutes): base?.adding(.minutes(Int64(minutes)))
        case .relative, .hiRes: nil
        }
    }

    /// What a counter counted, in steps of `tickLength`.
    package var tick: UInt32? {
        switch self {
        case .relative(let count): count
        case .hiRes(let microseconds): UInt32(truncatingIfNeeded: microseconds / 1_000)
        case .absolute, .baseOffset: nil
        }
    }

    /// The time between two counts of `tick`; a counter of microseconds is kept in milliseconds.
    package var tickLength: Interval? {
        switch self {
        case .relative: Interval(microseconds: 125)
        case .hiRes: .milliseconds(1)
        case .absolute, .baseOffset: nil
        }
    }

    /// The eight bytes of an absolute time.
    static func bytes(_ time: LocalDateTime) -> [UInt8] {
        let parts = [
            time.year / 100, time.year % 100, time.month, time.day, time.hour, time.minute,
            time.second, time.microsecond / 10_000,
        ]
        return parts.map { UInt8($0 / 10 % 10) << 4 | UInt8($0 % 10) }
    }

    /// The eight bytes of a base-offset time.
    static func bytes(base: LocalDateTime, minutes: Int) -> [UInt8] {
        let microseconds = base.localMicroseconds
        let seconds = microseconds / 1_000_000
        var writer = MDERWriter()
        writer.uint32(UInt32(truncatingIfNeeded: seconds + secondsTo1970))
        writer.uint16(
            UInt16(truncatingIfNeeded: (microseconds - seconds * 1_000_000) * 65_536 / 1_000_000))
        writer.uint16(UInt16(bitPattern: Int16(clamping: minutes)))
        return writer.bytes
    }
}
