import EventLoop
import GatewayTestKit
import JSON
import Status
import Testing

/// `hakaru record`, `deliveries` and `export`: what they ask of the daemon and what they tell.
@Suite("hakaru: records", .timeLimit(.minutes(1))) struct RecordCommandsTests {
    @LoopActor final class Mailbox {
        private(set) var requests: [String] = []
        nonisolated init() {}
        func take(_ request: SocketRequest) {
            requests.append("\(request.path) \(String(decoding: request.body, as: UTF8.self))")
        }
    }

    private static let key = "0123456789abcdef0123456789abcdef"
    private static let record = """
        {"id":17,"key":"\(key)","kind":"weight","values":{"weight":{"value":72.5,"unit":"kg"}},
         "observation_time":"2026-03-01T08:15:00+09:00","state":"waiting","revision":2,
         "participant":"P1","data_input_code":"2","model":"UC,352"}
        """

    private static func daemon(
        _ mailbox: Mailbox, _ answer: String, _ documents: [(String, String)] = []
    ) async throws -> FakeDaemon {
        try await FakeDaemon { server in
            server.document("/v1/records", "{\"records\":[\(record)]}")
            for (path, text) in documents {
                server.route("GET", path) { request in
                    // A second page has nothing.
                    let isFirst = request.query["after"] == nil
                    let body = isFirst ? text : "{\"records\":[],\"deliveries\":[]}"
                    return SocketResponse(body: Array(body.utf8))
                }
            }
            server.route("POST", "/v1/records", subpaths: true) { request in
                mailbox.take(request)
                return SocketResponse(body: Array(answer.utf8))
            }
        }
    }

    struct Ask: Sendable, CustomTestStringConvertible {
        var words: [String]
        var answer: String
        var request: String
        var output: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        "each command is one request",
        arguments: [
            Ask(
                words: ["record", "add", "P1", "weight=72.5"],
                answer: "{\"already\":false,\"record\":\(record)}",
                request: "/v1/records {\"participant\":\"P1\",\"values\":{\"weight\":\"72.5\"}}",
                output:
                    "Stored as record 17: weight 72.5 kg, 2026-03-01 08:15:00; state: waiting.\n"),
            Ask(
                words: [
                    "record", "add", "P1", "hba1c=6.5", "--at", "2026-03-01T08:15", "--lab", "1",
                    "--method", "000001", "--setting", "checkup", "--measured-by", "staff",
                    "--device", "A4", "--confirm",
                ], answer: "{\"already\":true,\"record\":\(record)}",
                request: "/v1/records {\"participant\":\"P1\",\"values\":{\"hba1c\":\"6.5\"},"
                    + "\"confirm\":true,\"at\":\"2026-03-01T08:15\",\"setting\":\"checkup\","
                    + "\"test_lab_id\":\"1\",\"measurement_method_code\":\"000001\","
                    + "\"measured_by\":\"staff\",\"device\":\"A4\"}",
                output: "It was so before. Stored as record 17: weight 72.5 kg, "
                    + "2026-03-01 08:15:00; state: waiting.\n"),
            Ask(
                words: ["record", "edit", "17", "weight=75.2", "--reason", "digits"],
                answer: "{\"already\":false,\"record\":\(record)}",
                request: "/v1/records/\(key)/edit "
                    + "{\"values\":{\"weight\":\"75.2\"},\"reason\":\"digits\"}",
                output: "Version 2: weight 72.5 kg; state: waiting.\n"),
            Ask(
                words: ["record", "withdraw", key, "--reason", "a child"],
                answer: "{\"already\":false,\"deliveries\":[{\"destination\":\"db\","
                    + "\"delivered_at\":null,\"on_its_way\":false}],\"record\":\(record)}",
                request: "/v1/records/\(key)/withdraw {\"reason\":\"a child\"}",
                output: "Withdrawn; it is not sent any more. It had not been sent.\n"),
            Ask(
                words: ["record", "withdraw", key, "--reason", "a child"],
                answer: "{\"already\":false,\"deliveries\":[{\"destination\":\"db\","
                    + "\"delivered_at\":\"2026-03-01T09:00:00+09:00\",\"on_its_way\":false},"
                    + "{\"destination\":\"other\",\"delivered_at\":null,\"on_its_way\":true}],"
                    + "\"record\":\(record)}",
                request: "/v1/records/\(key)/withdraw {\"reason\":\"a child\"}",
                output: "Withdrawn; it is not sent any more. It had been sent: db at "
                    + "2026-03-01 09:00:00. A batch with it is under way and may have arrived: "
                    + "other.\n"),
        ])
    func asks(ask: Ask) async throws {
        let mailbox = Mailbox()
        let daemon = try await Self.daemon(mailbox, ask.answer)
        let run = try CommandRun(ask.words + ["--socket", daemon.path])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output == ask.output)
        #expect(await mailbox.requests == [ask.request])
        let json = try CommandRun(ask.words + ["--json", "--socket", daemon.path])
        #expect(json.json?["record"]?["id"]?.integer == 17)
    }

    @Test(
        "half a command asks nothing of the daemon",
        arguments: [
            ["record", "add", "P1"], ["record", "add", "P1", "72.5"],
            ["record", "add", "P1", "=1"],
            ["record", "add", "P1", "weight="], ["record", "edit", "17", "weight=1"],
            ["record", "edit", "x", "weight=1", "--reason", "y"], ["record", "withdraw", "17"],
            ["record", "add", "P1", "weight=1", "--setting", "moon"], ["record", "show"],
            ["deliveries"], ["export"], ["export", "P1", "--format", "xls"],
        ])
    func half(words: [String]) async throws {
        let mailbox = Mailbox()
        let daemon = try await Self.daemon(mailbox, "{}")
        let run = try CommandRun(words + ["--socket", daemon.path])
        #expect(run.exitCode == 2, "\(run.output)\(run.errors)")
        #expect(await mailbox.requests.isEmpty)
    }

    @Test("a record is shown with what it was before and where it went") func show() async throws {
        let daemon = try await Self.daemon(
            Mailbox(), "{}",
            [
                (
                    "/v1/records/\(Self.key)",
                    """
                    {"record":\(Self.record),"versions":[{"revision":1,
                      "values":{"weight":{"value":75.2,"unit":"kg"}},"data_input_code":"0",
                      "until":"2026-03-01T09:00:00+09:00","changed_by":"uid 0","reason":"digits"}],
                     "deliveries":[{"destination":"db","state":"held","reason":"no consent",
                      "delivered_at":"2026-03-01T08:30:00+09:00"}]}
                    """
                )
            ])
        let run = try daemon.run("record", "show", "17")
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output.contains("weight 75.2 kg"))
        #expect(run.output.contains("digits"))
        #expect(run.lines.last == "db: held (no consent), delivered 2026-03-01 08:30:00")
    }

    @Test("what was delivered is a line for each, and nothing is said to be nothing")
    func deliveries() async throws {
        let daemon = try await Self.daemon(
            Mailbox(), "{}",
            [
                (
                    "/v1/participants/P1/deliveries",
                    """
                    {"deliveries":[{"id":4,"at":"2026-03-01T09:00:00+09:00","destination":"db",
                      "answer":"accepted","kind":"weight","key":"\(Self.key)",
                      "observation_time":"2026-03-01T08:15:00+09:00"}]}
                    """
                ), ("/v1/participants/P2/deliveries", "{\"deliveries\":[]}"),
            ])
        let run = try daemon.run("deliveries", "P1", "--limit", "1")
        #expect(run.lines.count == 2)
        #expect(run.output.contains("2026-03-01 09:00:00"))
        #expect(run.output.contains("accepted"))
        #expect(
            try daemon.run("deliveries", "P2").output
                == "Nothing of this participant was delivered.\n")
    }

    @Test("an export is the document itself, or a line for every value") func export() async throws
    {
        let daemon = try await Self.daemon(
            Mailbox(), "{}",
            [
                (
                    "/v1/participants/P1/export",
                    """
                    {"document":{"format_version":"1.0","n":72.50},
                     "omitted":[{"key":"k1","reason":"withdrawn"}]}
                    """
                ), ("/v1/participants/P2/export", "{\"document\":null,\"omitted\":[]}"),
                ("/v1/participants/P1/records", "{\"records\":[\(Self.record)]}"),
            ])
        let document = try daemon.run("export", "P1")
        #expect(document.output == "{\"format_version\":\"1.0\",\"n\":72.50}\n", "digits stay")
        #expect(document.errors.contains("k1: withdrawn"))
        let nothing = try daemon.run("export", "P2")
        #expect(nothing.exitCode == 1 && nothing.output.isEmpty)
        let table = try daemon.run("export", "P1", "--format", "csv")
        #expect(table.output.hasPrefix("id,key,observation_time,kind,name,value,unit,"))
        #expect(table.output.contains(",weight,weight,72.5,kg,2,"))
        #expect(table.output.contains("\"UC,352\""), "a comma in a name does not shift columns")
        #expect(try daemon.run("export", "P1", "--format", "json").lines.count == 1)
    }

    @Test("without a daemon and without a store that was named it is an exit code of its own")
    func nobody() throws {
        let run = try CommandRun(["deliveries", "P1", "--socket", "/nowhere/hakaru.sock"])
        #expect(run.exitCode == 3)
        let named = try CommandRun([
            "export", "P1", "--socket", "/nowhere/hakaru.sock", "--config", "/nowhere/hakaru.yaml",
        ])
        #expect(named.exitCode == 3)
        #expect(named.output.isEmpty)
    }
}
