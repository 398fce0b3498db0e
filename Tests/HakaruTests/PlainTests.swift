import JSON
import Measurement
import Testing

@testable import hakaru

@Suite("Text for people") struct PlainTests {
    @Test(
        "a size is short and never rounded up to a full disk that is not",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_550, "1.5 kB"), (12_400_000, "12.4 MB"),
            (512_000_000, "512 MB"), (999_999_999, "999 MB"), (2_000_000_000, "2 GB"),
        ])
    func bytes(_ count: Int, _ text: String) {
        #expect(Plain.bytes(count) == text)
    }

    @Test(
        "times are told from now, also those to come",
        arguments: [
            ("2026-03-01T08:15:00+09:00", "0 s ago"), ("2026-03-01T08:14:00+09:00", "60 s ago"),
            ("2026-03-01T08:00:00+09:00", "15 min ago"), ("2026-02-28T20:15:00Z", "3 h ago"),
            ("2025-03-01T08:15:00+09:00", "365 d ago"), ("2026-03-01T08:20:30+09:00", "in 5 min"),
            ("yesterday", "yesterday"),
        ])
    func ago(_ time: String, _ text: String) {
        guard let now = Instant(iso8601: "2026-03-01T08:15:00+09:00") else {
            Issue.record("the time was not read")
            return
        }
        #expect(Plain.ago(.string(time), now: now) == text)
    }

    @Test("what is not there is a dash, never an empty column")
    func none() {
        #expect(Plain.text(nil) == "–")
        #expect(Plain.text(.null) == "–")
        #expect(Plain.text(.string("")) == "–")
        #expect(Plain.time(nil) == "–")
        #expect(Plain.ago(nil, now: Instant(seconds: 0)) == "–")
        #expect(Plain.values(.object([])) == "–")
    }

    @Test(
        "wide and combining characters take the place they take on a terminal",
        arguments: [
            ("abc", 3), ("血圧計", 6), ("ｶﾞ", 2), ("ガ", 2), ("か\u{3099}", 2), ("é", 1),
            ("e\u{301}", 1), ("😀", 2), ("", 0),
        ])
    func width(_ text: String, _ width: Int) {
        #expect(TextTable.width(text) == width)
    }

    @Test("columns line up and lines end without blanks")
    func table() {
        var table = TextTable(["A", "NAME", "C"])
        table.add(["1", "体重計", "x"])
        table.add(["long", "b", ""])
        #expect(table.lines == ["A     NAME    C", "1     体重計  x", "long  b       "])
    }

    @Test("a reading is one line with its outcome, exact values and time")
    func reading() throws {
        let json = """
            {"outcome":"measurement","kind":"weight","values":{"weight":{"value":65.0,"unit":"kg"}},
             "device_time":"2017-01-16T12:39:54","flags":["stored"],
             "observation_time":"2017-01-16T12:45:54+09:00","time_basis":"corrected"}
            """
        let text = ReadingText.line(try JSONValue.parse(Array(json.utf8)))
        #expect(
            text == "measurement weight; weight 65.0 kg; measured 2017-01-16 12:45:54; corrected; "
                + "stored")
        let rejected = try JSONValue.parse(
            Array("{\"outcome\":\"rejected\",\"kind\":null,\"reason\":\"too short\"}".utf8))
        #expect(ReadingText.line(rejected) == "rejected (too short)")
    }
}
