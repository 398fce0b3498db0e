import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Testing

@testable import Uplink

/// How documents travel: compressed, through a proxy, not too many at once.
@Suite("Way to the receiver", .timeLimit(.minutes(2))) struct WayTests {
    private func send(
        _ receiver: ReceiverProcess, records: Int = 30,
        _ change: (inout Destination) -> Void
    ) async throws {
        let destination = try Sample.destination(receiver.url) {
            $0.maximumRecords = 10
            change(&$0)
        }
        try await LoopThread.run {
            let items = (1...records).map { Sample.weight($0) }
            try await Running.with(destination, items) { running in
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == records)
                #expect(running.outbox.deadLetters.isEmpty)
            }
        }
    }

    private func encodings(_ receiver: ReceiverProcess) throws -> [String] {
        try receiver.log("request").map { $0["encoding"]?.string ?? "plain" }
    }

    @Test("a receiver that says that it takes gzip gets it from the second document on")
    func automatic() async throws {
        let receiver = try ReceiverProcess(["--gzip"])
        try await send(receiver) { _ in }
        #expect(try encodings(receiver) == ["plain", "gzip", "gzip"])
        #expect(try receiver.stat("accepted") == 30)
    }

    @Test("a receiver that says nothing gets no gzip")
    func silent() async throws {
        let receiver = try ReceiverProcess()
        try await send(receiver) { _ in }
        #expect(try encodings(receiver) == ["plain", "plain", "plain"])
    }

    @Test("gzip that is configured but refused is given up, and nothing is held or lost")
    func refused() async throws {
        let receiver = try ReceiverProcess()
        try await send(receiver) { $0.compression = .gzip }
        #expect(try encodings(receiver) == ["gzip", "plain", "plain", "plain"])
        #expect(try receiver.stat("accepted") == 30)
    }

    @Test("with compression: none a receiver that takes gzip gets none")
    func none() async throws {
        let receiver = try ReceiverProcess(["--gzip"])
        try await send(receiver) { $0.compression = .none }
        #expect(try encodings(receiver) == ["plain", "plain", "plain"])
    }

    @Test("a compressed document has the same bytes on every try", arguments: [0, 1, 70_000])
    func sameBytes(count: Int) throws {
        let document = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let once = try #require(Gzip.compress(document))
        #expect(Gzip.compress(document) == once)
        #expect(once.prefix(2) == [0x1F, 0x8B])
        #expect(once[4..<8] == [0, 0, 0, 0], "no time of day in it")
    }

    private func proxy(_ options: [String] = []) throws -> (child: Child, url: String) {
        let child = try Child(
            "python3", [Scratch.package + "/Tests/Receiver/proxy.py"] + options,
            mergingErrors: true)
        let line = try #require(child.readLine())
        return (child, try #require(line.split(separator: " ").last.map(String.init)))
    }

    @Test("documents go through the configured proxy, encrypted to their end")
    func throughProxy() async throws {
        let receiver = try ReceiverProcess()
        let proxy = try proxy()
        defer { proxy.child.signal(SIGKILL) }
        let address = proxy.url
        try await send(receiver, records: 5) { $0.proxy = address }
        #expect(proxy.child.readLine() == "tunnel 127.0.0.1:\(receiver.port)")
        #expect(try receiver.stat("accepted") == 5)
    }

    @Test("a proxy that does not let the gateway through is an outage, never a detour")
    func refusingProxy() async throws {
        let receiver = try ReceiverProcess()
        let proxy = try proxy(["--refuse"])
        defer { proxy.child.signal(SIGKILL) }
        let address = proxy.url
        let destination = try Sample.destination(receiver.url) { $0.proxy = address }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.contains("407") == true)
                #expect(running.outbox.outcomes.isEmpty)
            }
        }
        #expect(try receiver.stat("requests") == 0)
    }

    @Test("a token that is changed in its file is used at the next try")
    func changedToken() async throws {
        let receiver = try ReceiverProcess(["--bearer", "second"])
        let path = try Scratch.folder() + "/token"
        try Scratch.write("first\n", to: path)
        let destination = try Sample.destination(receiver.url) { $0.token = TokenFile(path: path) }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.held))
                try Scratch.write("second\n", to: path)
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 1)
            }
        }
    }

    // MARK: not too many at once

    @Test("a backlog goes out no faster than the receiver is to get it")
    func rate() async throws {
        let receiver = try ReceiverProcess(certificate: .none)
        let began = ContinuousClock.now
        try await send(receiver, records: 16) {
            $0.maximumRecords = 1
            $0.requestsPerSecond = 10
        }
        // Ten at once, the rest a tenth of a second each.
        #expect(ContinuousClock.now - began > .milliseconds(500))
        #expect(try receiver.stat("requests") == 16)
    }

    @Test("in a second no more go out than configured, whatever the pattern")
    func bucket() {
        for perSecond in [1, 3, 20, 1_000] {
            var rate = RequestRate(perSecond: perSecond)
            var now = Duration.seconds(5)
            var sent: [Duration] = []
            var generator = SystemRandomNumberGenerator()
            while now < .seconds(9) {
                if let until = rate.take(now: now) {
                    #expect(until > now)
                    now = Bool.random(using: &generator) ? until : now + .milliseconds(3)
                } else {
                    sent.append(now)
                }
            }
            #expect(sent.count <= perSecond * 5 + 1)
            #expect(sent.count >= perSecond * 4 - 1, "\(perSecond): \(sent.count)")
        }
    }

    @Test("72 hours of outage ask a bounded number of times and never give up")
    func longOutage() {
        var scheduler = DestinationScheduler(steps: RetrySteps())
        var generator = SystemRandomNumberGenerator()
        var now = Duration.zero
        var requests = 0
        var action = scheduler.handle(.workArrived, now: now, chance: 0.5)
        while now < .seconds(72 * 3_600) {
            switch action {
            case .send:
                requests += 1
                action = scheduler.handle(
                    .attemptEnded(.trouble(after: nil)), now: now,
                    chance: Double.random(in: 0..<1, using: &generator))
            case .wait(let until):
                now = max(now, until)
                action = scheduler.handle(.timerFired, now: now, chance: 0.5)
            case .sleep, .nothing:
                Issue.record("it gave up after \(requests) requests")
                return
            }
        }
        // A try every 7.5 minutes on average.
        #expect((400...800).contains(requests), "\(requests)")
    }
}
