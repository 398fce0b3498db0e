import DeviceProfile

/// SD CodeFree meters: the meter begins when it is turned on, then hands out record by record.
///
/// A fetch takes the next record, whether or not the last one came whole: what went wrong is read
/// anew the next time the meter is turned on. Between two talks the session waits for the meter.
struct CodeFreeProcedure: WireProcedure {
    private enum Phase: Equatable {
        case waiting
        case counting
        case reading(left: Int)
        case storing
    }
    private static let fetch: [UInt8] = [0x10, 0x60]
    private static let maximumRecords = 1_000

    private let plan: WirePlan
    private var framer: WireFramer
    private var phase = Phase.waiting

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
    }

    var isAtRest: Bool { phase == .waiting }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .received(let bytes): return framer.take(bytes).flatMap { received($0) }
        case .timedOut: return phase == .waiting ? [] : broken("it does not answer")
        // A fetch behind the last record ends the talk.
        case .stored:
            phase = .waiting
            return [.send(Self.frame(Self.fetch))]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    /// `53`, direction to the meter, length, message, XOR of the message, `AA`.
    static func frame(_ message: [UInt8]) -> [UInt8] {
        [0x53, 0x10, UInt8(message.count + 2)] + message + [message.reduce(0, ^), 0xAA]
    }

    private func broken(_ why: String) -> [WireStep] { [.broken("the meter: \(why)")] }

    private mutating func received(_ frame: [UInt8]) -> [WireStep] {
        guard frame.count >= 6, frame.last == 0xAA, frame[1] == 0x20,
            frame[3..<frame.count - 2].reduce(0, ^) == frame[frame.count - 2]
        else {
            return phase == .waiting
                ? [.note(.refused(step: "framing", "\(frame.count) bytes that are no frame"))]
                : broken("a frame with a wrong checksum")
        }
        let message = Array(frame[3..<frame.count - 2])
        switch (phase, message[0]) {
        case (_, 0x10) where message == [0x10, 0x30]:
            phase = .counting
            return [.send(Self.frame([0x10, 0x40])), .expect(plan.replyTimeout)]
        case (.counting, 0x30) where message.count >= 3:
            let count = Int(message[1]) << 8 | Int(message[2])
            phase = .reading(left: min(count, Self.maximumRecords))
            return next()
        case (.reading(let left), 0x20) where message.count == 17:
            phase = .reading(left: left - 1)
            return [.message(frame)] + next()
        case (.waiting, _): return []
        default: return broken("another answer than was asked for")
        }
    }

    private mutating func next() -> [WireStep] {
        guard case .reading(1...) = phase else {
            phase = .storing
            return [.store]
        }
        return [.send(Self.frame(Self.fetch)), .expect(plan.replyTimeout)]
    }
}
