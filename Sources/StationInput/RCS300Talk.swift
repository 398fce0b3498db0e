/// The talk with a Sony PaSoRi RC-S300: escape messages as of CCID around the commands of a
/// transparent session (PC/SC part 3), on the reader's own interface.
struct RCS300Talk: CardTalk {
    private enum Message {
        static let escape: UInt8 = 0x6B
        static let answer: UInt8 = 0x83
        static let head = 10
    }
    /// End a session that is left over, begin one, field off, field on.
    private static let setUp: [[UInt8]] = [
        [0xFF, 0x50, 0x00, 0x00, 0x02, 0x82, 0x00, 0x00],
        [0xFF, 0x50, 0x00, 0x00, 0x02, 0x81, 0x00, 0x00],
        [0xFF, 0x50, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00],
        [0xFF, 0x50, 0x00, 0x00, 0x02, 0x84, 0x00, 0x00],
    ]
    private static let toFeliCa: [UInt8] = [
        0xFF, 0x50, 0x00, 0x02, 0x04, 0x8F, 0x02, 0x03, 0x00, 0x00,
    ]
    /// The tags of what the card answered, and of how the command went.
    private static let cardAnswer: UInt8 = 0x97
    private static let outcome: UInt8 = 0xC0
    private static let done: [UInt8] = [0x90, 0x00]
    private static let noAnswer: [UInt8] = [0x64, 0x01]

    private let exchange: [UInt8]
    private var pending: [[UInt8]] = Self.setUp
    private var isLooking = false
    private var sequence: UInt8 = 0
    private var strays = 0

    init(systemCode: UInt16) {
        // A limit of 100 ms in microseconds (5F46), then what goes to the card (95).
        exchange =
            [0xFF, 0x50, 0x00, 0x01, 0x00, 0x00, 0x11, 0x5F, 0x46, 0x04, 0xA0, 0x86, 0x01, 0x00]
            + [0x95, 0x82, 0x00, 0x06] + felicaPolling(systemCode) + [0x00, 0x00, 0x00]
    }

    var opening: [UInt8]? { nil }

    mutating func farewell() -> [[UInt8]] { [message(Self.setUp[2]), message(Self.setUp[0])] }

    mutating func look() throws(CardFault) -> CardStep {
        pending += [Self.toFeliCa, exchange]
        return next()
    }

    private mutating func next() -> CardStep {
        let command = pending.removeFirst()
        isLooking = pending.isEmpty
        strays = 0
        return .send(message(command))
    }

    private mutating func message(_ command: [UInt8]) -> [UInt8] {
        sequence &+= 1
        let length = UInt32(clamping: command.count)
        let size = (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) }
        return [Message.escape] + size + [0, sequence, 0, 0, 0] + command
    }

    mutating func received(_ bytes: [UInt8]) throws(CardFault) -> CardStep {
        guard bytes.count >= Message.head, bytes[0] == Message.answer else {
            throw CardFault("the reader sends no answer message")
        }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[1 + $1]) << (8 * $1) }
        guard length == bytes.count - Message.head else {
            throw CardFault("an answer of \(length) bytes is due")
        }
        guard bytes[6] == sequence else {
            guard strays < 4 else { throw CardFault("the reader answers another command") }
            strays += 1
            return .receive
        }
        let body = bytes[Message.head...]
        let isDone = body.suffix(2).elementsEqual(Self.done)
        if isLooking { return .looked(isDone ? card(body.dropLast(2)) : .disturbed) }
        // Where there is no session to end, that alone is no fault.
        let isEnding = pending.count >= Self.setUp.count + 1
        guard isDone, isEnding || status(body.dropLast(2)) == Self.done else {
            throw CardFault("the reader refuses a command of its set-up")
        }
        return next()
    }

    /// What an answer says of its command: the last two bytes of its first field.
    private func status(_ fields: ArraySlice<UInt8>) -> [UInt8]? {
        guard fields.first == Self.outcome, fields.count >= 5 else { return nil }
        return Array(fields.dropFirst(3).prefix(2))
    }

    /// Fields of tag, length and value.
    ///
    /// "No answer" is no card. Anything else without one, such as a look without a session, is
    /// disturbed: a reader that goes on so is set up anew, and not taken for one that nobody uses.
    private func card(_ fields: ArraySlice<UInt8>) -> CardLook {
        var rest = fields
        while rest.count >= 2 {
            let tag = rest[rest.startIndex]
            let length = Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard length <= rest.count else { return .disturbed }
            if tag == Self.cardAnswer, length > 0 {
                return felicaIdentifier(rest.prefix(length)).map { .card($0) } ?? .disturbed
            }
            rest = rest.dropFirst(length)
        }
        let known = [Self.done, Self.noAnswer]
        return status(fields).map { known.contains($0) } ?? fields.isEmpty ? .none : .disturbed
    }
}
