import DeviceProfile

/// TaiDoc meters on a cable: wake, model, clock, count, then time and value of each record.
///
/// Index 0 is the newest record. Time and value are handed out together, as one message of 16 bytes.
/// The clock is read and never set; nothing is erased.
struct TaiDocProcedure: WireProcedure {
    private enum Command {
        static let connect: UInt8 = 0x22
        static let clock: UInt8 = 0x23
        static let model: UInt8 = 0x24
        static let time: UInt8 = 0x25
        static let value: UInt8 = 0x26
        static let count: UInt8 = 0x2B
        static let turnOff: UInt8 = 0x50
        /// The meter is about to talk: the command is sent again.
        static let entering: UInt8 = 0x54
    }
    private static let maximumTries = 4
    private static let maximumRecords = 2_000

    private let plan: WirePlan
    private var framer: WireFramer
    private var command = Command.connect
    private var index = 0
    private var count = 0
    private var tries = 0
    private var time: [UInt8] = []

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(.fixed(start: [0x51], length: 8))
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return ask(Command.connect)
        case .received(let bytes): return framer.take(bytes).flatMap { received($0) }
        case .timedOut: return again("it does not answer")
        case .stored: return [.send(TaiDoc.frame(Command.turnOff)), .complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func ask(_ command: UInt8) -> [WireStep] {
        self.command = command
        tries = 0
        return sent()
    }

    private func sent() -> [WireStep] {
        let isRecord = command == Command.time || command == Command.value
        let data = isRecord ? [UInt8(index & 0xFF), UInt8(index >> 8), 0, 0] : [0, 0, 0, 0]
        return [.send(TaiDoc.frame(command, data)), .expect(plan.replyTimeout)]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        tries += 1
        framer.reset()
        guard tries < Self.maximumTries else {
            return [.broken("command 0x\(String(command, radix: 16)): \(why)")]
        }
        return sent()
    }

    private mutating func received(_ frame: [UInt8]) -> [WireStep] {
        guard frame[6] == 0xA5, frame[7] == frame[..<7].reduce(0, &+) else {
            return again("a frame with a wrong checksum")
        }
        if frame[1] == Command.entering { return again("it does not come out of its sleep") }
        // A late answer to the question before.
        guard frame[1] == command else { return [] }
        switch command {
        case Command.connect: return ask(Command.model)
        case Command.model: return ask(Command.clock)
        case Command.clock:
            let now = TaiDoc.time(Array(frame[2...5])).map { WireStep.clock($0) }
            return [now ?? .note(.clockUnreadable("an impossible time"))] + ask(Command.count)
        case Command.count:
            count = min(Int(frame[2]) | Int(frame[3]) << 8, Self.maximumRecords)
            return next()
        case Command.time:
            time = frame
            return ask(Command.value)
        default:
            index += 1
            return [.message(time + frame)] + next()
        }
    }

    private mutating func next() -> [WireStep] {
        index < count ? ask(Command.time) : [.store]
    }
}
