import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Testing

@testable import Uplink

/// What the worker owes beyond the transport table: outages, tokens, consent, formats, the store.
@Suite("Destination worker", .timeLimit(.minutes(3))) struct WorkerTests {
    @Test("a changed token is used at the next try, without a restart")
    func token() async throws {
        let receiver = try ReceiverProcess(["--bearer", "new-token"])
        let path = try Scratch.folder() + "/token"
        let destination = try Sample.destination(receiver.url) { $0.token = TokenFile(path: path) }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.held))
                #expect(running.worker.snapshot.lastError?.contains(path) == true)
                #expect(try receiver.stat("requests") == 0)
                try Scratch.write("old-token\n", to: path)
                #expect(
                    await eventually {
                        running.worker.snapshot.lastError?.contains("401") == true
                    })
                #expect(running.outbox.outcomes.isEmpty)
                try Scratch.write("new-token\n", to: path)
                #expect(await running.isDone())
            }
        }
        #expect(try receiver.stat("accepted") == 1)
    }

    @Test("a certificate that expired is shown, and sending goes on once it is renewed")
    func renewedCertificate() async throws {
        let expired = try ReceiverProcess(certificate: .expired)
        let destination = try Sample.destination(expired.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.hasPrefix("tls: ") == true)
                let port = expired.port
                expired.stop()
                let renewed = try ReceiverProcess(port: port)
                #expect(await running.isDone())
                #expect(try renewed.stat("accepted") == 1)
            }
        }
    }

    @Test("through an outage one request goes per step, then everything at once, nothing lost")
    func outage() async throws {
        let first = try ReceiverProcess()
        try first.misbehave(#""mode":"status","status":503,"times":0"#)
        let destination = try Sample.destination(first.url) {
            $0.maximumRecords = 5
            $0.retry = RetrySteps(initial: .milliseconds(200), maximum: .milliseconds(200))
        }
        try await LoopThread.run {
            try await Running.with(destination, (1...50).map { Sample.weight($0) }) { running in
                #expect(await running.reaches(.retrying))
                for _ in 0..<20 {
                    running.worker.wake()
                    try await sleep(for: .milliseconds(50))
                }
                // One second of new records every 50 ms: still one request per step.
                #expect(try (3...7).contains(first.stat("requests")))
                let since = running.worker.snapshot.failingSince
                #expect(since != nil && running.worker.snapshot.failures >= 3)
                let port = first.port
                first.stop()
                #expect(
                    await eventually {
                        running.worker.snapshot.lastError?.hasPrefix("unreachable") == true
                    })
                #expect(running.worker.snapshot.failingSince == since)
                let second = try ReceiverProcess(port: port)
                #expect(await running.isDone())
                #expect(try second.stat("accepted") == 50)
                #expect(running.worker.snapshot.failingSince == nil)
            }
        }
    }

    @Test("a person can have the next try at once")
    func kick() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503"#)
        let destination = try Sample.destination(receiver.url) {
            $0.retry = RetrySteps(initial: .seconds(600), maximum: .seconds(600))
        }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                running.worker.wake()
                try await sleep(for: .milliseconds(100))
                #expect(try receiver.stat("requests") == 1)
                running.worker.kick()
                #expect(await running.isDone())
            }
        }
    }

    @Test("new records are sent as soon as the worker hears of them")
    func wake() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, []) { running in
                #expect(await running.isDone())
                for number in 1...5 {
                    running.outbox.waiting.append(Sample.weight(number))
                    running.worker.wake()
                    #expect(await eventually { running.outbox.outcomes.count == number })
                }
            }
        }
        #expect(try receiver.stat("accepted") == 5)
    }

    @Test(
        "after consent is withdrawn a queued retry does not go out; the others do, under a new key")
    func withdrawn() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503"#)
        let destination = try Sample.destination(receiver.url)
        let tries = Locked<Int>(0)
        try await LoopThread.run {
            try await Running.with(
                destination, (1...3).map { Sample.weight($0) },
                prepare: { item in
                    let isSecondTry = tries.withLock { count in
                        count += 1
                        return count > 3
                    }
                    return item.id == 2 && isSecondTry
                        ? .held(reason: "no consent") : .ready(item.exchangeRecord)
                }
            ) { running in
                #expect(await running.isDone())
                #expect(running.outbox.outcomes[2] == .held(reason: "no consent"))
                #expect(running.outbox.deliveredInOrder == [1, 3])
            }
        }
        #expect(Set(try receiver.keys()).count == 2)
        #expect(try receiver.stat("records") == 2)
    }

    private struct CannotTell: Error {}

    @Test(
        "nothing is sent while nobody can say what may go, and all of it once somebody can",
        arguments: [true, false])
    func unprepared(throwing: Bool) async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            let outbox = MemoryOutbox((1...3).map { Sample.weight($0) })
            let isKnown = Locked<Bool>(false)
            let worker = DestinationWorker(
                destination, store: outbox, client: try HTTPClient(userAgent: "hakaru/0.0.0"),
                prepare: { batch in
                    if isKnown.withLock({ $0 }) { return batch.allReady }
                    if throwing { throw CannotTell() }
                    return Array(batch.allReady.dropLast())
                }, chance: { 0 })
            let task = spawn { await worker.run() }
            #expect(await eventually { worker.snapshot.lastError != nil })
            #expect(worker.snapshot.state == (throwing ? .retrying : .held))
            #expect(try receiver.stat("requests") == 0)
            #expect(outbox.outcomes.isEmpty)
            isKnown.withLock { $0 = true }
            worker.kick()
            #expect(await eventually { outbox.isDone })
            #expect(outbox.deliveredInOrder == [1, 2, 3])
            task.cancel()
            await task.value
        }
    }

    @Test("a batch is prepared with one question, however many records it holds")
    func onePreparation() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 50 }
        let asked = Locked<[Int]>([])
        try await LoopThread.run {
            let outbox = MemoryOutbox((1...120).map { Sample.weight($0) })
            let worker = DestinationWorker(
                destination, store: outbox, client: try HTTPClient(userAgent: "hakaru/0.0.0"),
                prepare: { batch in
                    asked.withLock { $0.append(batch.items.count) }
                    return batch.allReady
                })
            let task = spawn { await worker.run() }
            #expect(await eventually { outbox.isDone })
            task.cancel()
            await task.value
        }
        #expect(asked.withLock { $0 } == [50, 50, 20])
    }

    @Test("what has no table or does not fit is marked and never holds up the rest")
    func excluded() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url)
        let items = [
            Sample.glucose(1), Sample.weight(2), Sample.weight(3, "12345.6"), Sample.weight(4),
        ]
        try await LoopThread.run {
            try await Running.with(destination, items) { running in
                #expect(await running.isDone())
                #expect(running.outbox.outcomes[1] == .noTable)
                #expect(
                    running.outbox.outcomes[3]
                        == .doesNotFit(reason: "body_weight: 7 characters do not fit into 6"))
                #expect(running.outbox.deliveredInOrder == [2, 4])
                let counters = running.worker.snapshot.counters
                #expect(counters.noTable == 1 && counters.doesNotFit == 1)
            }
        }
        #expect(try receiver.stat("refused_documents") == 0)
    }

    @Test("glucose goes to a destination that switched its table on")
    func glucose() async throws {
        let receiver = try ReceiverProcess(["--accept", "blood-glucose"])
        let destination = try Sample.destination(receiver.url) {
            $0.options.extensions = ["blood-glucose"]
        }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.glucose(1)]) { running in
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 1)
            }
        }
    }

    @Test("a consortium ID that cannot stand in a document holds the destination")
    func badHeader() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url) { $0.consortium = "C-000001" }
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.held))
                #expect(running.worker.snapshot.lastError?.contains("consortium_id") == true)
                #expect(running.outbox.outcomes.isEmpty)
            }
        }
        #expect(try receiver.stat("requests") == 0)
    }

    @Test("an answer that could not be written down is kept; its records are not sent again")
    func storeFails() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, []) { running in
                #expect(await running.isDone())
                running.outbox.failuresOfForm = 1
                running.outbox.failuresOfResolve = 2
                running.outbox.waiting = [Sample.weight(1), Sample.weight(2)]
                running.worker.wake()
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.hasPrefix("store: ") == true)
                #expect(await eventually { running.outbox.count(.accepted) == 2 })
            }
        }
        #expect(try receiver.stat("records") == 2)
        #expect(try receiver.stat("requests") == 1)
    }

    @Test("a store that brings an excluded record again does not make the loop run hot")
    func forgetfulStore() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, []) { running in
                #expect(await running.isDone())
                running.outbox.forgets = true
                running.outbox.waiting = [Sample.glucose(1)]
                running.worker.wake()
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.lastError?.contains("unchanged") == true)
            }
        }
    }

    @Test("finishing waits for the batch that is under way and starts no other")
    func finish() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"slow","seconds":0.5"#)
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 1 }
        try await LoopThread.run {
            let outbox = MemoryOutbox([Sample.weight(1), Sample.weight(2)])
            let worker = DestinationWorker(
                destination, store: outbox, client: try HTTPClient(userAgent: "hakaru/0.0.0"),
                prepare: { $0.allReady })
            let task = spawn { await worker.run() }
            #expect(await eventually { worker.snapshot.counters.attempts == 1 })
            worker.finish()
            await task.value
            #expect(outbox.deliveredInOrder == [1])
            let left = outbox.batches.flatMap(\.items) + outbox.waiting
            #expect(left.map(\.id) == [2])
        }
    }

    @Test("cancelling breaks off at once and keeps the batch with its key")
    func cancel() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"slow","seconds":20"#)
        let destination = try Sample.destination(receiver.url) { $0.limits.total = .seconds(60) }
        try await LoopThread.run {
            let outbox = MemoryOutbox([Sample.weight(1)])
            let client = try HTTPClient(userAgent: "hakaru/0.0.0")
            let clock = ContinuousClock()
            let began = clock.now
            for round in 1...2 {
                let worker = DestinationWorker(
                    destination, store: outbox, client: client,
                    prepare: { $0.allReady })
                let task = spawn { await worker.run() }
                if round == 1 {
                    #expect(await eventually { (try? receiver.log("record").count) == 1 })
                    #expect(outbox.batches.count == 1)
                } else {
                    #expect(await eventually { outbox.isDone })
                }
                task.cancel()
                await task.value
            }
            #expect(clock.now - began < .seconds(10))
            #expect(outbox.count(.duplicate) == 1)
        }
        #expect(Set(try receiver.keys()).count == 1)
    }

    @Test("the status shows what the contract asks for, and no value")
    func status() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503,"retry_after":60"#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)]) { running in
                #expect(await running.reaches(.retrying))
                var writer = JSONWriter()
                writer.object {
                    running.worker.snapshot.writeMembers(to: &$0) { Sample.zone.iso8601($0) }
                }
                let shown = try JSONValue.parse(writer.bytes)
                #expect(shown["name"]?.string == "common-db")
                #expect(shown["state"]?.string == "retrying")
                #expect(shown["last_error"]?.string == "HTTP 503")
                #expect(shown["last_delivered_at"]?.isNull == true)
                #expect(shown["next_attempt_at"]?.string?.hasSuffix("+09:00") == true)
                #expect(shown["failing_since"]?.string != nil)
                #expect(shown["counters"]?["failed_attempts"]?.integer == 1)
                #expect(!writer.text.contains("65.0") && !writer.text.contains("P0000001"))
            }
        }
    }
}
