import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Status

@Suite("StatusServer", .timeLimit(.minutes(1))) struct ServerTests {
    private func serve(
        _ change: @Sendable (inout StatusServer.Options) -> Void = { _ in }
    ) async throws -> ServedSocket {
        try await ServedSocket(change) { server in
            server.route("GET", "/v1/status") { _ in SocketResponse(body: Array("{\"a\":1}".utf8)) }
            server.route("GET", "/v1/records", subpaths: true) { request in
                let query = request.query.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\($0.value)" }
                return .text("\(request.path)|\(request.rest)|" + query.joined(separator: "&"))
            }
            server.route("POST", "/v1/records") { request in
                .text("\(request.body.count) bytes")
            }
            server.route("GET", "/slow") { _ in
                try? await sleep(for: .milliseconds(300))
                return .text("slow")
            }
            server.route("GET", "/never") { _ in
                try? await sleep(for: .seconds(3_600))
                return .text("cancelled")
            }
            server.route("GET", "/large") { _ in
                .text(String(repeating: "0123456789", count: 500_000))
            }
        }
    }

    @Test("a status is answered with its type, and never from a cache")
    func get() async throws {
        let served = try await serve()
        let answer = try served.client().get("/v1/status")
        #expect(answer.status == 200)
        #expect(answer.body == "{\"a\":1}")
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["cache-control"] == "no-store")
    }

    @Test("curl, which people will use, gets the same answer")
    func curl() async throws {
        let served = try await serve()
        let child = try Child(
            "curl", ["-s", "--unix-socket", served.path, "http://hakaru/v1/status"])
        #expect(child.readAll() == "{\"a\":1}")
        #expect(child.wait() == 0)
    }

    @Test("one connection carries many requests")
    func keepAlive() async throws {
        let served = try await serve()
        let client = try served.client()
        for _ in 0..<50 { #expect(try client.get("/v1/status").status == 200) }
        client.send(
            "GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\nGET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.answer().body == "{\"a\":1}")
        #expect(try client.answer().body == "slow")
        #expect(try await served.counters.requests == 52)
    }

    @Test("HEAD is GET without a body")
    func head() async throws {
        let served = try await serve()
        let client = try served.client()
        client.send("HEAD /v1/status HTTP/1.1\r\nHost: h\r\n\r\n")
        let answer = try client.answer(toHead: true)
        #expect(answer.status == 200)
        #expect(answer.headers["content-length"] == "7")
        #expect(try client.get("/v1/status").status == 200)
    }

    @Test("what is not there is answered as an error object, and the connection lives on")
    func notFound() async throws {
        let served = try await serve()
        let client = try served.client()
        for path in ["/", "/v1", "/v1/status/x", "/v1/statusx", "/v1/recordsx", "/%2e%2e/etc"] {
            let answer = try client.get(path)
            #expect(answer.status == 404)
            #expect(answer.body.hasPrefix("{\"error\":{\"code\":\"not-found\",\"message\":"))
        }
    }

    @Test("a known path with another method says which methods it takes")
    func methodNotAllowed() async throws {
        let served = try await serve()
        let client = try served.client()
        client.send("DELETE /v1/records HTTP/1.1\r\nHost: h\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 405)
        #expect(answer.headers["allow"] == "GET, POST")
        #expect(answer.body.contains("\"method-not-allowed\""))
    }

    @Test("path, rest and query arrive decoded")
    func decoded() async throws {
        let served = try await serve()
        let client = try served.client()
        #expect(
            try client.get("/v1/records/k%201/raw/?after=%E5%80%A4&limit=5&x&limit=6").body
                == "/v1/records/k 1/raw/|k 1/raw|after=値&limit=6&x=")
    }

    @Test("an answer larger than any buffer arrives whole")
    func large() async throws {
        let served = try await serve()
        let answer = try served.client().get("/large")
        #expect(answer.body.utf8.count == 5_000_000)
    }

    @Test("a slow answer holds up nobody else")
    func slowHandler() async throws {
        let served = try await serve()
        let slow = try served.client()
        slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        let began = ContinuousClock.now
        #expect(try served.client().get("/v1/status").status == 200)
        #expect(began.duration(to: .now) < .milliseconds(250))
        #expect(try slow.answer().body == "slow")
    }

    @Test("a handler that hangs is answered for, and its work is cancelled")
    func handlerTimeOut() async throws {
        let served = try await serve { $0.handlerTime = .milliseconds(100) }
        let client = try served.client()
        let answer = try client.get("/never")
        #expect(answer.status == 504)
        #expect(answer.body.contains("\"timed-out\""))
        #expect(try await served.counters.timedOutHandlers == 1)
        #expect(try client.get("/v1/status").status == 200)
    }

    @Test("a client that goes away during the work leaves nothing behind")
    func clientGone() async throws {
        let served = try await serve { $0.handlerTime = .milliseconds(200) }
        for number in 1...20 {
            let client = try served.client()
            client.send("GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await served.eventually { $0.requests == number })
        }
        #expect(try await served.eventually { $0.timedOutHandlers == 20 })
        #expect(try served.client().get("/v1/status").status == 200)
    }

    @Test(
        "clients leave the rest of the gateway the descriptors that it needs",
        arguments: [
            (0, 4), (20, 4), (40, 4), (64, 16), (256, 112), (1_024, 496), (4_096, 2_032),
            (.max, .max),
        ] as [(rlim_t, UInt32)])
    func places(descriptors: rlim_t, connections: UInt32) {
        #expect(StatusServer.affordable(of: descriptors) == connections)
    }

    @Test("more clients than places are all answered in their turn")
    func connectionLimit() async throws {
        let served = try await serve { $0.connections = 4 }
        let clients = try (0..<24).map { _ in try served.client() }
        for client in clients {
            client.send("GET /v1/status HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        }
        for client in clients { #expect(try client.answer().status == 200) }
    }

    @Test("a client that says nothing is closed, so that it cannot hold a place for ever")
    func idleClient() async throws {
        let served = try await serve { $0.idleSeconds = 1 }
        let silent = try served.client()
        silent.send("GET /v1/st")
        #expect(silent.isClosedByServer())
        #expect(try served.client().get("/v1/status").status == 200)
    }

    @Test(
        "bytes that are no request are refused and harm nobody",
        arguments: [
            "\r\n\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
            "GET / HTTP/9.9\r\n\r\n",
            "POST /v1/records HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
            "POST /v1/records HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST /v1/records HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: y\r\n", count: 20_000) + "\r\n",
        ])
    func garbage(_ text: String) async throws {
        let served = try await serve { $0.idleSeconds = 1 }
        let client = try served.client()
        client.send(text)
        #expect(client.isClosedByServer())
        #expect(try served.client().get("/v1/status").status == 200)
    }

    @Test("stopping ends work, streams and idle connections without a crash")
    func stop() async throws {
        let served = try await ServedSocket { server in
            server.routeEvents("/v1/events")
            server.route("GET", "/never") { _ in
                try? await sleep(for: .seconds(3_600))
                return .text("cancelled")
            }
        }
        let working = try served.client()
        working.send("GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
        let streaming = try served.client()
        streaming.send("GET /v1/events HTTP/1.1\r\nHost: h\r\n\r\n")
        let idle = try served.client()
        #expect(try await served.eventually { $0.eventClients == 1 && $0.requests == 2 })
        let server = served.server
        try await LoopThread.run { server.stop() }
        #expect(working.isClosedByServer())
        #expect(streaming.isClosedByServer())
        #expect(idle.isClosedByServer())
        #expect(throws: UnixClient.Failed.self) { _ = try served.client() }
        #expect(access(served.path, F_OK) != 0)
    }
}

@Suite("StatusServer: bodies", .timeLimit(.minutes(1))) struct BodyTests {
    private func serve() async throws -> ServedSocket {
        try await ServedSocket({
            $0.bodyBytes = 1_000
            // Bodies are tested as whoever runs the tests, root or not.
            $0.adminGroup = primaryGroupName()
        }) { server in
            server.route("POST", "/echo") { request in
                SocketResponse(contentType: "text/plain", body: request.body)
            }
        }
    }

    @Test("a body arrives whole, in one piece or in many")
    func whole() async throws {
        let served = try await serve()
        let client = try served.client()
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234")
        usleep(50_000)
        client.send("56789")
        #expect(try client.answer().body == "0123456789")
        client.send(
            "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(try client.answer().body == "abcde")
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        #expect(try client.answer().body == "")
    }

    @Test("the limit itself fits and one byte more does not")
    func limit() async throws {
        let served = try await serve()
        let fits = String(repeating: "x", count: 1_000)
        let client = try served.client()
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + fits)
        #expect(try client.answer().body == fits)
        let other = try served.client()
        other.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
        let answer = try other.answer()
        #expect(answer.status == 413)
        #expect(answer.body.contains("a body has at most 1000 bytes"))
        #expect(try await served.counters.refusedBodies == 1)
    }

    @Test("a chunked body that grows beyond the limit is refused without being kept")
    func chunkedLimit() async throws {
        let served = try await serve()
        let client = try served.client()
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<4 {
            client.send("190\r\n" + String(repeating: "x", count: 400) + "\r\n")
        }
        client.send("0\r\n\r\n")
        #expect(try client.answer().status == 413)
        #expect(try await served.counters.refusedBodies == 1)
    }

    @Test("a body without end is cut off")
    func endlessBody() async throws {
        let served = try await serve()
        let client = try served.client()
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<100 {
            client.send("190\r\n" + String(repeating: "x", count: 400) + "\r\n")
        }
        #expect(client.isClosedByServer())
    }

    @Test("a client that goes away in the middle of a body leaves nothing behind")
    func half() async throws {
        let served = try await serve()
        for _ in 0..<20 {
            try served.client().send(
                "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n012")
        }
        let client = try served.client()
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        #expect(try client.answer().body == "x")
    }
}

/// The name of the group of whoever runs the tests.
func primaryGroupName() -> String? {
    getgrgid(getegid()).map { String(cString: $0.pointee.gr_name) }
}
