import DeviceProfile
import Measurement

/// Microlife cuffs: the clock, then the whole memory, as hexadecimal text in reports of eight bytes.
///
/// An answer is over when nothing more has come for a while; its checksum tells whether it is whole.
/// The person's number is not read, and nothing is set.
struct MicrolifeProcedure: WireProcedure {
    private enum Command {
        static let memory: UInt8 = 0x22
        static let clock: UInt8 = 0x26
    }
    private static let quiet = Interval.milliseconds(300)
    private static let maximumTries = 5
    private static let maximumAnswer = 1 << 16

    private let plan: WirePlan
    private var command = Command.clock
    private var answer: [UInt8] = []
    private var tries = 0

    init(_ plan: WirePlan) { self.plan = plan }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return ask(Command.clock)
        case .received(let report): return received(report)
        case .timedOut: return answer.isEmpty ? again() : []
        case .paused: return answered()
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func ask(_ command: UInt8) -> [WireStep] {
        self.command = command
        tries = 0
        return sent()
    }

    private mutating func sent() -> [WireStep] {
        answer = []
        return [
            .send([4, 0x12, 0x16, 0x18, command, 0, 0, 0]), .expect(plan.replyTimeout),
        ]
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        guard tries < Self.maximumTries else { return [.broken("no whole answer of the cuff")] }
        return sent()
    }

    /// The low half of the first byte counts the valid ones.
    private mutating func received(_ report: [UInt8]) -> [WireStep] {
        let count = report.first.map { Int($0 & 15) } ?? 0
        guard (1...7).contains(count), count < report.count else {
            return [.note(.refused(step: "report", "\(report.count) bytes, \(count) valid"))]
        }
        answer += report[1...count]
        guard answer.count < Self.maximumAnswer else {
            return [.broken("an answer without an end")]
        }
        return [.pause(Self.quiet)]
    }

    private mutating func answered() -> [WireStep] {
        guard let text = try? Microlife.open(answer) else { return again() }
        if command == Command.clock {
            let clock = Microlife.clock(text).map { WireStep.clock($0) }
            return [clock ?? .note(.clockUnreadable("an impossible time"))] + ask(Command.memory)
        }
        guard let records = try? Microlife.records(text) else { return again() }
        return records.map { .message($0) } + [.store]
    }
}
