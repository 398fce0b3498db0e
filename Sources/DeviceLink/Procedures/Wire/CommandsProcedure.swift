import DeviceProfile
import Measurement

/// A device that answers the profile's commands with lines: each is sent in turn, once.
///
/// An answer is over when nothing more has come for a while. The whole memory comes every time, so what
/// a session did not get whole, the next one gets.
struct CommandsProcedure: WireProcedure {
    private static let maximumTries = 3
    private static let quiet = Interval.milliseconds(800)

    private let plan: WirePlan
    private var framer: WireFramer
    private var todo: [[UInt8]]
    private var current: [UInt8] = []
    private var messages = 0
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
        todo = plan.commands.filter { !$0.isForbidden }.map(\.bytes)
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return next()
        case .received(let bytes): return received(bytes)
        case .timedOut: return messages > 0 ? [] : again()
        case .paused:
            guard messages > 0 else { return [] }
            // A line that was begun and never ended is not joined with the next answer.
            framer.reset()
            return next()
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func next() -> [WireStep] {
        messages = 0
        tries = 0
        guard !todo.isEmpty else {
            current = []
            return [.store]
        }
        current = todo.removeFirst()
        return [.send(current), .expect(plan.replyTimeout)]
    }

    private mutating func again() -> [WireStep] {
        guard !current.isEmpty else { return [] }
        tries += 1
        framer.reset()
        guard tries < Self.maximumTries else { return [.broken("the device does not answer")] }
        return [.send(current), .expect(plan.replyTimeout)]
    }

    private mutating func received(_ bytes: [UInt8]) -> [WireStep] {
        guard !current.isEmpty else { return [] }
        let lines = framer.take(bytes)
        messages += lines.count
        let steps = lines.map { WireStep.message($0, request: current) }
        return messages > 0 ? steps + [.pause(Self.quiet)] : [.expect(plan.replyTimeout)]
    }
}
