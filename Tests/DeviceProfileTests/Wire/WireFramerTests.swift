import DeviceProfile
import Testing

@Suite("WireFramer") struct WireFramerTests {
    private static let framings: [WirePlan.Framing] = [
        .transfer, .lines(maximum: 16),
        .between(start: [2], end: [3], trailing: 1, maximum: 16),
        .between(start: [0x1B, 0x54], end: [0], trailing: 0, maximum: 8),
        .lengthByte(start: [0x51], at: 1, plus: 2, maximum: 32),
        .lengthByte(start: [2], at: 0, plus: 0, maximum: 8),
        .fixed(start: [0x51], length: 8), .fixed(start: [], length: 3),
        .countedReports(countAt: 0, maximum: 7, busy: [8]),
        .countedReports(countAt: 1, maximum: 62, busy: []),
    ]

    private func cut(_ framing: WirePlan.Framing, _ parts: [[UInt8]]) -> (
        messages: [[UInt8]], dropped: Int?
    ) {
        var framer = WireFramer(framing)
        let messages = parts.flatMap { framer.take($0) }
        return (messages, framer.takeDropped())
    }

    @Test("A line that comes byte by byte is the line that comes at once")
    func split() {
        let text = Array("ST,1\r\nUS,2\rOL,3\n\r\n".utf8)
        let whole = cut(.lines(maximum: 64), [text]).messages
        #expect(whole.map { String(decoding: $0, as: UTF8.self) } == ["ST,1", "US,2", "OL,3"])
        #expect(cut(.lines(maximum: 64), text.map { [$0] }).messages == whole)
    }

    @Test("A line without an end does not grow without bound, and its bytes are counted")
    func endless() {
        let (messages, dropped) = cut(
            .lines(maximum: 16), [[UInt8](repeating: 65, count: 40), Array("\r\nok\r\n".utf8)])
        #expect(messages == [Array("ok".utf8)])
        #expect(dropped == 40)
    }

    @Test("A message that was cut off is never joined with the one after it")
    func cutOff() {
        let framing = WirePlan.Framing.between(start: [2], end: [3], trailing: 0, maximum: 64)
        let (messages, dropped) = cut(framing, [[2, 65, 66], [2, 67, 3]])
        #expect(messages == [[2, 67, 3]])
        #expect(dropped == 3)
    }

    @Test("Noise before a frame is dropped and counted, the frame is not lost")
    func noise() {
        let frame: [UInt8] = [0x51, 0x26, 0x7B, 0, 0, 0x40, 0xA5, 0xD7]
        let (messages, dropped) = cut(.fixed(start: [0x51], length: 8), [[0, 0xFF] + frame])
        #expect(messages == [frame])
        #expect(dropped == 2)
    }

    @Test("Bytes left in a report from an older one are not read")
    func stale() {
        let framing = WirePlan.Framing.countedReports(countAt: 0, maximum: 7, busy: [8])
        #expect(cut(framing, [[1, 0x4A, 0x8C, 0x4C]]).messages == [[0x4A]])
    }

    @Test("A busy report is no data, a count beyond the report is refused")
    func busy() {
        var framer = WireFramer(.countedReports(countAt: 0, maximum: 7, busy: [8]))
        #expect(framer.take([8, 0x60, 0, 0, 0, 0, 0, 0]).isEmpty)
        #expect(framer.busyReports == 1)
        #expect(framer.take([7, 1, 2]).isEmpty)
        #expect(framer.takeDropped() == 3)
    }

    @Test("A reset forgets what has begun, so nothing is joined across a gap")
    func reset() {
        var framer = WireFramer(.lines(maximum: 64))
        _ = framer.take(Array("ST,+000".utf8))
        #expect(framer.isInside)
        framer.reset()
        #expect(framer.take(Array("12.3 kg\r\n".utf8)) == [Array("12.3 kg".utf8)])
        #expect(framer.takeDropped() == 7)
    }

    @Test("No bytes in any portions stop a framer or make it invent some", arguments: 1...40)
    func fuzz(seed: Int) {
        var generator = Seeded(UInt64(seed))
        for framing in Self.framings {
            var framer = WireFramer(framing)
            var given = 0
            var got = 0
            for _ in 0..<200 {
                let alphabet: [UInt8] = [2, 3, 13, 10, 0x51, 0x1B, 0x54, 0, 8, 7, 65]
                let count = Int.random(in: 0...9, using: &generator)
                let bytes = (0..<count).compactMap { _ in alphabet.randomElement(using: &generator)
                }
                given += bytes.count
                got += framer.take(bytes).reduce(0) { $0 + $1.count }
            }
            #expect(got <= given)
        }
    }
}
