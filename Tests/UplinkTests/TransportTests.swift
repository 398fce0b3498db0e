import EventLoop
import Exchange
import GatewayTestKit
import Glibc
import JSON
import Measurement
import Testing

@testable import Uplink

/// The transport table, row by row, from a worker to the strict receiver over TLS.
@Suite("Transport table", .timeLimit(.minutes(3))) struct TransportTests {
    @Test("everything that waits arrives once, oldest first, in batches of the configured size")
    func delivered() async throws {
        let receiver = try ReceiverProcess()
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 10 }
        try await LoopThread.run {
            try await Running.with(destination, (1...35).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...35).map { Int64($0) })
                let shown = running.worker.snapshot
                #expect(shown.counters.delivered == 35 && shown.counters.attempts == 4)
                #expect(shown.lastError == nil && shown.lastDeliveredAt != nil)
            }
        }
        #expect(try receiver.stat("accepted") == 35)
        #expect(try receiver.stat("duplicates") == 0)
        #expect(
            try receiver.log("request").compactMap { $0["records"]?.integer } == [10, 10, 10, 5])
        #expect(Set(try receiver.keys()).count == 4)
    }

    @Test("a receiver that answers without results has accepted everything")
    func plain() async throws {
        let receiver = try ReceiverProcess(["--plain"])
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1), Sample.weight(2)]) { running in
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 2)
            }
        }
        #expect(try receiver.stat("accepted") == 2)
    }

    struct Trouble: CustomTestStringConvertible, Sendable {
        var testDescription: String { how }
        var how: String
        /// Whether the receiver had stored the records before it failed.
        var isStored = false
        init(_ how: String, isStored: Bool = false) {
            self.how = how
            self.isStored = isStored
        }
    }
    static let troubles = [
        Trouble(#""mode":"status","status":408"#), Trouble(#""mode":"status","status":425"#),
        Trouble(#""mode":"status","status":429"#), Trouble(#""mode":"status","status":500"#),
        Trouble(#""mode":"status","status":502"#), Trouble(#""mode":"status","status":503"#),
        Trouble(#""mode":"status","status":599"#), Trouble(#""mode":"reset""#),
        Trouble(#""mode":"garbage""#), Trouble(#""mode":"garbage","status":201"#),
        Trouble(#""mode":"answer","body":{"results":5}"#),
        Trouble(#""mode":"answer","body":{"results":[]}"#),
        Trouble(#""mode":"answer","body":{"results":[{"index":9,"status":"accepted"}]}"#),
        Trouble(#""mode":"answer","body":{"results":[{"index":0,"status":"fine"}]}"#),
        Trouble(#""mode":"answer","status":422,"body":{"results":"no"}"#),
        Trouble(#""mode":"status","status":500,"after_storing":true"#, isStored: true),
        Trouble(#""mode":"reset","after_storing":true"#, isStored: true),
        Trouble(#""mode":"cut""#, isStored: true),
        Trouble(#""mode":"slow","seconds":9"#, isStored: true),
        Trouble(#""mode":"slow-loris","interval":0.1"#, isStored: true),
    ]

    @Test(
        "after passing trouble the same document comes again under the same key, and arrives once",
        arguments: troubles)
    func trouble(_ trouble: Trouble) async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(trouble.how + #","times":2"#)
        let destination = try Sample.destination(receiver.url) {
            $0.limits.total = .milliseconds(700)
        }
        try await LoopThread.run {
            try await Running.with(destination, (1...3).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                let outbox = running.outbox
                #expect(outbox.outcomes.count == 3 && outbox.deadLetters.isEmpty)
                #expect(outbox.count(trouble.isStored ? .duplicate : .accepted) == 3)
                #expect(running.worker.snapshot.counters.failedAttempts == 2)
            }
        }
        // libcurl may repeat a request by itself when a kept connection breaks.
        #expect(try receiver.stat("requests") >= 3)
        #expect(try receiver.stat("records") == 3)
        #expect(try receiver.stat("key_with_other_body") == 0)
        #expect(try receiver.stat("unstable_key") == 0)
        #expect(Set(try receiver.keys()).count == 1)
    }

    @Test(
        "a pause that the receiver asks for is kept",
        arguments: [#""retry_after":1"#, #""retry_after_date":2"#])
    func retryAfter(how: String) async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":503,"# + how)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1)], chance: 0) { running in
                #expect(await running.reaches(.retrying))
                #expect(running.worker.snapshot.nextAttemptAt != nil)
                running.worker.wake()  // new records are no reason to come earlier
                #expect(await running.isDone())
            }
        }
        let times = try receiver.log("request").compactMap {
            $0["at"]?.numberText.flatMap(Double.init)
        }
        // A date has whole seconds: two seconds from now may be hardly more than one.
        #expect(times.count == 2 && times[1] - times[0] >= 0.95, "\(times)")
    }

    @Test("409 means that the receiver has the records already")
    func acceptedBefore() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"status","status":409"#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1), Sample.weight(2)]) { running in
                #expect(await running.isDone())
                #expect(running.outbox.count(.duplicate) == 2)
            }
        }
    }

    @Test("a rejected record becomes a dead letter with the answer kept, its neighbours arrive")
    func perRecord() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"reject","record":[1,3],"reason":"not today""#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, (1...5).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deadLetters == [2, 4])
                #expect(running.outbox.count(.accepted) == 3)
                guard
                    case .rejected(let reason, let answer, let document) = running.outbox.outcomes[
                        2]
                else {
                    Issue.record("record 2 is no dead letter")
                    return
                }
                // What was sent of this record, and nothing of its neighbours.
                let sent = try JSONValue.parse(Array(document.utf8))
                let people = try #require(sent["person_information"]?.array)
                #expect(people.count == 1)
                let rows = people[0]["healthcare_information"]?["weighing_scale"]?.array
                #expect(rows?.count == 1)
                #expect(sent["consortium_id"]?.string == "C00001")
                #expect(reason == "not today")
                #expect(answer.hasPrefix("HTTP 422") && answer.contains("not today"))
            }
        }
        #expect(try receiver.stat("accepted") == 3)
    }

    @Test("results that leave records out make only those come again")
    func partialResults() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(
            #""mode":"answer","body":{"results":[{"index":1,"status":"accepted"}]}"#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, (1...3).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == [2, 1, 3])
            }
        }
        #expect(try receiver.stat("accepted") == 2)
        #expect(Set(try receiver.keys()).count == 2)
    }

    @Test("duplicates count as delivered")
    func duplicates() async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"duplicate""#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1), Sample.weight(2)]) { running in
                #expect(await running.isDone())
                #expect(running.worker.snapshot.counters.duplicates == 2)
            }
        }
    }

    @Test("a refused batch is divided until the culprit stands alone", arguments: [400, 422])
    func split(status: Int) async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(
            #""mode":"refuse","status":\#(status),"containing":"66.6","times":0"#)
        let destination = try Sample.destination(receiver.url)
        let items = (1...20).map { Sample.weight($0, $0 == 13 ? "66.6" : "65.0") }
        try await LoopThread.run {
            try await Running.with(destination, items) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deadLetters == [13])
                #expect(running.outbox.count(.accepted) == 19)
                // Order is kept through the halves of halves.
                #expect(
                    running.outbox.deliveredInOrder
                        == (1...20).filter { $0 != 13 }.map { Int64($0) })
                guard case .rejected(_, let answer, let document) = running.outbox.outcomes[13]
                else {
                    Issue.record("record 13 is no dead letter")
                    return
                }
                #expect(answer.contains("not acceptable"))
                #expect(document.contains("66.6") && !document.contains("65.0"))
            }
        }
        #expect(try receiver.stat("accepted") == 19)
    }

    @Test("after 413 batches are small enough, and stay so")
    func smaller() async throws {
        let receiver = try ReceiverProcess(["--max-records", "6"])
        let destination = try Sample.destination(receiver.url) { $0.maximumRecords = 20 }
        try await LoopThread.run {
            try await Running.with(destination, (1...60).map { Sample.weight($0) }) { running in
                #expect(await running.isDone())
                #expect(running.outbox.deliveredInOrder == (1...60).map { Int64($0) })
                #expect(running.outbox.deadLetters.isEmpty)
            }
        }
        let statuses = try receiver.log("request").compactMap { $0["status"]?.integer }
        // 20 and both its halves are too large; nothing after that is.
        #expect(statuses.count { $0 == 413 } == 3, "\(statuses)")
    }

    @Test("a single record that is too large is held, not thrown away")
    func tooLargeAlone() async throws {
        let receiver = try ReceiverProcess(["--max-bytes", "100"])
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, [Sample.weight(1), Sample.weight(2)]) { running in
                #expect(await running.reaches(.held))
                #expect(running.outbox.outcomes.isEmpty)
                try receiver.control(#"{"do":"set","max_bytes":0}"#)
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 2)
            }
        }
    }

    @Test(
        "a receiver that does not let the gateway in, or is not what it should be, holds everything",
        arguments: [401, 403, 301, 302, 307, 308, 404, 405, 410, 415])
    func held(status: Int) async throws {
        let receiver = try ReceiverProcess()
        try receiver.misbehave(#""mode":"redirect","status":\#(status),"times":0"#)
        let destination = try Sample.destination(receiver.url)
        try await LoopThread.run {
            try await Running.with(destination, (1...3).map { Sample.weight($0) }) { running in
                #expect(await running.reaches(.held))
                #expect(running.worker.snapshot.lastError?.contains("\(status)") == true)
                #expect(running.worker.snapshot.nextAttemptAt != nil)
                #expect(running.outbox.outcomes.isEmpty)
                try receiver.behave()
                #expect(await running.isDone())
                #expect(running.outbox.count(.accepted) == 3)
                #expect(running.worker.snapshot.lastError == nil)
            }
        }
    }
}
