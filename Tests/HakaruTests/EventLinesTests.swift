import Testing

@testable import hakaru

@Suite("The daemon's event stream") struct EventLinesTests {
    static let stream = """
        : 

        id: 1
        event: record
        data: {"key":"aa"}

        id: 2
        event: session
        data: {"station":"one",
        data: "state":"open"}


        """

    @Test("events come whole, in whatever pieces the bytes come")
    func pieces() {
        let bytes = Array(Self.stream.utf8)
        let expected = [
            ServerEvent(name: "record", data: json(#"{"key":"aa"}"#)),
            ServerEvent(name: "session", data: json(#"{"station":"one","state":"open"}"#)),
        ]
        for size in 1...bytes.count {
            var lines = EventLines()
            var events: [ServerEvent] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += lines.take(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(events == expected, "in pieces of \(size)")
            #expect(lines.dropped == 0)
        }
    }

    @Test("an event that is no JSON is counted and passed over; the next one is read")
    func broken() {
        var lines = EventLines()
        let events = lines.take("event: record\ndata: {\"key\n\nevent: record\ndata: 7\n\n".utf8)
        #expect(events == [ServerEvent(name: "record", data: json("7"))])
        #expect(lines.dropped == 1)
    }

    @Test("an event without an end takes no more memory than its limit, and what follows is read")
    func endless() {
        var lines = EventLines()
        let piece = [UInt8](repeating: 0x41, count: 10_000)
        let found13 = lines.take("data: ".utf8)
        #expect(found13.isEmpty)
        for _ in 0..<50 {
            let found14 = lines.take(piece)
            #expect(found14.isEmpty)
        }
        let found15 = lines.take("\n\nevent: x\ndata: 1\n\n".utf8)
        #expect(
            found15 == [
                ServerEvent(name: "x", data: json("1"))
            ])
        #expect(lines.dropped == 1)
        // The same in many short lines.
        for _ in 0..<50 {
            let found16 = lines.take(Array("data: ".utf8) + piece + [0x0A])
            #expect(found16.isEmpty)
        }
        let found17 = lines.take("\ndata: 2\n\n".utf8)
        #expect(found17 == [ServerEvent(name: "", data: json("2"))])
        #expect(lines.dropped == 2)
    }

    @Test("no stream of random bytes ends the screen", arguments: 0..<40 as Range<UInt64>)
    func random(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let words = [
            "data: ", "event: ", "\n", "\n\n", "{}", ":", "id: 1", "\u{0}", "é", "[", "\"",
        ]
        var lines = EventLines()
        for _ in 0..<400 { _ = lines.take(words[Int(next() % UInt64(words.count))].utf8) }
        // An unfinished event may swallow the first; the second stands alone.
        _ = lines.take("\n\n".utf8)
        let found18 = lines.take("event: last\ndata: 1\n\n".utf8)
        #expect(
            found18 == [
                ServerEvent(name: "last", data: json("1"))
            ])
    }
}
