import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Status
import Testing

/// The program before a daemon's socket: what a person at a station reads, change by change.
@Suite("hakaru station screen", .timeLimit(.minutes(1))) struct ScreenCommandTests {
    /// A daemon with one station, which tells what it is made to tell.
    @LoopActor final class Hall {
        var server: StatusServer?
        var session = "null"
        var records: [String: String] = [:]
        nonisolated init() {}

        func publish(_ event: String, _ data: String) {
            server?.publish(event, Array(data.utf8))
        }
    }

    private static func daemon(_ hall: Hall) async throws -> FakeDaemon {
        try await FakeDaemon { server in
            hall.server = server
            server.routeEvents("/v1/events")
            server.route("GET", "/v1/stations") { _ in
                let text = #"{"stations":[{"name":"table-1","session":\#(hall.session)}]}"#
                return SocketResponse(body: Array(text.utf8))
            }
            server.route("GET", "/v1/records", subpaths: true) { request in
                guard let record = hall.records[request.rest] else {
                    return .failure(404, "not-found", "there is no such record")
                }
                return SocketResponse(body: Array(#"{"record":\#(record)}"#.utf8))
            }
        }
    }

    private static func screen(_ daemon: borrowing FakeDaemon, _ more: String...) throws -> Child {
        // What does not come ends the test, not the patience of whoever runs it.
        try Child(
            "timeout",
            ["20", builtProgram("hakaru"), "station", "screen", "table-1", "--socket", daemon.path]
                + more, mergingErrors: true)
    }

    private static func line(_ child: Child) throws -> JSONValue {
        try JSONValue.parse(Array(try #require(child.readLine()).utf8))
    }

    private static let session =
        #"{"station":"table-1","participant":"MDM-001","guest":false,"state":"open","end":null}"#

    /// A weighing of just now.
    private static func record(_ participant: String) -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S+00:00", &parts)
        let taken = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return #"""
            {"key":"aa","kind":"weight","values":{"weight":{"value":72.5,"unit":"kg"}},"station":"table-1",
             "participant":"\#(participant)","state":"waiting","observation_time":"\#(taken)"}
            """#.replacing("\n", with: " ")
    }

    @Test("a turn, a value and its going are shown as they happen, and Ctrl-C ends it well")
    func course() async throws {
        let hall = Hall()
        let daemon = try await Self.daemon(hall)
        let screen = try Self.screen(daemon, "--json")
        #expect(try Self.line(screen)["state"]?.string == "free")
        try await LoopThread.run { hall.publish("session", Self.session) }
        let turn = try Self.line(screen)
        #expect(turn["state"]?.string == "turn")
        #expect(turn["participant"]?.string == "MDM-001")
        let record = Self.record("MDM-001")
        try await LoopThread.run {
            hall.records["aa"] = record
            // One that went away before it was asked for is no reason to stop.
            hall.publish("record", #"{"key":"bb","kind":"weight","device":"x"}"#)
            hall.publish("record", #"{"key":"aa","kind":"weight","device":"x"}"#)
        }
        let shown = try Self.line(screen)
        #expect(shown["state"]?.string == "values")
        #expect(
            shown["records"]?.array?.first?["values"]?["weight"]?["unit"]?.string == "kg")
        try await LoopThread.run {
            hall.publish("session", Self.session.replacing("\"open\"", with: "\"ended\""))
        }
        #expect(try Self.line(screen)["state"]?.string == "free")
        screen.signal(SIGINT)
        #expect(screen.wait() == 0)
    }

    @Test("who has the turn already when the screen is switched on is shown at once")
    func already() async throws {
        let hall = Hall()
        try await LoopThread.run { hall.session = #"{"participant":"MDM-002","guest":false}"# }
        let daemon = try await Self.daemon(hall)
        let screen = try Self.screen(daemon, "--json")
        #expect(try Self.line(screen)["participant"]?.string == "MDM-002")
        screen.signal(SIGTERM)
        #expect(screen.wait() == 0)
    }

    @Test("drawn for people: no line without the value that was just measured")
    func drawn() async throws {
        let hall = Hall()
        try await LoopThread.run { hall.session = #"{"participant":"MDM-001","guest":false}"# }
        let daemon = try await Self.daemon(hall)
        let screen = try Self.screen(daemon)
        var lines: [String] = []
        while let line = screen.readLine() {
            lines.append(line)
            if line.contains("Please measure.") { break }
        }
        let record = Self.record("MDM-001")
        try await LoopThread.run {
            hall.records["aa"] = record
            hall.publish("record", #"{"key":"aa","kind":"weight","device":"x"}"#)
        }
        while let line = screen.readLine() {
            lines.append(line)
            if line.contains("Weight  kg") { break }
        }
        #expect(screen.readLine()?.contains("█") == true)
        screen.signal(SIGHUP)
        #expect(screen.wait() == 0)
    }

    @Test("a station that the configuration does not name is refused with those that it names")
    func unknown() async throws {
        let daemon = try await Self.daemon(Hall())
        let run = try daemon.run("station", "screen", "table-9")
        #expect(run.exitCode == 1)
        #expect(
            run.errors == "hakaru: there is no station table-9; the configuration names table-1\n")
    }

    @Test("where no daemon answers the screen says so and waits for it")
    func absent() async throws {
        let scratch = ScratchDirectory()
        let screen = try Child(
            builtProgram("hakaru"),
            ["station", "screen", "table-1", "--json", "--socket", scratch.path + "/none"])
        #expect(try Self.line(screen)["state"]?.string == "away")
        screen.signal(SIGINT)
        #expect(screen.wait() == 0)
    }
}
