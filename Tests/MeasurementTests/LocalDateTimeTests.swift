import Measurement
import Testing

@Suite struct LocalDateTimeTests {
    struct Fields: Sendable {
        var year: Int
        var month: Int
        var day: Int
        var hour = 0
        var minute = 0
        var second = 0
        var microsecond = 0
        var value: LocalDateTime? {
            LocalDateTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second,
                microsecond: microsecond)
        }
    }

    @Test(arguments: [
        Fields(year: 2024, month: 2, day: 29), Fields(year: 2000, month: 2, day: 29),
        Fields(
            year: 2026, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999),
        Fields(year: 1, month: 1, day: 1), Fields(year: 9_999, month: 12, day: 31),
    ])
    func `dates that exist are taken`(fields: Fields) {
        #expect(fields.value != nil)
    }

    @Test(arguments: [
        Fields(year: 2026, month: 2, day: 29), Fields(year: 1900, month: 2, day: 29),
        Fields(year: 2100, month: 2, day: 29), Fields(year: 2026, month: 2, day: 30),
        Fields(year: 2026, month: 4, day: 31), Fields(year: 2026, month: 6, day: 31),
        Fields(year: 2026, month: 9, day: 31), Fields(year: 2026, month: 11, day: 31),
        Fields(year: 2026, month: 13, day: 1), Fields(year: 2026, month: 0, day: 1),
        Fields(year: 2026, month: 1, day: 0), Fields(year: 2026, month: 1, day: 32),
        Fields(year: 0, month: 1, day: 1), Fields(year: -1, month: 1, day: 1),
        Fields(year: 10_000, month: 1, day: 1), Fields(year: 2026, month: 1, day: 1, hour: 24),
        Fields(year: 2026, month: 1, day: 1, hour: -1),
        Fields(year: 2026, month: 1, day: 1, minute: 60),
        Fields(year: 2026, month: 1, day: 1, second: 60),
        Fields(year: 2026, month: 1, day: 1, microsecond: 1_000_000),
        Fields(year: 2026, month: 1, day: 1, microsecond: -1),
        Fields(year: .max, month: .max, day: .max), Fields(year: .min, month: .min, day: .min),
    ])
    func `dates that do not exist are refused, never moved to a neighbour`(fields: Fields) {
        #expect(fields.value == nil)
    }

    @Test(arguments: [
        (2024, true), (2025, false), (2000, true), (1900, false), (2100, false), (2400, true),
        (4, true), (1, false),
    ])
    func `leap years follow the Gregorian rule`(year: Int, isLeap: Bool) {
        #expect(LocalDateTime.daysInMonth(year: year, month: 2) == (isLeap ? 29 : 28))
        let months = (1...12).map { LocalDateTime.daysInMonth(year: year, month: $0) }
        #expect(months.reduce(0, +) == (isLeap ? 366 : 365))
    }

    @Test(
        arguments: [
            (Int64(0), "1970-01-01T00:00:00"), (-1, "1969-12-31T23:59:59.999999"),
            (951_782_400_000_000, "2000-02-29T00:00:00"),
            (951_868_799_500_000, "2000-02-29T23:59:59.5"),
            (-2_203_891_200_000_000, "1900-03-01T00:00:00"),
            (-2_203_891_200_000_001, "1900-02-28T23:59:59.999999"),
            (1_767_225_598_000_000, "2025-12-31T23:59:58"),
            (253_402_300_799_000_000, "9999-12-31T23:59:59"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00"),
        ] as [(Int64, String)])
    func `a wall clock is counted and shown the same way`(microseconds: Int64, text: String) {
        let time = LocalDateTime(localMicroseconds: microseconds)
        #expect(time.description == text)
        #expect(time.localMicroseconds == microseconds)
    }

    @Test func `every day of four centuries follows the one before`() {
        var expected = LocalDateTime(localMicroseconds: -62_135_596_800_000_000)
        let day = Interval.minutes(24 * 60)
        for _ in 0..<(146_097 + 400) {
            let next = expected.adding(day)
            let sameMonth = next.day == expected.day + 1 && next.month == expected.month
            let newMonth =
                next.day == 1
                && expected.day
                    == LocalDateTime.daysInMonth(year: expected.year, month: expected.month)
            guard sameMonth || newMonth, expected < next else {
                Issue.record("\(expected) is followed by \(next)")
                return
            }
            expected = next
        }
        #expect(expected.year == 402)
    }

    @Test func `the exchange spec's digits cut what is finer, and never round`() throws {
        let time = try #require(
            LocalDateTime(
                year: 2025, month: 12, day: 31, hour: 23, minute: 59, second: 59,
                microsecond: 999_999))
        #expect(time.digits14 == "20251231235959")
        #expect(time.digits17 == "20251231235959999")
        let early = try #require(LocalDateTime(year: 26, month: 3, day: 1, microsecond: 4_000))
        #expect(early.digits14 == "00260301000000")
        #expect(early.digits17 == "00260301000000004")
        #expect(early.description == "0026-03-01T00:00:00.004")
    }

    @Test func `the ends of the range do not stop the program`() {
        for microseconds in [Int64.min, .max] {
            #expect(!LocalDateTime(localMicroseconds: microseconds).description.isEmpty)
        }
    }

    @Test(arguments: [(0, 2, "00"), (7, 2, "07"), (123, 2, "123"), (9_999, 4, "9999"), (5, 0, "5")])
    func `numbers are filled with zeros and never cut`(number: Int, width: Int, text: String) {
        #expect(padded(number, width) == text)
    }
}
