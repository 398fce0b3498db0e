import GatewayTestKit
import Glibc
import Measurement
import Testing

@Suite struct TimeZoneRulesTests {
    private static func bytes(_ name: String) -> [UInt8] {
        let descriptor = open("/usr/share/zoneinfo/" + name, O_RDONLY)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
    private func zone(_ name: String) throws -> TimeZoneRules {
        try #require(TimeZoneRules(name: name, tzif: Self.bytes(name)))
    }
    private func local(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0, _ second: Int = 0
    ) throws -> LocalDateTime {
        try #require(
            LocalDateTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second))
    }

    @Test func `Japan is nine hours ahead, summer and winter`() throws {
        let tokyo = try zone("Asia/Tokyo")
        for month in 1...12 {
            let noon = try local(2026, month, 15, 12)
            #expect(tokyo.iso8601(tokyo.instant(noon)).hasSuffix("T12:00:00+09:00"))
        }
        let moment = Instant(seconds: 1_772_334_000)
        #expect(tokyo.iso8601(moment) == "2026-03-01T12:00:00+09:00")
        #expect(tokyo.local(moment).digits14 == "20260301120000")
        // Japan had summer time until 1951.
        #expect(tokyo.offsetSeconds(at: Instant(seconds: -583_900_000)) == 36_000)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var zone: String
        var date: (Int, Int, Int)
        var hour: Int
        var minute: Int
        var expected: String
        var testDescription: String { "\(zone) \(date) \(hour):\(minute)" }
    }

    @Test(arguments: [
        // Berlin: 2026-03-29 02:00 becomes 03:00.
        Change(
            zone: "Europe/Berlin", date: (2026, 3, 29), hour: 1, minute: 59,
            expected: "2026-03-29T01:59:00+01:00"),
        Change(
            zone: "Europe/Berlin", date: (2026, 3, 29), hour: 2, minute: 0,
            expected: "2026-03-29T03:00:00+02:00"),
        Change(
            zone: "Europe/Berlin", date: (2026, 3, 29), hour: 2, minute: 30,
            expected: "2026-03-29T03:30:00+02:00"),
        Change(
            zone: "Europe/Berlin", date: (2026, 3, 29), hour: 3, minute: 0,
            expected: "2026-03-29T03:00:00+02:00"),
        // Berlin: 2026-10-25 03:00 becomes 02:00; the first of the two is taken.
        Change(
            zone: "Europe/Berlin", date: (2026, 10, 25), hour: 1, minute: 59,
            expected: "2026-10-25T01:59:00+02:00"),
        Change(
            zone: "Europe/Berlin", date: (2026, 10, 25), hour: 2, minute: 30,
            expected: "2026-10-25T02:30:00+02:00"),
        Change(
            zone: "Europe/Berlin", date: (2026, 10, 25), hour: 3, minute: 0,
            expected: "2026-10-25T03:00:00+01:00"),
        // New York: 2026-03-08 and 2026-11-01, at 02:00.
        Change(
            zone: "America/New_York", date: (2026, 3, 8), hour: 1, minute: 59,
            expected: "2026-03-08T01:59:00-05:00"),
        Change(
            zone: "America/New_York", date: (2026, 3, 8), hour: 2, minute: 30,
            expected: "2026-03-08T03:30:00-04:00"),
        Change(
            zone: "America/New_York", date: (2026, 3, 8), hour: 3, minute: 0,
            expected: "2026-03-08T03:00:00-04:00"),
        Change(
            zone: "America/New_York", date: (2026, 11, 1), hour: 1, minute: 30,
            expected: "2026-11-01T01:30:00-04:00"),
        Change(
            zone: "America/New_York", date: (2026, 11, 1), hour: 2, minute: 0,
            expected: "2026-11-01T02:00:00-05:00"),
        // Offsets that are not whole hours.
        Change(
            zone: "Asia/Kathmandu", date: (2026, 1, 1), hour: 0, minute: 0,
            expected: "2026-01-01T00:00:00+05:45"),
        Change(
            zone: "America/St_Johns", date: (2026, 1, 1), hour: 0, minute: 0,
            expected: "2026-01-01T00:00:00-03:30"),
        Change(
            zone: "Pacific/Kiritimati", date: (2026, 1, 1), hour: 0, minute: 0,
            expected: "2026-01-01T00:00:00+14:00"),
    ])
    func `a wall clock gets one moment, in the skipped and in the repeated hour too`(
        change: Change
    ) throws {
        let rules = try zone(change.zone)
        let wall = try local(
            change.date.0, change.date.1, change.date.2, change.hour, change.minute)
        #expect(rules.iso8601(rules.instant(wall)) == change.expected)
    }

    @Test(arguments: ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
    func `every moment comes back from its wall clock, but in the repeated hour`(name: String)
        throws
    {
        let rules = try zone(name)
        var repeated = 0
        // Every 37 minutes of five years.
        for step in 0..<71_000 {
            let moment = Instant(seconds: 1_577_836_800 + Int64(step) * 37 * 60)
            let back = rules.instant(rules.local(moment))
            if back != moment {
                repeated += 1
                #expect(rules.local(back) == rules.local(moment))
                #expect(back < moment, "of two moments the earlier is taken")
            }
        }
        #expect(repeated < 20)
    }

    @Test func `a zone with one offset holds for ever`() {
        let fixed = TimeZoneRules(name: "+09", fixedOffsetSeconds: 32_400)
        for seconds in [-10_000_000_000, 0, 10_000_000_000] as [Int64] {
            #expect(fixed.offsetSeconds(at: Instant(seconds: seconds)) == 32_400)
        }
        #expect(TimeZoneRules.utc.iso8601(Instant(seconds: 0)) == "1970-01-01T00:00:00+00:00")
    }

    @Test func `what is not a zone file is none`() {
        let tokyo = Self.bytes("Asia/Tokyo")
        #expect(tokyo.count > 100)
        #expect(TimeZoneRules(name: "x", tzif: []) == nil)
        #expect(TimeZoneRules(name: "x", tzif: Array("TZif".utf8)) == nil)
        #expect(TimeZoneRules(name: "x", tzif: Array(repeating: 0xFF, count: 500)) == nil)
        #expect(TimeZoneRules(name: "x", tzif: Array("PK".utf8) + tokyo.dropFirst(2)) == nil)
    }

    @Test func `a zone file that was cut off is none, or still right`() throws {
        for name in ["Asia/Tokyo", "Europe/Berlin"] {
            let whole = Self.bytes(name)
            let rules = try zone(name)
            let moment = Instant(seconds: 1_772_334_000)
            for length in 0..<whole.count {
                // Only the text behind the table may be missing.
                if let cut = TimeZoneRules(name: name, tzif: Array(whole.prefix(length))) {
                    #expect(cut.offsetSeconds(at: moment) == rules.offsetSeconds(at: moment))
                }
            }
        }
    }

    @Test func `bytes that were changed never stop the program`() {
        var generator = SeededGenerator(seed: 7)
        for name in ["Asia/Tokyo", "America/New_York"] {
            let whole = Self.bytes(name)
            for _ in 0..<4_000 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                }
                guard let rules = TimeZoneRules(name: name, tzif: bytes) else { continue }
                let moment = Instant(
                    seconds: Int64.random(in: -4_000_000_000...9_000_000_000, using: &generator))
                _ = rules.iso8601(rules.instant(rules.local(moment)))
            }
        }
    }

    @Test func `a table whose moments go backwards is refused`() throws {
        var bytes = Self.bytes("Europe/Berlin")
        // The second table begins behind the first; its first two moments change places.
        let second = try #require(
            bytes.indices.dropFirst(44).first {
                Array(bytes[$0...].prefix(4)) == Array("TZif".utf8)
            })
        let start = second + 44
        let first = Array(bytes[start..<start + 8])
        bytes.replaceSubrange(start..<start + 8, with: Array(bytes[start + 8..<start + 16]))
        bytes.replaceSubrange(start + 8..<start + 16, with: first)
        #expect(TimeZoneRules(name: "x", tzif: bytes) == nil)
    }
}
