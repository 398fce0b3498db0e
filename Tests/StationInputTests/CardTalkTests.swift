import DataFiles
import DeviceProfile
import TapeLink
import Testing

@testable import StationInput

@Suite("Card readers") struct CardTalkTests {
    static let identifier: [UInt8] = [0x01, 0x14, 0xB3, 0x4C, 0x5D, 0x6E, 0x7F, 0x80]
    /// Length, response code, IDm, PMm, system code.
    static let answer: [UInt8] = joined(
        [0x14, 0x01], identifier, Array(repeating: 0xFF, count: 8), [0, 3])
    static let acknowledgement = Port100.acknowledgement

    static func joined(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

    /// An answer to a look, and what it means.
    struct Answer: Sendable, CustomTestStringConvertible {
        var body: [UInt8]
        var look: CardLook
        var testDescription: String { "\(body)" }

        init(_ look: CardLook, _ parts: [UInt8]...) {
            body = Array(parts.joined())
            self.look = look
        }
    }

    private static func tape() throws -> Tape {
        let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        let path = package + "/Tests/Fixtures/readers/rc-s380.tape"
        return try TapeParser.parse(try FileReader.read(path), file: path)
    }

    @Test(
        "a recorded talk with an RC-S380 is kept to byte for byte, and gives its two cards once each"
    )
    func tape() throws {
        let tape = try Self.tape()
        let model = try #require(
            CardReaderModel(
                vendor: tape.header.vendorID ?? 0, product: tape.header.productID ?? 0))
        var talk = model.talk(systemCode: 0xFFFF)
        var sent: [[UInt8]] = talk.opening.map { [$0] } ?? []
        var looks: [CardLook] = []
        func take(_ next: CardStep) {
            if case .send(let bytes) = next { sent.append(bytes) }
            if case .looked(let look) = next { looks.append(look) }
        }
        for line in tape.lines {
            switch line.entry {
            case .output(_, let bytes):
                if sent.isEmpty { take(try talk.look()) }
                #expect(sent.removeFirst() == bytes, "line \(line.number)")
            case .input(_, let bytes): take(try talk.received(bytes))
            default: Issue.record("line \(line.number)")
            }
        }
        #expect(sent.isEmpty)
        let other: [UInt8] = [0x01, 0xFE, 0x00, 0x11, 0x22, 0x33, 0x44, 0xAA]
        #expect(
            looks == [
                .none, .card(Self.identifier), .card(Self.identifier), .disturbed, .card(other),
            ])
        var presence = CardPresence()
        #expect(looks.compactMap { presence.saw($0) } == [.card(Self.identifier), .card(other)])
    }

    @Test("a card that stays is one card; taken away and laid down again it is a second one")
    func presence() {
        var presence = CardPresence()
        let card = CardLook.card(Self.identifier)
        #expect(presence.saw(card) == .card(Self.identifier))
        for look in [card, .none, .disturbed, card, .none, .none, card] {
            #expect(presence.saw(look) == nil, "a card at the edge of the field is not taken away")
        }
        for _ in 0..<3 { #expect(presence.saw(.none) == nil) }
        #expect(presence.saw(card) == .card(Self.identifier))
    }

    // MARK: RC-S380

    /// A talk that has been set up, and whose poll was acknowledged.
    private static func looking(_ code: UInt16 = 0xFFFF) throws -> (RCS380Talk, poll: [UInt8]) {
        var talk = RCS380Talk(systemCode: code)
        var step = try talk.look()
        while case .send(let bytes) = step {
            guard case .data(let command) = try Port100.frame(bytes) else { break }
            step = try talk.received(acknowledgement)
            #expect(step == .receive)
            if command[1] == 0x04 { return (talk, command) }
            let status: [UInt8] = command[1] == 0x20 ? [0x11, 0x01] : [0]
            step = try talk.received(Port100.frame(of: joined([0xD7, command[1] + 1], status)))
        }
        Issue.record("no poll came")
        return (talk, [])
    }

    @Test("the system code that is asked for is the one of the configuration")
    func systemCode() throws {
        let (_, poll) = try Self.looking(0x88B4)
        #expect(poll == [0xD6, 0x04, 0x6E, 0x00, 0x06, 0x00, 0x88, 0xB4, 0x01, 0x00])
    }

    static let started: [UInt8] = [0, 0, 0, 0, 8]
    static let zeros = [UInt8](repeating: 0, count: 18)
    static let looks: [Answer] = [
        Answer(.none, [0x80, 0, 0, 0]), Answer(.disturbed, [0x02, 0, 0, 0]),
        Answer(.disturbed, [0, 0, 0, 0]), Answer(.disturbed, started, Array(answer.prefix(12))),
        Answer(.disturbed, started, [0x14, 0x07], Array(answer.dropFirst(2))),
        Answer(.disturbed, started, [0x14, 0x01], zeros),
        Answer(.card(identifier), started, answer),
    ]

    @Test("an answer that is not a whole one of a card is no card", arguments: looks)
    func whole(_ answer: Answer) throws {
        var (talk, _) = try Self.looking()
        let frame = Port100.frame(of: Self.joined([0xD7, 0x05], answer.body))
        #expect(try talk.received(frame) == .looked(answer.look))
    }

    @Test("what an earlier talk left in the pipe is passed over, but not for ever")
    func strays() throws {
        var talk = RCS380Talk(systemCode: 0xFFFF)
        _ = try talk.look()
        let stray = Port100.frame(of: [0xD7, 0x05, 0x80, 0, 0, 0])
        for _ in 0..<4 { #expect(try talk.received(stray) == .receive) }
        #expect(throws: CardFault.self) { try talk.received(stray) }
    }

    @Test("a reader that breaks its protocol is a fault, never a card", arguments: 0..<6)
    func faults(_ number: Int) throws {
        var (talk, _) = try Self.looking()
        var broken = Port100.frame(of: Self.joined([0xD7, 0x05], Self.started, Self.answer))
        switch number {
        case 0: broken = [0, 0, 0xFF, 0xFF, 0xFF]
        case 1: broken[20] ^= 1
        case 2: broken[5] ^= 1
        case 3: broken.removeLast(3)
        case 4: broken = Self.acknowledgement
        default: broken = Port100.frame(of: [0xD7, 0x07, 0])
        }
        #expect(throws: CardFault.self) { try talk.received(broken) }
    }

    @Test("a set-up command that the reader refuses is a fault that names it")
    func refusedSetUp() throws {
        var talk = RCS380Talk(systemCode: 0xFFFF)
        _ = try talk.look()
        _ = try talk.received(Self.acknowledgement)
        #expect(throws: CardFault("the reader refuses command 42")) {
            try talk.received(Port100.frame(of: [0xD7, 0x2B, 1]))
        }
    }

    // MARK: RC-S300

    private static func message(_ sequence: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0x83, UInt8(body.count), 0, 0, 0, 0, sequence, 2, 0, 0] + body
    }

    /// A talk at its poll, and the number of that message.
    private static func asking() throws -> (RCS300Talk, sequence: UInt8, sent: [[UInt8]]) {
        var talk = RCS300Talk(systemCode: 0xFFFF)
        var sent: [[UInt8]] = []
        var step = try talk.look()
        while case .send(let bytes) = step {
            sent.append(bytes)
            if sent.count == 6 { return (talk, bytes[6], sent) }
            step = try talk.received(message(bytes[6], [0xC0, 3, 0, 0x90, 0, 0x90, 0]))
        }
        Issue.record("no poll came")
        return (talk, 0, sent)
    }

    @Test("an RC-S300 is spoken to as the public programs do, with its numbers in a row")
    func rcs300() throws {
        let (_, _, sent) = try Self.asking()
        #expect(sent.map { $0[6] } == [1, 2, 3, 4, 5, 6])
        #expect(sent.allSatisfy { $0[0] == 0x6B && Int($0[1]) == $0.count - 10 })
        #expect(sent.map { $0[15] }.prefix(4) == [0x82, 0x81, 0x83, 0x84])
        #expect(
            Array(sent[5].dropFirst(10)) == [
                0xFF, 0x50, 0x00, 0x01, 0x00, 0x00, 0x11, 0x5F, 0x46, 0x04, 0xA0, 0x86, 0x01, 0x00,
                0x95, 0x82, 0x00, 0x06, 0x06, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0x00, 0x00,
            ])
    }

    static let done: [UInt8] = [0xC0, 3, 0, 0x90, 0]
    static let fields: [Answer] = [
        Answer(.card(identifier), done, [0x92, 1, 0, 0x96, 2, 0, 0, 0x97, 0x14], answer),
        Answer(.card(identifier), [0x97, 0x14], answer), Answer(.none, [0xC0, 3, 1, 0x64, 1]),
        Answer(.none, done, [0x97, 0]), Answer(.none),
        Answer(.disturbed, [0x97, 0x40], answer), Answer(.disturbed, [0x97, 2, 0x14, 1]),
        // What public programs noted of a reader without a card.
        Answer(.none, [0xC0, 3, 2, 0x64, 1]),
        Answer(.disturbed, [0xC0, 3, 1, 0x69, 0x85]), Answer(.disturbed, [0xC0, 3, 0, 0x64, 0]),
        Answer(.disturbed, [0x92, 1, 0]), Answer(.disturbed, [0xC0]),
    ]

    @Test(
        "a card's answer stands in its field, wherever that is; without it there is no card",
        arguments: fields)
    func inFields(_ answer: Answer) throws {
        var (talk, sequence, _) = try Self.asking()
        let message = Self.message(sequence, Self.joined(answer.body, [0x90, 0]))
        #expect(try talk.received(message) == .looked(answer.look))
        if message.count == 46 { #expect(Array(message[26..<34]) == Self.identifier) }
    }

    @Test("an answer to an earlier message is passed over; a broken one is a fault")
    func rcs300Faults() throws {
        var (talk, sequence, _) = try Self.asking()
        #expect(try talk.received(Self.message(sequence &- 1, [0x90, 0])) == .receive)
        #expect(throws: CardFault.self) {
            try talk.received([0x80] + Array(repeating: 0, count: 9))
        }
        #expect(throws: CardFault.self) { try talk.received([0x83, 1, 0]) }
        var long = Self.message(sequence, [0x90, 0])
        long.append(0)
        #expect(throws: CardFault.self) { try talk.received(long) }
        var refused = RCS300Talk(systemCode: 0xFFFF)
        _ = try refused.look()
        #expect(throws: CardFault.self) { try refused.received(Self.message(1, [0x6F, 0])) }
    }

    @Test("a set-up whose answer says that it failed is a fault; that no session was open is none")
    func rcs300SetUp() throws {
        let failed: [UInt8] = [0xC0, 3, 1, 0x69, 0x85, 0x90, 0]
        for number in 1...5 as ClosedRange<UInt8> {
            var talk = RCS300Talk(systemCode: 0xFFFF)
            _ = try talk.look()
            for done in 1..<number {
                _ = try talk.received(Self.message(done, Self.done + [0x90, 0]))
            }
            let answer = Self.message(number, failed)
            if number == 1 {
                #expect(throws: Never.self) { try talk.received(answer) }
            } else {
                #expect(throws: CardFault.self, "\(number)") { try talk.received(answer) }
            }
        }
    }

    @Test("at the end both readers are told to switch their field off")
    func farewell() throws {
        var (first, _) = try Self.looking()
        #expect(first.farewell().last == Port100.frame(of: [0xD6, 0x06, 0x00]))
        var (second, sequence, _) = try Self.asking()
        let last = second.farewell()
        #expect(last.map { $0[15] } == [0x83, 0x82])
        #expect(last.map { $0[6] } == [sequence + 1, sequence + 2])
    }

    @Test("only the models that are known are taken for card readers")
    func models() {
        #expect(CardReaderModel(vendor: 0x054C, product: 0x06C1) == .rcs380)
        #expect(CardReaderModel(vendor: 0x054C, product: 0x0DC9) == .rcs300)
        for product in [0x02E1, 0x0D8F, 0x0268] {
            #expect(CardReaderModel(vendor: 0x054C, product: UInt16(product)) == nil)
        }
        #expect(CardReaderModel(vendor: 0x0590, product: 0x06C1) == nil)
    }

    @Test("bytes that are turned at random never give another card than the one that lies there")
    func fuzz() throws {
        var numbers = Numbers(state: 77)
        let whole = Port100.frame(of: Self.joined([0xD7, 0x05], Self.started, Self.answer))
        for _ in 0..<5_000 {
            var (talk, _) = try Self.looking()
            var bytes = whole
            let place = Int(numbers.next() % UInt64(bytes.count))
            bytes[place] ^= UInt8(truncatingIfNeeded: numbers.next()) | 1
            #expect(throws: CardFault.self) { try talk.received(bytes) }
        }
    }
}
