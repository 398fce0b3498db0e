import Measurement

/// The rows of a document in the making, in memory that is kept for the next one.
///
/// Room for a whole row is made before it is begun. Its bytes are then stored where they belong, without a question
/// of capacity for each.
struct RowBuffer: Sendable {
    /// Longer than what is written.
    var bytes: [UInt8] = []
    var count = 0
    var day = WrittenDay()

    mutating func removeAll() { count = 0 }

    /// Makes room for so many bytes more, and for the rest of a word.
    mutating func reserve(_ more: Int) {
        let needed = count + more + 8
        guard needed > bytes.count else { return }
        bytes += repeatElement(0, count: max(needed, bytes.count * 2) - bytes.count)
    }

    /// Writes a date by itself, in quotation marks; returns where it lies.
    mutating func date(localMicroseconds time: Int64, width: Int) -> Range<Int> {
        reserve(width + 2)
        let start = count
        var (day, place) = (day, count)
        var out = bytes.mutableSpan
        out.date(time, width: width, day: &day, at: &place)
        (self.day, count) = (day, place)
        return start..<place
    }
}

/// The digits of a day, kept for the next time: those of a document are of few days.
struct WrittenDay: Sendable {
    /// Midnight on the wall clock, in microseconds from 1970.
    private(set) var start: Int64 = 0
    /// `yyyyMMdd`, the first one in the lowest byte.
    private(set) var digits: UInt64 = 0x3130_3130_3037_3931
    static let length: Int64 = 86_400_000_000

    mutating func go(to time: Int64) {
        guard time < start || time - start >= Self.length else { return }
        start = time.down(to: Self.length)
        let local = LocalDateTime(localMicroseconds: start)
        digits = 0
        for part in [local.day, local.month, local.year % 100, local.year / 100] {
            digits = digits << 16 | twoDigits(part)
        }
    }

    private func twoDigits(_ number: Int) -> UInt64 {
        UInt64(UInt8(truncatingIfNeeded: 48 + number % 10)) << 8
            | UInt64(UInt8(truncatingIfNeeded: 48 + number / 10 % 10))
    }
}

extension Int64 {
    /// The multiple of a step at or below the number.
    func down(to step: Int64) -> Int64 {
        let rest = self % step
        return self - (rest < 0 ? rest + step : rest)
    }
}

/// What is written of a number that is not negative.
struct WrittenDecimal {
    let magnitude: UInt64
    /// Digits after the point.
    let decimals: Int
    /// Characters, the point included.
    let width: Int

    init(_ mantissa: Int64, decimals: Int) {
        magnitude = mantissa.magnitude
        self.decimals = decimals
        var digits = 1
        var rest = magnitude / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        width = decimals == 0 ? digits : max(digits, decimals + 1) + 1
    }
}

extension MutableSpan<UInt8> {
    @inline(__always)
    mutating func byte(_ byte: UInt8, at place: inout Int) {
        self[place] = byte
        place += 1
    }

    /// Stores eight bytes, the lowest first; the optimiser makes one store of them.
    @inline(__always)
    private mutating func word(_ word: UInt64, at place: Int) {
        var part = _mutatingExtracting(place..<place + 8)
        part[0] = UInt8(truncatingIfNeeded: word)
        part[1] = UInt8(truncatingIfNeeded: word >> 8)
        part[2] = UInt8(truncatingIfNeeded: word >> 16)
        part[3] = UInt8(truncatingIfNeeded: word >> 24)
        part[4] = UInt8(truncatingIfNeeded: word >> 32)
        part[5] = UInt8(truncatingIfNeeded: word >> 40)
        part[6] = UInt8(truncatingIfNeeded: word >> 48)
        part[7] = UInt8(truncatingIfNeeded: word >> 56)
    }

    /// Stores whole words and counts only the bytes that are meant; what follows overwrites the others.
    mutating func words(_ words: Span<UInt64>, _ text: PlannedText, at place: inout Int) {
        var to = place
        for index in text.words {
            word(words[index], at: to)
            to += 8
        }
        place += text.count
    }

    /// Writes a text in quotation marks.
    mutating func text(_ text: String, needsEscape: Bool, at place: inout Int) {
        let bytes = text.utf8.span
        byte(UInt8(ascii: "\""), at: &place)
        for index in bytes.indices {
            if needsEscape, bytes[index].needsEscape { byte(UInt8(ascii: "\\"), at: &place) }
            byte(bytes[index], at: &place)
        }
        byte(UInt8(ascii: "\""), at: &place)
    }

    /// Writes `yyyyMMddHHmmss` of a wall clock in quotation marks, and milliseconds where the width has room for them.
    mutating func date(_ time: Int64, width: Int, day: inout WrittenDay, at place: inout Int) {
        day.go(to: time)
        byte(UInt8(ascii: "\""), at: &place)
        word(day.digits, at: place)
        place += 8
        let milliseconds = Int((time - day.start) / 1_000)
        twoDigits(milliseconds / 3_600_000, at: &place)
        twoDigits(milliseconds / 60_000 % 60, at: &place)
        twoDigits(milliseconds / 1_000 % 60, at: &place)
        if width == 17 {
            twoDigits(milliseconds / 10 % 100, at: &place)
            byte(UInt8(truncatingIfNeeded: 48 + milliseconds % 10), at: &place)
        }
        byte(UInt8(ascii: "\""), at: &place)
    }

    @inline(__always)
    private mutating func twoDigits(_ number: Int, at place: inout Int) {
        byte(UInt8(truncatingIfNeeded: 48 + number / 10), at: &place)
        byte(UInt8(truncatingIfNeeded: 48 + number % 10), at: &place)
    }

    mutating func decimal(_ number: WrittenDecimal, at place: inout Int) {
        var rest = number.magnitude
        var left = number.width
        // From the last digit to the first; the point has its place among them.
        let point = number.decimals == 0 ? -1 : number.width - number.decimals - 1
        while left > 0 {
            left -= 1
            if left == point {
                self[place + left] = UInt8(ascii: ".")
            } else {
                self[place + left] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            }
        }
        place += number.width
    }
}

extension UInt8 {
    /// Whether it cannot stand in a JSON string by itself.
    var needsEscape: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\") }
}
