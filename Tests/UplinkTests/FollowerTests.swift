import EventLoop
import Exchange
import GatewayTestKit
import Measurement
import Testing

@testable import Uplink

/// A backlog leaves without waiting for the disk between two batches, and nothing else changes by that.
@Suite("Batches that follow one another", .timeLimit(.minutes(2))) struct FollowerTests {
    private static func destination(
        _ receiver: ReceiverProcess, _ change: (inout Destination) -> Void = { _ in }
    ) throws -> Destination {
        try Sample.destination(receiver.url) {
            $0.maximumRecords = 5
            $0.requestsPerSecond = 1_000
            change(&$0)
        }
    }
    private static func weights(_ count: Int) -> [OutboxItem] {
        (1...count).map { Sample.weight($0) }
    }

    @Test("one travels while the arrival of the one before is written down")
    func overlapped() async throws {
        let receiver = try ReceiverProcess()
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), []) { running in
                running.outbox.slownessOfSettle = .seconds(2)
                running.outbox.waiting = Self.weights(23)
                running.worker.wake()
                // The first batch shows that the receiver takes them; the third does not wait for
                // the second's two seconds.
                #expect(await eventually { (try? receiver.stat("requests")) == 3 })
                #expect(running.outbox.settled == 1)
                #expect(running.worker.snapshot.counters.delivered == 5, "only what is on the disk")
                running.outbox.slownessOfSettle = .zero
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...23).map(Int64.init))
                #expect(running.outbox.settled == 5)
                #expect(running.outbox.followers == [5], "the others came with an arrival")
                #expect(running.outbox.looks == 3, "empty, the first batch, empty again")
                #expect(running.worker.snapshot.counters.delivered == 23)
            }
        }
        #expect(try receiver.stat("accepted") == 23)
        #expect(try receiver.keys().count == 5)
    }

    @Test("nothing is formed behind a batch that the receiver has not taken, nor behind the last")
    func notBeforeTheFirst() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503,"times":3"#)
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), Self.weights(8)) { running in
                #expect(await running.isDone())
                #expect(running.outbox.followers.isEmpty)
                #expect(running.outbox.deliveredInOrder == (1...8).map(Int64.init))
            }
        }
    }

    @Test(
        "an arrival that the disk does not take is written down later, and sent by nobody again",
        arguments: [Set([1]), [2], [2, 3], [3, 5], [4, 5, 6]])
    func diskTrouble(calls: Set<Int>) async throws {
        let receiver = try ReceiverProcess()
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), []) { running in
                running.outbox.failingSettles = calls
                running.outbox.waiting = Self.weights(23)
                running.worker.wake()
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 23)
                #expect(running.worker.snapshot.counters.delivered == 23)
                #expect(running.worker.snapshot.counters.failedAttempts == calls.count)
            }
        }
        #expect(try receiver.stat("records") == 23)
        #expect(try receiver.keys().count == 5)
        #expect(try receiver.stat("repeated_requests") == 0)
    }

    @Test("a follower that somebody has changed does not leave before the store has looked again")
    func changed() async throws {
        let receiver = try ReceiverProcess()
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), Self.weights(23)) { running in
                running.outbox.touched = Set(1...9)
                #expect(await running.isDone())
                #expect(running.outbox.looks == 6, "for each batch, and once more for nothing")
                #expect(running.outbox.deliveredInOrder == (1...23).map(Int64.init))
            }
        }
        #expect(try receiver.stat("repeated_requests") == 0)
    }

    @Test("a culprit among many batches is found, and its neighbours arrive in their order")
    func culprit() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"refuse","status":400,"containing":"66.6","times":0"#)
        var items = Self.weights(23)
        items[12] = Sample.weight(13, "66.6")
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), items) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deadLetters == [13])
                #expect(
                    running.outbox.deliveredInOrder == (1...23).filter { $0 != 13 }.map(Int64.init))
            }
        }
        #expect(try receiver.stat("accepted") == 22)
    }

    @Test("after trouble nothing overtakes what was formed before", arguments: 2...4)
    func trouble(_ nth: Int) async throws {
        let receiver = try ReceiverProcess()
        for _ in 1..<nth { try receiver.misbehave(#""mode":"slow","seconds":0"#) }
        try receiver.misbehave(#""mode":"status","status":503,"times":2"#)
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), Self.weights(33)) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...33).map(Int64.init))
            }
        }
        #expect(try receiver.stat("accepted") == 33)
        #expect(try receiver.stat("unstable_key") == 0)
    }

    @Test("a record without a word waits, and nothing newer goes before it", arguments: 2...4)
    func partial(_ nth: Int) async throws {
        let receiver = try ReceiverProcess()
        for _ in 1..<nth { try receiver.misbehave(#""mode":"slow","seconds":0"#) }
        try receiver.misbehave(
            #""mode":"answer","body":{"results":[{"index":0,"status":"accepted"}]}"#)
        try await LoopThread.run {
            try await Running.with(try Self.destination(receiver), Self.weights(23)) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...23).map(Int64.init))
            }
        }
        // The one that only its answer called accepted was never looked at.
        #expect(try receiver.stat("accepted") == 22)
    }

    @Test("what may not be sent any more stays here, also in a batch that was formed before")
    func withdrawnConsent() async throws {
        let receiver = try ReceiverProcess()
        try await LoopThread.run {
            try await Running.with(
                try Self.destination(receiver), Self.weights(23),
                prepare: {
                    (11...15).contains($0.id)
                        ? .held(reason: "no consent") : .ready($0.exchangeRecord)
                }
            ) { running in
                #expect(await running.isDone())
                #expect(running.outbox.count(.held(reason: "no consent")) == 5)
                #expect(running.outbox.count(.accepted) == 18)
            }
        }
        #expect(try receiver.stat("accepted") == 18)
    }

    @Test("finishing writes down what has arrived and leaves the follower under its key")
    func finish() async throws {
        let receiver = try ReceiverProcess()
        try await LoopThread.run {
            let outbox = MemoryOutbox(Self.weights(23))
            outbox.slownessOfSettle = .milliseconds(500)
            let worker = DestinationWorker(
                try Self.destination(receiver), store: outbox,
                client: try HTTPClient(userAgent: "hakaru/0.0.0"), prepare: { $0.allReady })
            let task = spawn { await worker.run() }
            #expect(await eventually { (try? receiver.stat("requests")) == 3 })
            worker.finish()
            await task.value
            #expect(outbox.deliveredInOrder.count >= 10)
            #expect(
                outbox.deliveredInOrder.count == Int(try receiver.stat("accepted")),
                "what the receiver has taken is known here")
            #expect(
                outbox.batches.first?.items.first?.id == Int64(outbox.deliveredInOrder.count) + 1)
        }
    }

    @Test("files follow one another the same way")
    func directory() async throws {
        let folder = try Scratch.folder()
        let destination = try Sample.destination("https://localhost:9/") {
            $0.place = .directory(DocumentDirectory(path: folder))
            $0.maximumRecords = 5
            $0.requestsPerSecond = 1_000
        }
        try await LoopThread.run {
            try await Running.with(destination, Self.weights(23)) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...23).map(Int64.init))
                #expect(running.outbox.settled == 5)
            }
        }
    }
}
