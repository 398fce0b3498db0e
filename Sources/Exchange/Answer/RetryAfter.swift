package import Measurement

/// The pause that a receiver asks for in `Retry-After`: seconds or a date.
package enum RetryAfter {
    /// No longer pause than this is kept: a mistyped date must not silence a gateway for a year.
    package static let longest = Interval.seconds(86_400)

    /// Returns the pause; nil where none is asked for or the header cannot be read.
    ///
    /// A date is compared with the answer's own `Date`, so that a gateway whose clock is wrong still
    /// waits for as long as was meant.
    package static func interval(_ answer: HTTPAnswer, now: Instant) -> Interval? {
        guard let header = answer.header("Retry-After") else { return nil }
        let text = trimmed(header)
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
            // Seconds that do not fit into a number are longer than the longest pause.
            return Swift.min(Int64(text).map { clamped($0) } ?? longest, longest)
        }
        guard let date = date(text) else { return nil }
        let reference = answer.header("Date").flatMap { self.date(trimmed($0)) } ?? now
        return Swift.min(Swift.max(date - reference, .zero), longest)
    }

    private static func clamped(_ seconds: Int64) -> Interval {
        .seconds(Swift.min(seconds, 86_400))
    }

    private static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }

    /// Reads the three forms of an HTTP date, all of them in GMT:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    package static func date(_ text: some StringProtocol) -> Instant? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" })
        let fields: (day: Substring, month: Substring, year: Substring, time: Substring)
        let parts = words.map { Substring($0) }
        if parts.count == 6, parts[5] == "GMT" {
            fields = (parts[1], parts[2], parts[3], parts[4])
        } else if parts.count == 5 {
            fields = (parts[2], parts[1], parts[4], parts[3])
        } else {
            return nil
        }
        let clock = fields.time.split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let month = months.firstIndex(of: String(fields.month)),
            let day = number(fields.day, 1...2), let hour = number(clock[0], 2...2),
            let minute = number(clock[1], 2...2), let second = number(clock[2], 2...2),
            let year = year(fields.year),
            // A leap second is the last second of its minute here.
            let local = LocalDateTime(
                year: year, month: month + 1, day: day, hour: hour, minute: minute,
                second: second == 60 ? 59 : second)
        else { return nil }
        return Instant(microseconds: local.localMicroseconds)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func number(_ text: Substring, _ width: ClosedRange<Int>) -> Int? {
        guard width.contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// Two digits, as the oldest form has them, mean the years 1970 to 2069.
    private static func year(_ text: Substring) -> Int? {
        guard let year = number(text, 2...4) else { return nil }
        guard text.utf8.count == 2 else { return year }
        return year < 70 ? 2000 + year : 1900 + year
    }
}
