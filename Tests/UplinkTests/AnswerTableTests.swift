import EventLoop
import Exchange
import GatewayTestKit
import Measurement
import Testing

@testable import Uplink

/// Every status of HTTP, from a real server over TLS, and what the gateway makes of it.
@Suite("Answer table", .timeLimit(.minutes(2))) struct AnswerTableTests {
    /// What becomes of the records, by the transport table.
    enum Fate: String {
        case accepted, acceptedBefore, retry, hold, configuration, divide, smaller
    }

    static func expected(_ status: Int) -> Fate {
        switch status {
        case 200..<300: .accepted
        case 401, 403, 407: .hold
        case 409: .acceptedBefore
        case 400, 422: .divide
        case 413: .smaller
        case 408, 425, 429, 500...: .retry
        default: .configuration
        }
    }

    static func fate(_ verdict: Verdict) -> Fate {
        switch verdict {
        case .accepted(let before): before ? .acceptedBefore : .accepted
        case .perRecord: .accepted
        case .split: .divide
        case .smaller: .smaller
        case .hold: .hold
        case .configurationError: .configuration
        case .retry: .retry
        }
    }

    @Test("each status from 200 to 599 has its meaning, and none loses a record")
    func everyStatus() async throws {
        let receiver = try ReceiverProcess()
        let statuses = Array(200...599)
        for status in statuses {
            try receiver.misbehave(#""mode":"status","status":\#(status)"#)
        }
        let authority = try Scratch.certificate("ca.pem")
        let url = receiver.url
        let outcomes = try await LoopThread.run {
            let client = try HTTPClient(userAgent: "hakaru/0.0.0")
            var outcomes: [HTTPOutcome] = []
            for _ in statuses {
                var request = HTTPRequest(
                    url: try DestinationURL(url), headers: HTTPClientTests.headers, body: [91, 93],
                    tls: TLSFiles(authorities: authority))
                request.limits.total = .seconds(5)
                outcomes.append(await client.post(request))
            }
            return outcomes
        }
        for (status, outcome) in zip(statuses, outcomes) {
            guard case .answer(let answer) = outcome else {
                Issue.record("\(status): \(outcome)")
                continue
            }
            let verdict = Answer.verdict(answer, rowCount: 1, now: Sample.moment)
            #expect(answer.status == status)
            #expect(Self.fate(verdict) == Self.expected(status), "\(status)")
        }
        #expect(try receiver.stat("requests") == statuses.count)
    }

    @Test("nobody listening is an outage that ends by itself, under the same key")
    func refused() async throws {
        let first = try ReceiverProcess()
        let port = first.port
        first.stop()
        let destination = try Sample.destination(first.url)
        try await LoopThread.run {
            try await Running.with(destination, (1...3).map { Sample.weight($0) }) { running in
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.hasPrefix("unreachable") == true)
                let back = try ReceiverProcess(port: port)
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 3)
                #expect(Set(try back.keys()).count == 1)
            }
        }
    }

    @Test("a certificate that expires holds up the records until it is renewed")
    func certificate() async throws {
        let expired = try ReceiverProcess(certificate: .expired)
        let port = expired.port
        let destination = try Sample.destination(expired.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.hasPrefix("tls") == true)
                #expect(try expired.stat("requests") == 0)
                expired.stop()
                let renewed = try ReceiverProcess(port: port)
                #expect(await running.isDone())
                #expect(try renewed.stat("accepted") == 1)
            }
        }
    }

    @Test("after an outage one request asks first, and the backlog follows only its success")
    func probe() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503,"times":4"#)
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 5 }
        try await LoopThread.run {
            try await Running.with(destination, (1...50).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...50).map { Int64($0) })
            }
        }
        let keys = try receiver.keys()
        #expect(Set(keys.prefix(5)).count == 1, "one batch asks again and again")
        #expect(keys.count == 14, "four in vain, ten batches")
    }
}
