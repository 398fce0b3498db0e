import EventLoop
import Glibc

/// Writes events to standard error, one line each: `event key=value …`, with a syslog level in front.
///
/// Where standard error is the journal, a line goes there with its event and values as fields too:
/// `journalctl -u hakarud HAKARU_EVENT=record-stored`.
///
/// No measurement value, participant code or whole address belongs into a line above debug level.
enum Log {
    enum Level: Int, Sendable, CaseIterable {
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
        case debug = 7

        init?(name: String) {
            guard let level = Self.allCases.first(where: { "\($0)" == name }) else { return nil }
            self = level
        }
    }

    /// Lines above this level are left out.
    static let threshold = Locked(Level.info)
    /// The journal reads `<4>` as a level; a person at a terminal need not see it.
    private static let marksLevels = isatty(2) == 0

    static func error(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.error, event, fields)
    }
    static func warning(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.warning, event, fields)
    }
    static func notice(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.notice, event, fields)
    }
    static func info(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.info, event, fields)
    }
    static func debug(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.debug, event, fields)
    }

    private static func write(
        _ level: Level, _ event: String, _ fields: KeyValuePairs<String, String>
    ) {
        guard level.rawValue <= threshold.withLock({ $0.rawValue }) else { return }
        var line = event
        for (key, value) in fields { line += " \(key)=\(quoted(value))" }
        if JournalEntry.isOurs, JournalEntry(level.rawValue, event, fields, line: line).send() {
            return
        }
        write((marksLevels ? "<\(level.rawValue)>" : "") + line + "\n")
    }

    private static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// A value with spaces or control characters stands in quotes, so that a line stays one line.
    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 61 && $0 < 127 }
        if isPlain, !value.isEmpty { return value }
        var out = "\""
        for scalar in harmless(value).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { out += "\\" }
            out.unicodeScalars.append(scalar)
        }
        return out + "\""
    }

    /// Without what would steer a terminal or turn the line around: names come from radio.
    static func harmless(_ value: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: out.append("?")
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
