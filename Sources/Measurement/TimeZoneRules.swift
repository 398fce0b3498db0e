/// The offsets of one time zone from UTC, read from a compiled zone file (TZif, RFC 8536).
///
/// The bytes come in as a parameter: this type opens no file. After the last transition in the
/// file its last offset holds.
package struct TimeZoneRules: Sendable, Equatable {
    package var name: String
    /// Ascending moments (seconds of UTC) at which the offset in the second array begins.
    private var transitions: [Int64] = []
    private var offsets: [Int32] = []
    private var first: Int32 = 0

    /// A zone with one offset for ever.
    package init(name: String, fixedOffsetSeconds: Int) {
        self.name = name
        self.first = Int32(fixedOffsetSeconds)
    }

    package static let utc = TimeZoneRules(name: "UTC", fixedOffsetSeconds: 0)

    /// Reads a TZif file; nil when the bytes are not one.
    package init?(name: String, tzif bytes: [UInt8]) {
        self.name = name
        guard let header = Header(bytes, at: 0) else { return nil }
        var start = 44
        var width = 4
        var active = header
        if header.version >= 2 {
            start += header.bodyLength(timeWidth: 4) + 44
            width = 8
            guard let second = Header(bytes, at: start - 44) else { return nil }
            active = second
        }
        guard bytes.count >= start + active.bodyLength(timeWidth: width), active.types > 0
        else { return nil }
        let indexStart = start + active.times * width
        let typeStart = indexStart + active.times
        func offset(ofType index: Int) -> Int32 {
            Int32(truncatingIfNeeded: Self.integer(bytes, at: typeStart + index * 6, width: 4))
        }
        first = offset(ofType: 0)
        for i in 0..<active.times {
            let index = Int(bytes[indexStart + i])
            let moment = Self.integer(bytes, at: start + i * width, width: width)
            guard index < active.types, transitions.last.map({ $0 < moment }) ?? true
            else { return nil }
            transitions.append(moment)
            offsets.append(offset(ofType: index))
        }
    }

    /// Seconds that local time is ahead of UTC at this moment.
    package func offsetSeconds(at instant: Instant) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= instant.seconds { low = middle + 1 } else { high = middle }
        }
        return Int(low == 0 ? first : offsets[low - 1])
    }

    package func local(_ instant: Instant) -> LocalDateTime {
        LocalDateTime(localMicroseconds: localMicroseconds(instant))
    }

    /// Microseconds from 1970-01-01 00:00 on this zone's wall clock.
    package func localMicroseconds(_ instant: Instant) -> Int64 {
        instant.microseconds + Int64(offsetSeconds(at: instant)) * 1_000_000
    }

    /// The moment of a wall-clock time.
    ///
    /// In the repeated hour the earlier moment is taken; in the skipped hour the offset from before the change holds.
    package func instant(_ local: LocalDateTime) -> Instant {
        let wall = local.localMicroseconds
        let dayBefore = offsetSeconds(at: Instant(microseconds: wall - 86_400_000_000))
        let dayAfter = offsetSeconds(at: Instant(microseconds: wall + 86_400_000_000))
        for offset in [dayBefore, dayAfter] {
            let candidate = Instant(microseconds: wall - Int64(offset) * 1_000_000)
            if offsetSeconds(at: candidate) == offset { return candidate }
        }
        return Instant(microseconds: wall - Int64(dayBefore) * 1_000_000)
    }

    /// ISO 8601 with the zone's offset: `2026-03-01T08:15:00+09:00`.
    package func iso8601(_ instant: Instant) -> String {
        let offset = offsetSeconds(at: instant)
        let sign = offset < 0 ? "-" : "+"
        let minutes = abs(offset) / 60
        return "\(local(instant))\(sign)\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2))"
    }

    private static func integer(_ bytes: [UInt8], at offset: Int, width: Int) -> Int64 {
        var value: Int64 = bytes[offset] & 0x80 != 0 ? -1 : 0
        for i in 0..<width { value = value << 8 | Int64(bytes[offset + i]) }
        return value
    }

    private struct Header {
        var version: Int
        var utcIndicators: Int
        var standardIndicators: Int
        var leaps: Int
        var times: Int
        var types: Int
        var characters: Int

        init?(_ bytes: [UInt8], at start: Int) {
            guard bytes.count >= start + 44, Array(bytes[start..<start + 4]) == Array("TZif".utf8)
            else { return nil }
            func count(_ index: Int) -> Int {
                Int(TimeZoneRules.integer(bytes, at: start + 20 + index * 4, width: 4))
            }
            version = bytes[start + 4] == 0 ? 1 : Int(bytes[start + 4]) - 48
            utcIndicators = count(0)
            standardIndicators = count(1)
            leaps = count(2)
            times = count(3)
            types = count(4)
            characters = count(5)
            let all = [utcIndicators, standardIndicators, leaps, times, types, characters]
            guard all.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
        }

        func bodyLength(timeWidth: Int) -> Int {
            times * (timeWidth + 1) + types * 6 + characters + leaps * (timeWidth + 4)
                + standardIndicators + utcIndicators
        }
    }
}
