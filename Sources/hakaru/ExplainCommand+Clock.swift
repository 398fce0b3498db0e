import DataFiles
import DeviceProfile
import JSON
import Measurement

/// `hakaru explain --clock-changes`: what stamps meant on a clock whose changes the device wrote down.
extension ExplainCommand {
    /// One line for each change and each stamp of the file.
    static func clock(
        _ file: String, _ options: [String: String]
    ) throws(CommandError) -> [String] {
        let document: JSONValue
        do {
            document = try JSONValue.parse(try FileReader.read(file))
        } catch {
            throw CommandError.failed("\(file): \(error)")
        }
        let changes = try (document["changes"]?.array ?? []).map {
            value throws(CommandError) in try change(value, file)
        }
        let lines = changes.map(json)
        guard let lookups = document["lookups"]?.array, !lookups.isEmpty else { return lines }
        let name = document["zone"]?.string ?? options["timezone"] ?? "Asia/Tokyo"
        guard let zone = ProfileFiles.timeZone(name) else {
            throw CommandError.failed("\(file): zone '\(name)' is not in the zone database")
        }
        guard let newest = (document["most_recent_utc"]?.string).flatMap({ Instant(iso8601: $0) })
        else {
            throw CommandError.failed(
                "\(file): most_recent_utc is missing; accepted: 2026-03-01T00:00:00Z")
        }
        let history = ClockHistory(changes, newest: newest, zone: zone)
        return lines
            + (try lookups.map { value throws(CommandError) in
                let time = try time(value, "device_time", file)
                let index = value["index"]?.integer
                return json(time, index, history.lookup(time, index: index))
            })
    }

    private static func change(
        _ value: JSONValue, _ file: String
    ) throws(CommandError) -> RecordedClockChange {
        RecordedClockChange(
            index: value["index"]?.integer ?? 0, from: try time(value, "from", file),
            to: try time(value, "to", file))
    }

    private static func time(
        _ value: JSONValue, _ key: String, _ file: String
    ) throws(CommandError) -> LocalDateTime {
        guard let time = (value[key]?.string).flatMap({ LocalDateTime(iso8601: $0) }) else {
            throw CommandError.failed(
                "\(file): \(key) is missing or no time; accepted: 2026-03-01T08:15:00")
        }
        return time
    }

    private static func json(_ change: RecordedClockChange) -> String {
        var writer = JSONWriter()
        let split = change.split
        writer.object { writer in
            writer.member("change", change.index)
            writer.member("from", change.from.description)
            writer.member("to", change.to.description)
            writer.member("offset_min", split.zone.wholeMinutes)
            writer.member("drift_ms", split.drift.wholeMilliseconds)
            writer.member("conversion_ms", split.conversion.wholeMilliseconds)
            writer.member(
                "raw_ms", (split.zone + split.drift + split.conversion).wholeMilliseconds)
        }
        return writer.text
    }

    private static func json(
        _ time: LocalDateTime, _ index: Int?, _ found: ClockHistory.Found?
    ) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("device_time", time.description)
            writer.member("index", index)
            writer.member("utc", found.map { TimeZoneRules.utc.iso8601($0.utc) })
            writer.member("tz_offset_min", found?.zoneOffset.wholeMinutes)
            writer.member("drift_ms", found?.drift.wholeMilliseconds)
            writer.member("conversion_ms", found?.conversion.wholeMilliseconds)
            if let found { writer.member("uncertain", found.isUncertain) }
        }
        return writer.text
    }

    /// The same for people.
    static func clockText(_ line: String) -> String {
        guard let object = try? JSONValue.parse(Array(line.utf8)) else { return line }
        func number(_ key: String) -> String { object[key]?.numberText ?? "0" }
        let parts =
            "drift \(number("drift_ms")) ms, wrong date \(number("conversion_ms")) ms"
        if object["change"] != nil {
            return "change \(number("change")), \(Plain.text(object["from"])) to "
                + "\(Plain.text(object["to"])): zone \(number("offset_min")) min, \(parts)"
        }
        guard let utc = object["utc"]?.string else {
            return
                "\(Plain.text(object["device_time"])): fits no part of the history, so it has no time"
        }
        let doubt = object["uncertain"]?.bool == true ? " (by its date alone)" : ""
        return "\(Plain.text(object["device_time"])): \(Plain.text(utc))\(doubt), "
            + "zone \(number("tz_offset_min")) min, \(parts)"
    }
}

extension Interval {
    fileprivate var wholeMinutes: Int { Int(microseconds / 60_000_000) }
    fileprivate var wholeMilliseconds: Int { Int(microseconds / 1_000) }
}
