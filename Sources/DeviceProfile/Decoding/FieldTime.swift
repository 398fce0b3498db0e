import Measurement

/// A time stamp inside a frame, in one of the formats that devices use.
package struct FieldTime: Sendable, Equatable {
    package enum Format: Sendable, Equatable {
        /// Date Time (2A08): year u16 little-endian, month, day, hour, minute, second.
        case dateTime
        /// The same with the year most significant byte first.
        case dateTimeBigEndian
        /// Seconds since 1 January 00:00 of the year, as u32.
        case epoch(year: Int, bigEndian: Bool)
        /// Two decimal digits a byte: year (since 2000), month, day, hour, minute, second.
        case bcd6
        /// The same with the century in a byte of its own in front.
        case bcd7
        /// Elapsed Time (2BF2): nine bytes that say what their clock is.
        case elapsedTime
        /// A counter of 32 bits; the profile says how long a step is.
        case ticks(bigEndian: Bool)
        /// Days before the day on which the record is read, one byte.
        case dayIndex
        /// Each part where the profile says.
        case parts([Part: FieldNumber])
    }
    package enum Part: String, Sendable, Hashable, CaseIterable {
        case year
        case month
        case day
        case hour
        case minute
        case second
    }
    package var place: FieldNumber.Place
    package var format: Format
    /// The record has no time unless this holds.
    package var when = FieldCondition()
    /// A date that does not exist means "unknown" here, where it breaks the frame otherwise.
    package var impossibleIsUnknown = false
    /// Minutes to add for what the person sees: the clock itself keeps a base time.
    package var offset: FieldNumber?

    package init(_ place: FieldNumber.Place, _ format: Format) {
        self.place = place
        self.format = format
    }

    package var width: Int {
        switch format {
        case .dateTime, .dateTimeBigEndian, .bcd7: 7
        case .bcd6: 6
        case .epoch, .ticks: 4
        case .elapsedTime: ElapsedTime.stampWidth
        case .dayIndex: 1
        case .parts: 0
        }
    }

    func read(_ bytes: [UInt8], cursor: inout Int) throws(DecodeError) -> DateTimeField {
        let start = start(bytes, cursor)
        let field = try read(try part(of: bytes, cursor: &cursor), whole: bytes)
        guard field == .impossible else { return field }
        if impossibleIsUnknown { return .unknown }
        throw DecodeError("an impossible date or time", offset: start)
    }

    private func start(_ bytes: [UInt8], _ cursor: Int) -> Int {
        guard case .byte(let offset) = place else { return cursor }
        return offset < 0 ? bytes.count + offset : offset
    }

    /// The bytes of the stamp; `cursor` moves behind one that follows the field before it.
    func part(of bytes: [UInt8], cursor: inout Int) throws(DecodeError) -> [UInt8] {
        let start = start(bytes, cursor)
        if case .byte = place {} else { cursor += width }
        guard start >= 0, start + width <= bytes.count else {
            throw DecodeError("the frame ends inside the time stamp", offset: bytes.count)
        }
        return Array(bytes[start..<start + width])
    }

    private func read(_ part: [UInt8], whole: [UInt8]) throws(DecodeError) -> DateTimeField {
        switch format {
        case .dateTime:
            var reader = ByteReader(part)
            return try DateTimeField(parsing: &reader)
        case .dateTimeBigEndian:
            var reader = ByteReader([part[1], part[0]] + part[2...])
            return try DateTimeField(parsing: &reader)
        case .epoch(let year, let bigEndian):
            let type: FieldNumber.NumberType = bigEndian ? .uint32BE : .uint32LE
            return Self.seconds(type.read(part, at: 0), since: year)
        case .elapsedTime, .ticks, .dayIndex: return .unknown  // Taken by `take`.
        case .bcd6: return Self.bcd([0x20] + part)
        case .bcd7: return Self.bcd(part)
        case .parts(let numbers): return try Self.parts(numbers, whole)
        }
    }

    /// 0 and all ones are what a clock shows that was never set.
    static func seconds(_ count: Int64, since year: Int) -> DateTimeField {
        guard count != 0, count != 0xFFFF_FFFF,
            let start = LocalDateTime(year: year, month: 1, day: 1)
        else { return .unknown }
        return .known(start.adding(.seconds(count)))
    }

    private static func bcd(_ bytes: [UInt8]) -> DateTimeField {
        let digits = bytes.map { $0 >> 4 < 10 && $0 & 15 < 10 ? Int($0 >> 4 * 10 + $0 & 15) : nil }
        let known = digits.compactMap { $0 }
        guard known.count == bytes.count else { return .impossible }
        return date(known[0] * 100 + known[1], Array(known[2...]))
    }

    private static func parts(
        _ numbers: [Part: FieldNumber], _ bytes: [UInt8]
    ) throws(DecodeError) -> DateTimeField {
        var found: [Int] = []
        for part in Part.allCases {
            var cursor = 0
            let number = try numbers[part]?.read(bytes, cursor: &cursor, name: part.rawValue)
            found.append(Int(number?.integer ?? 0))
        }
        return date(found[0], Array(found[1...]))
    }

    private static func date(_ year: Int, _ rest: [Int]) -> DateTimeField {
        if year == 0 || rest[0] == 0 || rest[1] == 0 { return .unknown }
        let time = LocalDateTime(
            year: year, month: rest[0], day: rest[1], hour: rest[2], minute: rest[3],
            second: rest[4])
        return time.map { .known($0) } ?? .impossible
    }
}
