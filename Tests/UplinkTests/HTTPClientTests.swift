import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Testing

@testable import Uplink

@Suite("HTTP client", .timeLimit(.minutes(2))) struct HTTPClientTests {
    static let headers = [
        HTTPHeader("Content-Type", "application/json; charset=utf-8"),
        HTTPHeader("Idempotency-Key", "a-key-of-this-test"),
    ]

    private func post(
        _ url: String, body: String = "{}", headers: [HTTPHeader] = HTTPClientTests.headers,
        _ change: @escaping @Sendable (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> HTTPOutcome {
        let authority = try Scratch.certificate("ca.pem")
        return try await LoopThread.run {
            var request = HTTPRequest(
                url: try DestinationURL(url), headers: headers, body: Array(body.utf8),
                tls: TLSFiles(authorities: authority))
            request.limits.total = .seconds(5)
            change(&request)
            return await (try HTTPClient(userAgent: "hakaru/1.2.3")).post(request)
        }
    }

    private func kind(_ outcome: HTTPOutcome) -> HTTPFailure.Kind? {
        if case .failure(let failure) = outcome { failure.kind } else { nil }
    }
    private func answer(_ outcome: HTTPOutcome) -> HTTPAnswer? {
        if case .answer(let answer) = outcome { answer } else { nil }
    }

    @Test("a document arrives whole, under the names that were given")
    func arrives() async throws {
        let receiver = try ReceiverProcess()
        let outcome = try await post(receiver.url, body: "[]")
        #expect(answer(outcome)?.status == 400)
        #expect(answer(outcome)?.header("content-type") == "application/json")
        let line = try #require(try receiver.log("request").first)
        #expect(line["user_agent"]?.string == "hakaru/1.2.3")
        #expect(line["idempotency_key"]?.string == "a-key-of-this-test")
        #expect(line["bytes"]?.integer == 2)
    }

    @Test("bodies of any size arrive", arguments: [0, 1, 65_536, 3_000_000])
    func sizes(count: Int) async throws {
        let receiver = try ReceiverProcess()
        let outcome = try await post(receiver.url, body: String(repeating: " ", count: count))
        #expect(answer(outcome)?.status == 400)
        #expect(try receiver.log("request").first?["bytes"]?.integer == count)
    }

    @Test("a certificate that is expired or of another authority is never accepted")
    func certificates() async throws {
        for certificate in [ReceiverProcess.Certificate.expired, .foreign] {
            let receiver = try ReceiverProcess(certificate: certificate)
            let outcome = try await post(receiver.url)
            #expect(kind(outcome) == .tls, "\(certificate): \(outcome)")
            #expect(try receiver.stat("requests") == 0)
        }
        let good = try ReceiverProcess()
        // The test authority is not one of the system's.
        #expect(kind(try await post(good.url) { $0.tls.authorities = nil }) == .tls)
    }

    @Test("a certificate for another host is never accepted")
    func otherHost() async throws {
        let receiver = try ReceiverProcess(["--address", "127.0.0.2"])
        #expect(kind(try await post(receiver.url)) == .tls)
    }

    @Test("a server that speaks no TLS gets no document")
    func plainServer() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let outcome = try await post(receiver.url.replacing("http:", with: "https:"))
        #expect(kind(outcome) == .tls)
        #expect(try receiver.stat("requests") == 0)
    }

    @Test("the client certificate is shown where it is asked for")
    func clientCertificate() async throws {
        let receiver = try ReceiverProcess(["--client-ca", try Scratch.certificate("ca.pem")])
        #expect(kind(try await post(receiver.url)) != nil)
        let certificate = try Scratch.certificate("client.pem")
        let key = try Scratch.certificate("client.key")
        let outcome = try await post(receiver.url) {
            $0.tls.clientCertificate = certificate
            $0.tls.clientKey = key
        }
        #expect(answer(outcome)?.status == 400, "\(outcome)")
    }

    @Test("nobody listening, a name that does not exist and a reset are told apart from answers")
    func unreachable() async throws {
        #expect(kind(try await post("https://127.0.0.1:9/")) == .unreachable)
        #expect(kind(try await post("https://nowhere.invalid/")) == .unreachable)
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"reset""#)
        #expect(kind(try await post(receiver.url)) == .unreachable)
    }

    @Test("half an answer is no answer")
    func halfAnswer() async throws {
        for certificate in [ReceiverProcess.Certificate.good, .none] {
            let receiver = try ReceiverProcess(certificate: certificate)
            try receiver.misbehave(#""mode":"cut""#)
            let outcome = try await post(receiver.url)
            #expect(kind(outcome) == .halfAnswer, "\(outcome)")
        }
    }

    @Test("a server that hangs or trickles is left after the time limit")
    func slow() async throws {
        for how in [#""mode":"slow","seconds":60"#, #""mode":"slow-loris","interval":0.2"#] {
            let receiver = try ReceiverProcess()
            try receiver.misbehave(how)
            let clock = ContinuousClock()
            let began = clock.now
            let outcome = try await post(receiver.url) { $0.limits.total = .milliseconds(600) }
            #expect(kind(outcome) == .timeOut, "\(how): \(outcome)")
            #expect(clock.now - began < .seconds(30))
        }
    }

    @Test("an endless answer is cut off")
    func tooLarge() async throws {
        let receiver = try ReceiverProcess()
        let body = String(repeating: "x", count: 3_000)
        try receiver.misbehave(#""mode":"answer","body":"\#(body)""#)
        let outcome = try await post(receiver.url) { $0.limits.answerBytes = 2_000 }
        #expect(kind(outcome) == .answerTooLarge)
    }

    @Test("a redirect is an answer and is not followed")
    func redirect() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"redirect","status":307,"location":"\#(receiver.url)""#)
        let outcome = try await post(receiver.url)
        #expect(answer(outcome)?.status == 307)
        #expect(answer(outcome)?.header("location") == receiver.url)
        #expect(try receiver.stat("requests") == 1)
    }

    @Test("a request that cannot be made says why")
    func badRequest() async throws {
        let url = "https://localhost:9/"
        #expect(
            kind(try await post(url, headers: [HTTPHeader("X", "a\r\nInjected: b")])) == .request)
        let outcome = try await post(url) { $0.tls.authorities = "/nowhere/ca.pem" }
        #expect(kind(outcome) == .request || kind(outcome) == .unreachable)
        let receiver = try ReceiverProcess()
        for change in [
            { @Sendable (request: inout HTTPRequest) in request.tls.authorities = "/nowhere" },
            { @Sendable (request: inout HTTPRequest) in
                request.tls.clientCertificate = "/nowhere"
            },
        ] {
            let outcome = try await post(receiver.url, change)
            #expect(kind(outcome) == .request, "\(outcome)")
        }
    }

    @Test("cancelling ends an exchange at once and leaves the client usable")
    func cancel() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"slow","seconds":20"#)
        let authority = try Scratch.certificate("ca.pem")
        let url = receiver.url
        try await LoopThread.run {
            let client = try HTTPClient(userAgent: "hakaru/0.0.0")
            let request = HTTPRequest(
                url: try DestinationURL(url), headers: Self.headers, body: [],
                tls: TLSFiles(authorities: authority))
            let clock = ContinuousClock()
            let began = clock.now
            let task = spawn { await client.post(request) }
            try await sleep(for: .milliseconds(300))
            task.cancel()
            guard case .failure(let failure) = await task.value else {
                Issue.record("an answer after cancelling")
                return
            }
            #expect(failure.kind == .cancelled)
            #expect(clock.now - began < .seconds(5))
            guard case .answer = await client.post(request) else {
                Issue.record("the client is not usable any more")
                return
            }
        }
    }

    @Test("many requests at once each get their own answer, over kept connections")
    func parallel() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let url = receiver.url
        let statuses = try await LoopThread.run {
            let client = try HTTPClient(userAgent: "hakaru/0.0.0")
            let destination = try DestinationURL(url)
            let tasks = (0..<40).map { number in
                spawn {
                    await client.post(
                        HTTPRequest(
                            url: destination, headers: Self.headers,
                            body: Array(repeating: 32, count: number)))
                }
            }
            var statuses: [Int] = []
            for task in tasks {
                if case .answer(let answer) = await task.value { statuses.append(answer.status) }
            }
            return statuses
        }
        #expect(statuses == Array(repeating: 400, count: 40))
        #expect(try receiver.stat("requests") == 40)
    }
}
