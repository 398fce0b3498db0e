import Testing

@testable import StationInput

@Suite("Codes of a scanner on a line") struct LineInputTests {
    struct Talk: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var bytes: String
        var gives: [ReaderInput]
    }

    static func inputs(_ text: String, _ assembler: CodeAssembler = CodeAssembler())
        -> [ReaderInput]
    {
        var input = LineInput(assembler)
        return text.utf8.compactMap { input.take($0) }
    }

    @Test(
        "each scanner's way to end a code gives the code once, and nothing of its own",
        arguments: [
            Talk(testDescription: "CR", bytes: "MDM-001\r", gives: [.code("MDM-001")]),
            Talk(testDescription: "LF", bytes: "MDM-001\n", gives: [.code("MDM-001")]),
            Talk(
                testDescription: "CR LF", bytes: "A1\r\nB2\r\n", gives: [.code("A1"), .code("B2")]),
            Talk(
                testDescription: "STX ETX", bytes: "\u{2}A1\u{3}\u{2}B2\u{3}",
                gives: [.code("A1"), .code("B2")]),
            Talk(testDescription: "tab", bytes: "A1\t", gives: [.code("A1")]),
            Talk(testDescription: "empty lines", bytes: "\r\n\r\n  \r\nA1\r", gives: [.code("A1")]),
            Talk(
                testDescription: "punctuation", bytes: "%A1^B?;=+-/.$ x\r",
                gives: [.code("%A1^B?;=+-/.$ x")]),
        ])
    func ends(_ talk: Talk) { #expect(Self.inputs(talk.bytes) == talk.gives) }

    @Test(
        "what is no code is refused with its reason, and the code after it is not lost",
        arguments: [
            Talk(
                testDescription: "a byte of wrong parity", bytes: "MD\0-001\rA1\r",
                gives: [.refused(.unreadable), .code("A1")]),
            Talk(
                testDescription: "a start in the middle of another code",
                bytes: "MDM-0\u{2}A1\u{3}",
                gives: [.refused(.incomplete), .code("A1")]),
            Talk(
                testDescription: "Japanese text", bytes: "山田太郎\rA1\r",
                gives: [.refused(.unreadable), .code("A1")]),
            Talk(
                testDescription: "a document in a QR code",
                bytes: String(repeating: "x", count: 5_000) + "\rA1\r",
                gives: [.refused(.tooLong), .code("A1")]),
        ])
    func refused(_ talk: Talk) { #expect(Self.inputs(talk.bytes) == talk.gives) }

    @Test("a code of the longest length is taken, one character more is refused, whatever follows")
    func bound() {
        let longest = String(repeating: "7", count: CodeAssembler.longest)
        #expect(Self.inputs(longest + "\r") == [.code(longest)])
        #expect(Self.inputs(longest + "7\r") == [.refused(.tooLong)])
    }

    @Test(
        "half a code is never somebody's code: after a pause it is refused, and the rest alone too")
    func pause() {
        var input = LineInput()
        for byte in "MDM-01".utf8 { #expect(input.take(byte) == nil) }
        #expect(input.assembler.isOpen)
        #expect(input.paused() == .refused(.incomplete))
        #expect(!input.assembler.isOpen)
        #expect(input.paused() == nil, "a pause is told once")
    }

    @Test("a reader that marks no end gives its code after a pause, where it was set up so")
    func pauseEnds() {
        var input = LineInput(CodeAssembler(endsByPause: true))
        for byte in "MDM-010".utf8 { #expect(input.take(byte) == nil) }
        #expect(input.paused() == .code("MDM-010"))
        #expect(input.assembler.endsByPause, "the next one ends the same way")
        _ = input.take(0x07)
        #expect(input.paused() == .refused(.unreadable))
    }

    struct Swipe: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var track: MagneticTrack
        var text: String
        var gives: [ReaderInput]
    }

    static let threeTracks = "%B5022^CARD^2512?\r;50220001=2512?\r+0110?\r"

    @Test(
        "of a magnetic card only the track that was chosen is the code",
        arguments: [
            Swipe(
                testDescription: "second of three", track: .second, text: threeTracks,
                gives: [.refused(.otherTrack), .code("50220001=2512"), .refused(.otherTrack)]),
            Swipe(
                testDescription: "first of three", track: .first, text: threeTracks,
                gives: [.code("B5022^CARD^2512"), .refused(.otherTrack), .refused(.otherTrack)]),
            Swipe(
                testDescription: "third", track: .third, text: "+0110?\r", gives: [.code("0110")]),
            Swipe(
                testDescription: "with a check character", track: .second, text: ";5022?7\r",
                gives: [.code("5022")]),
            Swipe(
                testDescription: "torn out too early", track: .second, text: ";50220\r",
                gives: [.refused(.incomplete)]),
            Swipe(testDescription: "an empty track", track: .second, text: ";?\r", gives: []),
        ])
    func tracks(_ swipe: Swipe) {
        #expect(Self.inputs(swipe.text, CodeAssembler(track: swipe.track)) == swipe.gives)
    }

    @Test("whatever bytes come, a code is printable, bounded, and never longer than what came")
    func fuzz() {
        var generator = Numbers(state: 0x5EED)
        var input = LineInput()
        var taken = 0
        for _ in 0..<200_000 {
            let byte = UInt8(truncatingIfNeeded: generator.next())
            taken += 1
            guard case .code(let code)? = input.take(byte % 3 == 0 ? 0x0D : byte & 0x7F) else {
                continue
            }
            #expect(
                (1...CodeAssembler.longest).contains(code.utf8.count) && code.utf8.count <= taken)
            #expect(code.utf8.allSatisfy { (0x20...0x7E).contains($0) })
            taken = 0
        }
    }
}

/// Numbers that are the same in every run.
struct Numbers {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
