import Measurement
import Testing

@testable import Exchange

@Suite("Answer") struct AnswerTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var status: Int
        var body = ""
        var headers: [HTTPHeader] = []
        var expected: Verdict
        var testDescription: String { "\(status) \(body.prefix(40))" }
        init(_ status: Int, _ body: String, _ expected: Verdict) {
            self.init(status, body, [], expected)
        }
        init(
            _ status: Int, _ body: String, _ headers: [HTTPHeader], _ expected: Verdict
        ) {
            self.status = status
            self.body = body
            self.headers = headers
            self.expected = expected
        }
    }
    static let two = Interval.seconds(2)
    static let mixed = """
        {"results":[{"index":1,"status":"duplicate"},{"index":0,"status":"rejected","reason":"no"},\
        {"index":2,"status":"accepted"}]}
        """
    static let mixedRows: [RowVerdict] = [.rejected(reason: "no"), .duplicate, .accepted]
    static let pause = [HTTPHeader("retry-after", "2")]

    /// The transport table of the contracts, row by row.
    static let table = [
        Row(200, "", .accepted(before: false)), Row(204, "", .accepted(before: false)),
        Row(202, " \r\n", .accepted(before: false)),
        Row(200, "{}", .accepted(before: false)), Row(201, "[1]", .accepted(before: false)),
        Row(200, #"{"ok":true}"#, .accepted(before: false)),
        Row(200, #"{"results":null}"#, .accepted(before: false)),
        Row(200, "\u{FEFF}{\"ok\":true}", .accepted(before: false)),
        Row(200, "\u{FEFF}" + mixed, .perRecord(mixedRows, after: nil)),
        Row(200, "OK", .accepted(before: false)),
        Row(
            200, "受け付けました", [HTTPHeader("content-type", "Text/Plain; charset=utf-8")],
            .accepted(before: false)),
        Row(
            200, "OK", [HTTPHeader("Content-Type", "application/json")],
            .retry(after: nil, reason: "HTTP 200 with a body that is not JSON")),
        Row(
            200, "OK", [HTTPHeader("Content-Type", "text/html")],
            .retry(after: nil, reason: "HTTP 200 with a body that is not JSON")),
        Row(200, mixed, .perRecord(mixedRows, after: nil)),
        Row(422, mixed, .perRecord(mixedRows, after: nil)),
        Row(400, mixed, .perRecord(mixedRows, after: nil)),
        Row(409, mixed, .perRecord(mixedRows, after: nil)),
        Row(429, mixed, pause, .perRecord(mixedRows, after: two)),
        Row(
            200, #"{"results":[{"index":2,"status":"accepted"}]}"#,
            .perRecord([.unresolved, .unresolved, .accepted], after: nil)),
        Row(
            200, #"{"results":[]}"#,
            .perRecord([.unresolved, .unresolved, .unresolved], after: nil)),
        Row(
            200, #"{"results":[{"index":0,"status":"rejected"}]}"#,
            .perRecord(
                [.rejected(reason: "no reason given"), .unresolved, .unresolved], after: nil)),
        Row(409, "", .accepted(before: true)), Row(409, "<html>", .accepted(before: true)),
        Row(400, "", .split(reason: "HTTP 400: no reason given")),
        Row(422, "bad\nrow", .split(reason: "HTTP 422: bad row")),
        Row(400, #"{"error":"x"}"#, .split(reason: #"HTTP 400: {"error":"x"}"#)),
        Row(413, "", .smaller(reason: "HTTP 413: too large")),
        Row(401, "", .hold(reason: "HTTP 401: not let in")),
        Row(403, "", .hold(reason: "HTTP 403: not let in")),
        Row(403, mixed, .hold(reason: "HTTP 403: not let in")),
        Row(407, "", .hold(reason: "HTTP 407: not let in")),
        Row(408, "", .retry(after: nil, reason: "HTTP 408")),
        Row(425, "", .retry(after: nil, reason: "HTTP 425")),
        Row(429, "", pause, .retry(after: two, reason: "HTTP 429")),
        Row(500, "", .retry(after: nil, reason: "HTTP 500")),
        Row(503, mixed, pause, .retry(after: two, reason: "HTTP 503")),
        Row(599, "", .retry(after: nil, reason: "HTTP 599")),
        Row(
            301, "", [HTTPHeader("Location", "https://else.example/")],
            .configurationError(
                reason: "HTTP 301: redirected to https://else.example/, which is not followed")),
        Row(304, "", .configurationError(reason: "HTTP 304: redirected, which is not followed")),
        Row(404, "", .configurationError(reason: "HTTP 404: no reason given")),
        Row(415, "", .configurationError(reason: "HTTP 415: no reason given")),
        Row(100, "", .retry(after: nil, reason: "HTTP 100 is no final answer")),
        Row(0, "", .retry(after: nil, reason: "HTTP 0 is no final answer")),
    ]

    @Test("each answer means what the transport table says", arguments: table)
    func verdict(_ row: Row) {
        let answer = HTTPAnswer(
            status: row.status, headers: row.headers, body: Array(row.body.utf8))
        #expect(
            Answer.verdict(answer, rowCount: 3, now: Instant(seconds: 0)) == row.expected)
    }

    @Test(
        "an answer that cannot be trusted is tried again and marks nothing as delivered",
        arguments: [
            "<html>captive portal</html>", "{", "\u{0}\u{1}", #"{"results":5}"#,
            #"{"results":{"index":0}}"#, #"{"results":[{"index":3,"status":"accepted"}]}"#,
            #"{"results":[{"index":-1,"status":"accepted"}]}"#,
            #"{"results":[{"index":"0","status":"accepted"}]}"#,
            #"{"results":[{"status":"accepted"}]}"#, #"{"results":[{"index":0}]}"#,
            #"{"results":[{"index":0,"status":"fine"}]}"#, #"{"results":[null]}"#,
            #"{"results":[{"index":0,"status":"accepted"},{"index":0,"status":"rejected"}]}"#,
            #"{"results":[{"index":0,"status":"accepted"}]"#,
        ])
    func garbage(body: String) {
        let answer = HTTPAnswer(status: 200, body: Array(body.utf8))
        let verdict = Answer.verdict(answer, rowCount: 3, now: Instant(seconds: 0))
        guard case .retry(after: nil, _) = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    @Test("a reason in another character set leaves the verdict of its record readable")
    func otherCharacterSet() {
        let head = Array(#"{"results":[{"index":0,"status":"rejected","reason":""#.utf8)
        // 該当なし in Shift_JIS.
        let reason: [UInt8] = [0x8A, 0x59, 0x93, 0x96, 0x82, 0xC8, 0x82, 0xB5]
        let answer = HTTPAnswer(status: 422, body: head + reason + Array("\"}]}".utf8))
        let verdict = Answer.verdict(answer, rowCount: 1, now: Instant(seconds: 0))
        guard case .perRecord(let rows, nil) = verdict, case .rejected(let kept) = rows.first else {
            Issue.record("\(verdict)")
            return
        }
        #expect(kept.contains("\u{FFFD}"))
    }

    @Test("a long or hostile reason is cut and stays on one line")
    func reason() {
        let long = String(repeating: "x\n", count: 5_000)
        let answer = HTTPAnswer(status: 400, body: Array(long.utf8) + [0xFF, 0x1B])
        guard
            case .split(let reason) = Answer.verdict(
                answer, rowCount: 1, now: Instant(seconds: 0))
        else {
            Issue.record("not split")
            return
        }
        #expect(reason.count < 600 && !reason.contains("\n"))
    }
}

@Suite("Retry-After") struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT
    static let moment = Instant(seconds: 784_111_777)

    struct Header: CustomTestStringConvertible, Sendable {
        var text: String
        var seconds: Int64?
        var testDescription: String { text.isEmpty ? "nothing" : text }
        init(_ text: String, _ seconds: Int64?) {
            self.text = text
            self.seconds = seconds
        }
    }
    @Test(
        "seconds and all three forms of a date are understood",
        arguments: [
            Header("0", 0), Header("2", 2), Header(" 120 ", 120), Header("86400", 86_400),
            Header("86401", 86_400), Header("99999999999999999999", 86_400),
            Header("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            Header("Sunday, 06-Nov-94 08:49:47 GMT", 10),
            Header("Sun Nov  6 08:49:47 1994", 10),
            Header("Sun, 06 Nov 1994 08:49:27 GMT", 0),
            Header("Fri, 31 Dec 2100 23:59:60 GMT", 86_400),
            Header("", nil), Header("-1", nil), Header("1.5", nil), Header("soon", nil),
            Header("Sun, 06 Nov 1994 08:49:47 JST", nil),
            Header("Sun, 31 Feb 1994 08:49:47 GMT", nil),
            Header("Sun, 06 Nov 1994 25:49:47 GMT", nil),
            Header("Sun, 06 Nov 1994 8:49:47 GMT", nil),
            Header("Sun, 06 Foo 1994 08:49:47 GMT", nil),
        ])
    func interval(_ header: Header) {
        let answer = HTTPAnswer(status: 503, headers: [HTTPHeader("Retry-After", header.text)])
        let interval = RetryAfter.interval(answer, now: Self.moment)
        #expect(interval == header.seconds.map { .seconds($0) })
    }

    @Test("a date is compared with the server's own clock where it shows it")
    func ownClock() {
        let answer = HTTPAnswer(
            status: 503,
            headers: [
                HTTPHeader("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                HTTPHeader("retry-AFTER", "Sun, 06 Nov 1994 08:50:07 GMT"),
            ])
        // The gateway believes it is 1970; it still waits for half a minute.
        #expect(RetryAfter.interval(answer, now: Instant(seconds: 0)) == .seconds(30))
        #expect(RetryAfter.interval(HTTPAnswer(status: 503), now: Self.moment) == nil)
    }
}
