import Glibc
import JSON
import Measurement

/// Values as people read them.
enum Plain {
    /// What stands where there is no value.
    static let none = "–"

    /// Takes control characters out: names come from radio and must not steer the terminal.
    static func text(_ raw: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in raw.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: out.append("?")
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    /// A member of an object as text; `none` where it is absent, null or empty.
    static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let raw) where !raw.isEmpty: text(raw)
        case .number(let digits): digits
        case .bool(let flag): flag ? "yes" : "no"
        default: none
        }
    }

    /// How long ago, or how long until, a time of the daemon is: `5 s ago`, `in 3 min`.
    static func ago(_ value: JSONValue?, now: Instant) -> String {
        guard let raw = value?.string else { return none }
        guard let instant = Instant(iso8601: raw) else { return text(raw) }
        let seconds = now.seconds - instant.seconds
        return seconds >= 0 ? length(seconds) + " ago" : "in " + length(-seconds)
    }

    /// For how long a time of the daemon has passed: `15 min`.
    static func age(_ value: JSONValue?, now: Instant) -> String {
        guard let instant = value?.string.flatMap({ Instant(iso8601: $0) }) else { return none }
        return length(max(0, now.seconds - instant.seconds))
    }

    /// A length of time in its largest useful unit.
    static func length(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }

    /// A time of the daemon without its `T` and fraction: `2026-03-01 08:15:00`.
    static func time(_ value: JSONValue?) -> String {
        guard let raw = value?.string, raw.utf8.count >= 19 else { return text(value) }
        let parts = raw.prefix(19).split(separator: "T")
        return text(parts.joined(separator: " "))
    }

    static func bytes(_ count: Int) -> String {
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)]
        for (unit, factor) in units where count >= factor {
            let tenths = count / (factor / 10)
            return tenths >= 1_000 || tenths % 10 == 0
                ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(count) B"
    }

    /// The values of a record: `systolic 125 mm[Hg], diastolic 80 mm[Hg]`.
    static func values(_ record: JSONValue) -> String {
        let parts = (record["values"]?.members ?? []).map { member in
            let number = text(member.value["value"])
            let unit = text(member.value["unit"])
            let name = text(member.name).replacing("_", with: " ")
            return number == none ? "\(name) \(none)" : "\(name) \(number) \(unit)"
        }
        return parts.isEmpty ? none : parts.joined(separator: ", ")
    }

    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(seconds: Int64(time.tv_sec))
    }
}

extension String {
    /// Replaces single characters.
    fileprivate func replacing(_ character: Character, with other: String) -> String {
        split(separator: character, omittingEmptySubsequences: false).joined(separator: other)
    }
}
