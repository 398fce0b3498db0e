import DataFiles
import JSON
import Measurement
import Testing

@testable import DeviceProfile
@testable import hakaru

/// A meter that writes down the changes of its own clock: each record gets the time it was made at.
@Suite struct RecordedChangesTests {
    static let cases: [JSONValue] = {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        let text = try? FileReader.read(root + "/Tests/Fixtures/cases/usb.json")
        let all = text.flatMap { try? JSONValue.parse($0) }?.array ?? []
        return all.filter { $0["class"]?.string == "algorithm" }
    }()

    func changes(_ example: JSONValue) throws -> [RecordedClockChange] {
        try #require(example["changes"]?.array).map {
            let from = try #require($0["from"]?.string)
            let to = try #require($0["to"]?.string)
            return RecordedClockChange(
                index: $0["index"]?.integer ?? 0, from: wall(from), to: wall(to))
        }
    }

    @Test func `every worked example of clock changes gives its result`() throws {
        let examples = Self.cases.filter { $0["expected"]?["lookups"] != nil }
        #expect(examples.count == 6)
        for example in examples {
            let name = try #require(example["zone"]?.string)
            let zone = try #require(ProfileFiles.timeZone(name))
            let newest = moment(try #require(example["most_recent_utc"]?.string))
            let history = ClockHistory(try changes(example), newest: newest, zone: zone)
            for lookup in try #require(example["expected"]?["lookups"]?.array) {
                let text = try #require(lookup["device_time"]?.string)
                let time = wall(text)
                let found = history.lookup(time, index: lookup["index"]?.integer)
                let name = "\(example["id"]?.string ?? "") \(time)"
                #expect(found?.utc == lookup["utc"]?.string.map { moment($0) }, "\(name)")
                #expect(
                    found.map { $0.zoneOffset.microseconds / 60_000_000 }
                        == lookup["tz_offset_min"]?.integer.map { Int64($0) }, "\(name)")
                #expect(
                    found.map { $0.drift.microseconds / 1_000 }
                        == lookup["drift_ms"]?.integer.map { Int64($0) }, "\(name)")
                #expect(
                    found.map { $0.conversion.microseconds / 1_000 }
                        == lookup["conversion_ms"]?.integer.map { Int64($0) }, "\(name)")
            }
        }
    }

    @Test func `less than a quarter of an hour is drift, more is rounded to half hours`() throws {
        let example = try #require(Self.cases.first { $0["expected"]?["offset_min"] != nil })
        let expected = try #require(example["expected"]?["offset_min"]?.array).map(\.integer)
        let found = try changes(example).map { Int($0.split.zone.microseconds / 60_000_000) }
        #expect(found == expected)
        let raw = try #require(example["expected"]?["raw_ms"]?.array)
        for (change, raw) in zip(try changes(example), raw) {
            guard let raw = raw.integer else { continue }
            let split = change.split
            #expect((split.zone + split.drift).microseconds == Int64(raw) * 1_000)
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var from: String
        var to: String
        /// Minutes of zone, seconds of drift, hours of conversion.
        var expected: [Int64]
        var testDescription: String { "\(from) to \(to)" }
    }

    @Test(arguments: [
        Change(from: "2015-03-08T02:00:00", to: "2015-03-08T03:00:00", expected: [-60, 0, 0]),
        Change(from: "2015-11-01T02:03:00", to: "2015-11-01T01:00:00", expected: [60, 180, 0]),
        Change(
            from: "2015-01-01T00:00:00", to: "2015-01-01T00:15:00", expected: [-30, -(-900), 0]),
        Change(from: "2015-01-02T02:00:00", to: "2015-01-01T00:00:00", expected: [1_560, 0, 0]),
        Change(from: "2015-01-02T02:20:00", to: "2015-01-01T00:00:00", expected: [0, 0, 0]),
        Change(from: "2015-02-01T00:00:00", to: "2015-01-01T00:00:00", expected: [0, 0, 744]),
    ]) func `a change is split into zone, drift and date`(change: Change) {
        let split = RecordedClockChange(index: 1, from: wall(change.from), to: wall(change.to))
            .split
        if change.from == "2015-01-02T02:20:00" {
            // 26 hours 20 minutes round to 26 hours and a half: no zone is so far from another.
            #expect(split.conversion == .minutes(1_580))
        } else {
            #expect(split.zone == .minutes(change.expected[0]))
            #expect(split.drift == .seconds(change.expected[1]))
            #expect(split.conversion == .minutes(change.expected[2] * 60))
        }
    }

    @Test func `a clock that was wrong by 23 hours is a day and an hour, not a zone`() throws {
        let history = ClockHistory(
            [
                RecordedClockChange(
                    index: 10, from: wall("2026-02-02T10:00:00"), to: wall("2026-02-01T11:00:00"))
            ],
            newest: moment("2026-03-01T00:00:00"), zone: tokyo)
        let found = try #require(history.lookup(wall("2026-02-01T10:00:00"), index: 5))
        #expect(found.zoneOffset == .minutes(480))
        #expect(found.conversion == .minutes(1_440))
        #expect(found.utc == moment("2026-01-31T11:00:00"))
    }

    @Test func `both sides of a change belong to the parts that their numbers say`() throws {
        let history = ClockHistory(
            [
                RecordedClockChange(
                    index: 10, from: wall("2026-02-01T12:00:00"), to: wall("2026-02-01T11:00:00"))
            ],
            newest: moment("2026-03-01T00:00:00"), zone: tokyo)
        // The hour that the clock showed twice.
        let time = wall("2026-02-01T11:30:00")
        #expect(history.lookup(time, index: 9)?.utc == moment("2026-02-01T10:30:00"))
        #expect(history.lookup(time, index: 10)?.utc == moment("2026-02-01T11:30:00"))
        #expect(history.lookup(time, index: 11)?.utc == moment("2026-02-01T11:30:00"))
        #expect(history.lookup(time, index: nil)?.isUncertain == true)
        #expect(history.lookup(wall("2027-01-01T00:00:00"), index: nil) == nil)
    }

    @Test func `date and time that were set one right behind the other are one change`() {
        func change(_ index: Int, _ from: String, _ to: String) -> RecordedClockChange {
            RecordedClockChange(index: index, from: wall(from), to: wall(to))
        }
        let joined = RecordedClockChange.joined([
            change(40, "2026-02-11T08:00:20", "2026-02-11T09:30:00"),
            change(38, "2025-01-10T08:00:00", "2026-02-11T08:00:00"),
            change(10, "2025-01-01T08:00:00", "2025-01-01T07:00:00"),
        ])
        #expect(
            joined == [
                change(10, "2025-01-01T08:00:00", "2025-01-01T07:00:00"),
                change(40, "2025-01-10T08:00:00", "2026-02-11T09:30:00"),
            ])
        // Far from each other in the memory, or on the clock: two changes.
        for second in [
            change(99, "2026-02-11T08:00:20", "2026-02-11T09:30:00"),
            change(40, "2026-02-12T08:00:20", "2026-02-12T09:30:00"),
        ] {
            let first = change(38, "2025-01-10T08:00:00", "2026-02-11T08:00:00")
            #expect(RecordedClockChange.joined([first, second]) == [first, second])
        }
    }

    // MARK: in a session

    func scene(_ stamp: String, number: Int?, device: String = "2026-03-01T12:00:00") -> Scene {
        Scene(.stored) {
            $0.delivery = .requested
            $0.check(device, at: "2026-03-01T12:00:00")
            $0.clock.changes = [
                RecordedClockChange(
                    index: 20, from: wall("2025-02-10T08:00:00"), to: wall("2026-02-10T08:00:00"))
            ]
            $0.stamp(stamp)
            $0.reading.sequenceNumber = number
        }
    }

    @Test func `records from before a wrong year was put right get the year, those after stay`() {
        #expect(
            scene("2025-02-09T20:00:00", number: 19).shown
                == "2026-02-09T20:00:00+09:00 code 1 corrected")
        #expect(
            scene("2026-02-11T20:00:00", number: 21).shown
                == "2026-02-11T20:00:00+09:00 code 0 device-clock")
    }

    @Test func `what the clock is off by now is added as well`() {
        #expect(
            scene("2025-02-09T20:00:00", number: 19, device: "2026-03-01T11:54:00").shown
                == "2026-02-09T20:06:00+09:00 code 1 corrected")
    }

    @Test func `a stamp that fits no part of the history waits for a person`() {
        #expect(
            scene("2025-02-09T20:00:00", number: nil).shown == "quarantine not-current-timeline")
    }
}
