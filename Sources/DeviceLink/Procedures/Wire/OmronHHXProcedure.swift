import DeviceProfile
import Measurement

/// Omron's cable 0590:0028: wake, ask what it is, then every record or every day.
struct OmronHHXProcedure: WireProcedure {
    private enum Phase: Equatable {
        case mode
        case waking(tries: Int)
        case asking
    }
    static let maximumTries = 5
    /// The device answers NO, or nothing, no more often than this to one command.
    private static let wakeReports: [[UInt8]] = [7, 7, 7, 7, 2].map {
        [UInt8($0)] + [UInt8](repeating: 0, count: 7)
    }

    private var plan: WirePlan
    private var framer: WireFramer
    private var phase = Phase.mode
    private var isPedometer = false
    private var answer: [UInt8] = []
    private var command: [UInt8] = []
    private var tries = 0
    /// What is still to be asked, in order.
    private var todo: [[UInt8]] = []

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return [.setFeature(report: 0, [1, 1])]
        case .done where phase == .mode: return wake(1)
        case .received(let report): return received(report)
        case .timedOut: return timedOut()
        case .identified(let plan): return identified(plan)
        case .stored: return ended()
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func wake(_ tries: Int) -> [WireStep] {
        phase = .waking(tries: tries)
        answer = []
        return Self.wakeReports.map { .send($0) } + [.expect(plan.replyTimeout)]
    }

    private mutating func received(_ report: [UInt8]) -> [WireStep] {
        let busyBefore = framer.busyReports
        let parts = framer.take(report)
        if case .waking(let tries) = phase {
            if parts.first == [0x4F, 0x4B] {
                phase = .asking
                return isPedometer ? ask(Array("CNT00".utf8)) : ask(Array("VER00".utf8))
            }
            guard framer.busyReports > busyBefore else { return [] }
            return tries < Self.maximumTries ? wake(tries + 1) : [.broken("it does not wake")]
        }
        guard phase == .asking else { return [] }
        answer += parts.flatMap { $0 }
        return answered()
    }

    private mutating func timedOut() -> [WireStep] {
        if case .waking(let tries) = phase {
            return tries < Self.maximumTries ? wake(tries + 1) : [.broken("it does not wake")]
        }
        // A record of which only a part came is asked for again, never taken as it is.
        return again()
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        guard tries < Self.maximumTries else {
            return [
                .broken("no whole answer to \(String(decoding: command.prefix(3), as: UTF8.self))")
            ]
        }
        answer = []
        return sent(command)
    }

    private mutating func ask(_ command: [UInt8]) -> [WireStep] {
        self.command = command
        answer = []
        tries = 0
        return sent(command)
    }

    private func sent(_ command: [UInt8]) -> [WireStep] {
        stride(from: 0, to: command.count, by: 7).map { start in
            let part = command[start..<min(start + 7, command.count)]
            let padding = [UInt8](repeating: 0, count: 7 - part.count)
            return .send([UInt8(part.count)] + part + padding)
        } + [.expect(plan.replyTimeout)]
    }

    /// How long the answer to a command is; nil while that is not known yet.
    private var expected: Int? {
        switch String(decoding: command.prefix(3), as: UTF8.self) {
        case "VER": 15
        case "SRL": answer.count > 3 ? Int(answer[3]) + 5 : nil
        case "GDC", "CNT": 8
        case "GME": 17
        case "GTD": 25
        default: 2
        }
    }

    private mutating func answered() -> [WireStep] {
        if answer == [0x4E, 0x4F] { return again() }
        guard answer.count >= 2 else { return [] }
        guard answer.starts(with: [0x4F, 0x4B]) else { return again() }
        guard let expected, answer.count >= expected else { return [] }
        // More than was asked for, or another XOR: the whole answer counts for nothing.
        guard answer.count == expected, expected == 2 || answer[2...].reduce(0, ^) == 0 else {
            return again()
        }
        return understood(answer)
    }

    private mutating func understood(_ answer: [UInt8]) -> [WireStep] {
        let asked = String(decoding: command.prefix(3), as: UTF8.self)
        switch asked {
        case "VER":
            let text = answer[3..<answer.count - 1].filter { (32..<127).contains($0) }
            return [.identify(String(decoding: text, as: UTF8.self))]
        case "SRL":
            let serial = answer[4..<answer.count - 1].filter { $0 != 0 }
            return [.serial(String(decoding: serial, as: UTF8.self))] + counted()
        case "GDC":
            let count = Int(answer[5]) << 8 | Int(answer[6])
            todo = (0..<min(count, 256)).map { Self.record(UInt8($0)) }
            return next()
        case "CNT":
            todo = (0..<min(Int(answer[4]), 42)).map { Self.day(UInt8($0)) }
            return next()
        case "END": return [.complete]
        default: return [.message(answer, request: command)] + next()
        }
    }

    private mutating func identified(_ plan: WirePlan) -> [WireStep] {
        self.plan = plan
        isPedometer = plan.identity.contains("HJ")
        return ask(Array("SRL00".utf8))
    }

    /// After the serial number: a pedometer is woken again in its own mode.
    private mutating func counted() -> [WireStep] {
        guard isPedometer else { return ask(Array("GDC".utf8) + [0, 0, 0, 0, 0]) }
        phase = .mode
        return [.setFeature(report: 0, [1, 2])]
    }

    private mutating func next() -> [WireStep] {
        guard !todo.isEmpty else { return [.store] }
        return ask(todo.removeFirst())
    }

    /// All is on disk: only now it is told that the talk is over.
    private mutating func ended() -> [WireStep] { ask(Array("END".utf8) + [0xFF, 0xFF]) }

    private static func record(_ index: UInt8) -> [UInt8] {
        Array("GME".utf8) + [0, 0, 0, index, index]
    }

    private static func day(_ index: UInt8) -> [UInt8] {
        Array("GTD".utf8) + [0, 0, index, 4, index ^ 4]
    }
}
