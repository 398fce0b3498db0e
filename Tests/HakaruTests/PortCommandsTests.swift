import EventLoop
import GatewayTestKit
import JSON
import Status
import Testing

/// Which model stands behind an adapter: said by a person, read back by a person.
@Suite("hakaru port", .timeLimit(.minutes(1))) struct PortCommandsTests {
    @LoopActor final class Asked {
        var requests: [String] = []
        nonisolated init() {}
        func take(_ request: SocketRequest) {
            requests.append(
                "\(request.method) \(request.path) \(String(decoding: request.body, as: UTF8.self))"
            )
        }
    }

    private static func daemon(
        _ asked: Asked, ports: String = "[]", answer: SocketResponse? = nil
    ) async throws -> FakeDaemon {
        try await FakeDaemon { server in
            server.document("/v1/ports", #"{"ports":\#(ports)}"#)
            for method in ["POST", "DELETE"] {
                server.route(method, "/v1/ports", subpaths: true) { request in
                    asked.take(request)
                    return answer
                        ?? SocketResponse(
                            body: Array(#"{"place":"1-1.2","profile":"and-tm-2657p"}"#.utf8))
                }
            }
        }
    }

    private static let ports = """
        [{"place":"1-1.2","product":"FT232R USB UART","numbers":"0403:6001","serial":"A50285BI",
          "line":"/dev/ttyUSB0","bound_to":"and-tm-2657p","state":"reading"},
         {"place":"1-1.3","product":null,"numbers":"0590:0028","serial":null,"line":null,
          "bound_to":null,"state":"asking"},
         {"place":"1-1.4","product":"evil\\u001b[2J","numbers":"1234:0001","serial":null,"line":null,
          "bound_to":null,"state":"unknown"}]
        """

    @Test("what is plugged in is a row each: place, name or numbers, line, model and state")
    func list() async throws {
        let run = try await Self.daemon(Asked(), ports: Self.ports).run("port", "list")
        #expect(run.exitCode == 0)
        #expect(run.lines.count == 4)
        #expect(run.lines[0].hasPrefix("PORT"))
        for word in [
            "1-1.2", "FT232R USB UART (0403:6001)", "A50285BI", "/dev/ttyUSB0", "and-tm-2657p",
        ] {
            #expect(run.lines[1].contains(word))
        }
        #expect(run.lines[2].contains("0590:0028"))
        #expect(run.lines[2].contains("–"))
        #expect(!run.output.contains("\u{1B}"), "a product name must not steer the terminal")
        let asJSON = try await Self.daemon(Asked(), ports: Self.ports).run("port", "list", "--json")
        #expect(asJSON.lines.count == 3)
    }

    @Test("nothing plugged in is said, not shown as an empty page")
    func empty() async throws {
        let run = try await Self.daemon(Asked()).run("port", "list")
        #expect(run.output == "Nothing is plugged in, and no port is bound.\n")
        let asJSON = try await Self.daemon(Asked()).run("port", "list", "--json")
        #expect(asJSON.output == "")
        #expect(asJSON.exitCode == 0)
    }

    @Test("bind and unbind are one request each, with what was typed")
    func bind() async throws {
        let asked = Asked()
        let daemon = try await Self.daemon(asked)
        let bound = try daemon.run("port", "bind", "1-1.2", "TM-2657P")
        #expect(bound.output == "1-1.2 is bound to and-tm-2657p.\n")
        let given = try daemon.run("port", "unbind", "serial:A5 02/85")
        #expect(given.output == "1-1.2 is not bound any more.\n")
        #expect(
            try await LoopThread.run { asked.requests } == [
                #"POST /v1/ports {"port":"1-1.2","model":"TM-2657P"}"#,
                "DELETE /v1/ports/serial:A5 02/85 ",
            ])
    }

    @Test(
        "half a command asks nothing of the daemon",
        arguments: [
            ["port", "bind"], ["port", "bind", "1-1.2"], ["port", "unbind"],
            ["port", "list", "now"],
        ])
    func usage(_ words: [String]) async throws {
        let asked = Asked()
        let daemon = try await Self.daemon(asked)
        let run = try CommandRun(words + ["--socket", daemon.path])
        #expect(run.exitCode == 2)
        #expect(try await LoopThread.run { asked.requests.isEmpty })
    }

    @Test("a refusal of the daemon is told with its reason, as text and as JSON")
    func refused() async throws {
        let body = #"{"error":{"code":"unknown-model","message":"no profile knows a model 'X'"}}"#
        let answer = SocketResponse(status: 404, body: Array(body.utf8))
        let run = try await Self.daemon(Asked(), answer: answer).run("port", "bind", "1-1.2", "X")
        #expect(run.exitCode == 1)
        #expect(run.errors == "hakaru: no profile knows a model 'X'\n")
        let asJSON = try await Self.daemon(Asked(), answer: answer).run(
            "port", "bind", "1-1.2", "X", "--json")
        #expect(asJSON.error?["code"]?.string == "unknown-model")
    }
}
