import DeviceProfile
import Measurement

/// Abbott readers: a greeting, then text commands in typed reports, replies with checksum and status.
struct AbbottProcedure: WireProcedure {
    private let plan: WirePlan
    private var framer: WireFramer
    private var commands: [WirePlan.Command]
    private var current: WirePlan.Command?
    private var greetings: Set<UInt8> = []
    private var text: [UInt8] = []
    private var date: [Int] = []
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
        commands = [Self.date, Self.time] + plan.commands.filter { !$0.isForbidden }
    }

    private static let date = WirePlan.Command(name: "date", bytes: Array("$date?\r\n".utf8))
    private static let time = WirePlan.Command(name: "time", bytes: Array("$time?\r\n".utf8))
    /// The profile's command of this name asks who the reader is; the others are lists.
    private static let serial = "serial number"

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened:
            return [0x04, 0x05, 0x15].map { report($0, []) } + [.expect(plan.replyTimeout)]
        case .received(let bytes): return framer.take(bytes).flatMap { received($0) }
        case .timedOut: return again()
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private func report(_ type: UInt8, _ data: [UInt8]) -> WireStep {
        let bytes = [type, UInt8(data.count)] + data
        return .setOutput(report: 0, bytes + [UInt8](repeating: 0, count: max(0, 64 - bytes.count)))
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        text = []
        guard tries < 3, let current else { return [.broken("the reader does not answer")] }
        return [report(0x60, current.bytes), .expect(plan.replyTimeout)]
    }

    private mutating func next() -> [WireStep] {
        guard !commands.isEmpty else { return [.store] }
        let command = commands.removeFirst()
        current = command
        text = []
        tries = 0
        return [report(0x60, command.bytes), .expect(plan.replyTimeout)]
    }

    private mutating func received(_ report: [UInt8]) -> [WireStep] {
        guard let type = report.first else { return [] }
        let data = Array(report.dropFirst())
        switch type {
        case 0x60:
            text += data
            guard text.count < 1 << 20 else { return [.broken("a reply without an end")] }
            return AbbottText.isWhole(text) ? replied() : [.expect(plan.replyTimeout)]
        case 0x06, 0x34, 0x35: return greeted(type, data)
        case 0x30 where data.first == 0x85: return [.broken("the reader reports an error")]
        // 22 says nothing.
        default: return []
        }
    }

    private mutating func greeted(_ type: UInt8, _ data: [UInt8]) -> [WireStep] {
        guard current == nil, greetings.insert(type).inserted else { return [] }
        let shown = String(decoding: data.filter { (32..<127).contains($0) }, as: UTF8.self)
        var steps: [WireStep] = []
        if type == 0x06, !shown.hasPrefix("00000000") { steps.append(.serial(shown)) }
        if type == 0x35 { steps.append(.firmware(shown)) }
        guard greetings.count == 3 else { return steps }
        return steps + [report(0x01, [])] + next()
    }

    private mutating func replied() -> [WireStep] {
        guard let body = try? AbbottText.body(text) else { return again() }
        switch current?.name {
        case Self.date.name:
            date = numbers(body)
            return next()
        case Self.time.name: return clock(numbers(body)) + next()
        case Self.serial:
            let shown = body.prefix { (33..<127).contains($0) }
            return [.serial(String(decoding: shown, as: UTF8.self))] + next()
        default:
            guard let records = try? AbbottText.list(body) else { return again() }
            return [.messages(records)] + next()
        }
    }

    private func numbers(_ body: [UInt8]) -> [Int] {
        body.prefix { $0 != 13 && $0 != 10 }.split(separator: 44).compactMap {
            Int(String(decoding: $0, as: UTF8.self))
        }
    }

    /// Month, day, year and hour, minute; 255 is a clock that was lost.
    private func clock(_ time: [Int]) -> [WireStep] {
        guard date.count >= 3, time.count >= 2,
            let now = LocalDateTime(
                year: 2_000 + date[2], month: date[0], day: date[1], hour: time[0],
                minute: time[1])
        else { return [.note(.clockUnreadable("the reader has lost its clock"))] }
        return [.clock(now)]
    }
}
