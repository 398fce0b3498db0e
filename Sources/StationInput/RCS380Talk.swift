import DeviceProfile

/// The talk with a Sony PaSoRi RC-S380 in the frames of its port-100 protocol.
///
/// Every command is acknowledged and then answered with `D7` and its own number plus one. The reader
/// itself waits for the card, 11 ms at each look.
struct RCS380Talk: CardTalk {
    private enum Wait: Equatable { case nothing, acknowledgement, answer }
    private static let request: UInt8 = 0xD6
    private static let reply: UInt8 = 0xD7
    /// `InCommRF`, the command that carries what goes to a card.
    private static let toCard: UInt8 = 0x04
    /// The reader's own limit passed without an answer.
    private static let noCard: UInt32 = 0x80

    /// Command type 1, field off, FeliCa at 212 kbit/s both ways, what the maker's program sets, waiting time.
    private static let setUp: [[UInt8]] = [
        [0x2A, 0x01], [0x20], [0x06, 0x00], [0x00, 0x01, 0x01, 0x0F, 0x01],
        [
            0x02, 0x00, 0x18, 0x01, 0x01, 0x02, 0x01, 0x03, 0x00, 0x04, 0x00, 0x05, 0x00, 0x06,
            0x00, 0x07, 0x08, 0x08, 0x00, 0x09, 0x00, 0x0A, 0x00, 0x0B, 0x00, 0x0C, 0x00, 0x0E,
            0x04, 0x0F, 0x00, 0x10, 0x00, 0x11, 0x00, 0x12, 0x00, 0x13, 0x06,
        ],
        [0x02, 0x00, 0x18],
    ]
    /// Answers with bytes of their own in the place of a status.
    private static let answersFreely: Set<UInt8> = [0x20]

    private let polling: [UInt8]
    private var pending: [[UInt8]] = Self.setUp
    private var command: [UInt8] = []
    private var wait = Wait.nothing
    /// Frames that belong to an earlier talk and were passed over.
    private var strays = 0

    init(systemCode: UInt16) {
        // The limit in tenths of a millisecond, least significant byte first.
        polling = [Self.toCard, 0x6E, 0x00] + felicaPolling(systemCode)
    }

    /// An acknowledgement from this side makes the reader give up what it was doing.
    var opening: [UInt8]? { Port100.acknowledgement }

    mutating func farewell() -> [[UInt8]] {
        [Port100.acknowledgement, Port100.frame(of: [Self.request, 0x06, 0x00])]
    }

    mutating func look() throws(CardFault) -> CardStep {
        pending.append(polling)
        return next()
    }

    private mutating func next() -> CardStep {
        command = pending.removeFirst()
        wait = .acknowledgement
        strays = 0
        return .send(Port100.frame(of: [Self.request] + command))
    }

    mutating func received(_ bytes: [UInt8]) throws(CardFault) -> CardStep {
        let frame: Port100.Frame
        do { frame = try Port100.frame(bytes) } catch { throw CardFault("\(error)") }
        switch (frame, wait) {
        case (.error, _): throw CardFault("the reader reports an error")
        case (.acknowledge, .acknowledgement):
            wait = .answer
            return .receive
        case (.data(let data), .answer): return try answered(data)
        case (.data, .acknowledgement) where strays < 4:
            strays += 1
            return .receive
        default: throw CardFault("the reader answers out of turn")
        }
    }

    private mutating func answered(_ data: [UInt8]) throws(CardFault) -> CardStep {
        guard data.count >= 2, data[0] == Self.reply, data[1] == command[0] &+ 1 else {
            throw CardFault("the reader answers another command")
        }
        wait = .nothing
        guard command[0] != Self.toCard else { return try .looked(card(data)) }
        if !Self.answersFreely.contains(command[0]), data.count < 3 || data[2] != 0 {
            throw CardFault("the reader refuses command \(command[0])")
        }
        return next()
    }

    /// Status, least significant byte first; bits of the last byte; the card's answer.
    private func card(_ data: [UInt8]) throws(CardFault) -> CardLook {
        guard data.count >= 6 else { throw CardFault("the answer of a look is too short") }
        let status = (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[2 + $1]) << UInt32(8 * $1) }
        if status == Self.noCard { return .none }
        guard status == 0, let identifier = felicaIdentifier(data.dropFirst(7)) else {
            return .disturbed
        }
        return .card(identifier)
    }
}
