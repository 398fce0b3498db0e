import DataFiles
import DeviceLink
import DeviceProfile
import JSON
import Measurement
import TapeLink

/// `hakaru replay`: tapes through the whole way from the link to the decision, without a store.
enum ReplayCommand {
    static let usage = "hakaru replay TAPE… [--timezone ZONE] [--tolerance 2s] [--json]"

    static func run(
        _ files: [String], _ options: [String: String], print: (String) -> Void
    ) throws(CommandError) {
        guard !files.isEmpty else { throw CommandError.usage("no tape is named; usage: \(usage)") }
        let zoneName = options["timezone"] ?? "Asia/Tokyo"
        guard let zone = ProfileFiles.timeZone(zoneName) else {
            throw CommandError.usage("--timezone '\(zoneName)' is not in the zone database")
        }
        var tolerance: Interval?
        if let text = options["tolerance"] {
            guard let value = seconds(text) else {
                throw CommandError.usage("--tolerance '\(text)'; accepted: 500ms, 2s, 1m")
            }
            tolerance = value
        }
        let profiles = try DecodeCommand.loadedProfiles().index
        var replay = TapeReplay(profiles: profiles, zone: zone, tolerance: tolerance)
        for file in files { try play(file, &replay, zone, print) }
    }

    private static func play(
        _ file: String, _ replay: inout TapeReplay, _ zone: TimeZoneRules,
        _ print: (String) -> Void
    ) throws(CommandError) {
        do {
            let tape = try TapeParser.parse(try FileReader.read(file), file: file)
            try replay.play(
                tape, file: file, each: { print(json($0, zone)) }, note: { _ in })
        } catch {
            throw CommandError.failed("\(error)")
        }
    }

    private static func json(_ result: ReplayResult, _ zone: TimeZoneRules) -> String {
        var writer = JSONWriter()
        let record = result.entry.record
        var reading = result.entry.reading
        reading.flags = record?.flags ?? reading.flags
        writer.object { writer in
            ReadingJSON.write(reading, outcome: result.outcome.word, to: &writer)
            writer.member("profile", result.profile)
            let time = record?.time
            writer.member("observation_time", time.map { zone.written($0) })
            writer.member("origin_of_time_code", time?.origin.rawValue)
            writer.member("data_input_code", record?.dataInputCode.rawValue)
            writer.member("time_basis", time?.basis.rawValue)
            writer.member("clock_offset", number: time?.clockOffset?.secondsDecimal.text)
            writer.member("record_key", result.entry.key.hex)
            if case .quarantined(let reason) = result.outcome {
                writer.member("reason", reason.rawValue)
            }
        }
        return writer.text
    }

    private static func seconds(_ text: String) -> Interval? {
        let units: [(String, Int64)] = [("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000)]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            if let value = Int64(text.dropLast(suffix.count)), value >= 0 {
                return Interval(microseconds: value * factor)
            }
        }
        return Int64(text).map { .seconds($0) }
    }
}

extension TimeZoneRules {
    /// The time as it goes into a document, with the zone's offset: cut to what was measured (T20).
    fileprivate func written(_ time: RecordTime) -> String {
        iso8601(instant(time.resolution.cut(local(time.observed))))
    }
}
