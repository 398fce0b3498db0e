import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Status

@Suite("Event stream", .timeLimit(.minutes(1))) struct EventStreamTests {
    private func serve(
        _ change: @Sendable (inout StatusServer.Options) -> Void = { _ in }
    ) async throws -> ServedSocket {
        try await ServedSocket(change) { server in
            server.routeEvents("/v1/events")
            server.route("GET", "/v1/status") { _ in .text("ok") }
        }
    }

    private func subscribe(_ served: borrowing ServedSocket) throws -> UnixClient {
        let client = try served.client()
        client.send("GET /v1/events HTTP/1.1\r\nHost: h\r\n\r\n")
        let head = try client.take(until: "\r\n\r\n")
        #expect(head.hasPrefix("HTTP/1.1 200"))
        #expect(head.contains("text/event-stream"))
        client.beginChunks()
        return client
    }

    private func publish(
        _ served: borrowing ServedSocket, _ event: String, _ data: String
    ) async throws {
        let server = served.server
        try await LoopThread.run { server.publish(event, Array(data.utf8)) }
    }

    @Test("each client sees each event in its order")
    func events() async throws {
        let served = try await serve()
        let clients = [try subscribe(served), try subscribe(served)]
        for number in 1...3 { try await publish(served, "record", "{\"n\":\(number)}") }
        for client in clients {
            for number in 1...3 {
                #expect(
                    try client.take(until: "\n\n").hasSuffix(
                        "id: \(number)\nevent: record\ndata: {\"n\":\(number)}"))
            }
        }
    }

    @Test("events that come while a client reads slowly wait for it")
    func burst() async throws {
        let served = try await serve { $0.eventBytes = 1 << 20 }
        let client = try subscribe(served)
        let data = String(repeating: "x", count: 900)
        for _ in 0..<1_000 { try await publish(served, "record", data) }
        for _ in 0..<1_000 { #expect(try client.take(until: "\n\n").contains(data)) }
        #expect(try await served.counters.droppedEventClients == 0)
    }

    @Test("a client that never reads is dropped and counted, and holds up nobody")
    func slowClient() async throws {
        let served = try await serve { $0.eventBytes = 64_000 }
        let slow = try subscribe(served)
        let quick = try subscribe(served)
        let data = String(repeating: "x", count: 8_000)
        var published = 0
        while try await served.counters.droppedEventClients == 0, published < 500 {
            try await publish(served, "record", data)
            _ = try quick.take(until: "\n\n")
            published += 1
        }
        #expect(try await served.counters.droppedEventClients == 1)
        #expect(try await served.eventually { $0.eventClients == 1 })
        #expect(slow.isClosedByServer())
        try await publish(served, "record", "after")
        #expect(try quick.take(until: "\n\n").hasSuffix("data: after"))
        #expect(try served.client().get("/v1/status").status == 200)
    }

    @Test("a client that has gone is found by the heartbeat, without any event")
    func heartbeat() async throws {
        let served = try await serve { $0.eventHeartbeat = .milliseconds(50) }
        do {
            let client = try subscribe(served)
            #expect(try client.take(until: ": \n\n").count >= 0)
            #expect(try await served.counters.eventClients == 1)
        }
        #expect(try await served.eventually { $0.eventClients == 0 })
    }

    @Test("the stream has a bounded number of places, and a place is given again")
    func places() async throws {
        let served = try await serve {
            $0.eventClients = 2
            $0.eventHeartbeat = .milliseconds(50)
        }
        let first = try subscribe(served)
        do {
            let second = try subscribe(served)
            let third = try served.client().get("/v1/events")
            #expect(third.status == 503)
            #expect(third.body.contains("\"too-many-clients\""))
            #expect(second.descriptor != first.descriptor)
        }
        #expect(try await served.eventually { $0.eventClients == 1 })
        let again = try subscribe(served)
        #expect(again.descriptor > 2)
    }

    @Test("events without clients cost nothing and are not kept")
    func noClients() async throws {
        let served = try await serve()
        for _ in 0..<10 { try await publish(served, "record", "early") }
        let client = try subscribe(served)
        try await publish(served, "record", "late")
        #expect(try client.take(until: "\n\n").hasSuffix("id: 11\nevent: record\ndata: late"))
    }
}

@Suite("EventFeed frames and queues") struct EventFrameTests {
    @Test(
        "line ends in the data cannot forge an event",
        arguments: [
            ("a", "id: 7\nevent: e\ndata: a\n\n"),
            ("a\nb", "id: 7\nevent: e\ndata: a\ndata: b\n\n"),
            ("a\r\n\nevent: x", "id: 7\nevent: e\ndata: a\ndata: \ndata: \ndata: event: x\n\n"),
            ("", "id: 7\nevent: e\ndata: \n\n"),
        ])
    func frames(_ data: String, _ expected: String) async throws {
        let frame = try await LoopThread.run { EventFeed.frame(7, "e", Array(data.utf8)) }
        #expect(String(decoding: frame, as: UTF8.self) == expected)
    }

    @Test("a queue gives its bytes in order through any buffer and refuses what does not fit")
    func queue() {
        var queue = EventQueue(limit: 10)
        let storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4)
        defer { storage.deallocate() }
        func take() -> [UInt8] {
            let count = queue.take(into: storage)
            return Array(storage[..<count])
        }
        func append(_ bytes: [UInt8]) -> Bool { queue.append(bytes) }
        #expect(append([1, 2, 3, 4, 5, 6]))
        #expect(take() == [1, 2, 3, 4])
        #expect(append([7, 8, 9, 10, 11, 12, 13, 14]))
        #expect(!append([15]))
        #expect(take() == [5, 6, 7, 8])
        #expect(take() == [9, 10, 11, 12])
        #expect(take() == [13, 14])
        #expect(take() == [])
    }
}
