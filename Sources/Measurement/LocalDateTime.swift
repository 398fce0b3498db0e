/// A wall-clock date and time without a zone, as devices and the exchange spec (計測日時) write it.
package struct LocalDateTime: Sendable, Hashable {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    package var microsecond: Int

    /// Nil for a date or a time that does not exist (month 13, 30 February, hour 24, second 60).
    package init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
        microsecond: Int = 0
    ) {
        guard (1...9999).contains(year), (1...12).contains(month),
            day >= 1, day <= Self.daysInMonth(year: year, month: month),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second),
            (0...999_999).contains(microsecond)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// The wall clock of a zone that is `microsecondsSince1970` ahead of 1970-01-01 00:00 local.
    package init(localMicroseconds: Int64) {
        let perDay: Int64 = 86_400_000_000
        var days = localMicroseconds / perDay
        var rest = localMicroseconds % perDay
        if rest < 0 {
            days -= 1
            rest += perDay
        }
        (year, month, day) = Self.civil(fromDays: Int(days))
        hour = Int(rest / 3_600_000_000)
        minute = Int(rest / 60_000_000 % 60)
        second = Int(rest / 1_000_000 % 60)
        microsecond = Int(rest % 1_000_000)
    }

    /// Microseconds from 1970-01-01 00:00 on the same wall clock.
    package var localMicroseconds: Int64 {
        let days = Int64(Self.days(fromCivil: year, month, day))
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
        return seconds * 1_000_000 + Int64(microsecond)
    }

    package func adding(_ interval: Interval) -> LocalDateTime {
        LocalDateTime(localMicroseconds: localMicroseconds + interval.microseconds)
    }

    package static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a Gregorian date, by eras of 400 years starting on 1 March.
    private static func days(fromCivil year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension LocalDateTime: Comparable {
    package static func < (a: LocalDateTime, b: LocalDateTime) -> Bool {
        a.localMicroseconds < b.localMicroseconds
    }
}

extension LocalDateTime: CustomStringConvertible {
    /// ISO 8601 without a zone: `2025-12-31T23:59:58`, with a fraction only where there is one.
    package var description: String {
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        text += "T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        if microsecond != 0 {
            var fraction = padded(microsecond, 6)
            while fraction.last == "0" { fraction.removeLast() }
            text += "." + fraction
        }
        return text
    }

    /// `yyyyMMddHHmmss`, the exchange spec's 14 digits; sub-seconds are cut, not rounded.
    package var digits14: String {
        padded(year, 4) + padded(month, 2) + padded(day, 2)
            + padded(hour, 2) + padded(minute, 2) + padded(second, 2)
    }

    /// `yyyyMMddHHmmssSSS`, the exchange spec's 17 digits.
    package var digits17: String { digits14 + padded(microsecond / 1_000, 3) }
}

/// A non-negative number with leading zeros.
package func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return digits.utf8.count >= width
        ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}
