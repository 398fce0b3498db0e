import DeviceProfile

/// LifeScan meters on a serial line: clock, serial number, count, then record by record.
///
/// OneTouch Ultra Mini and Ultra Easy number and acknowledge packets in the link byte; the Verio IQ
/// answers each packet with one. A talk that stumbles begins anew at the question it was at: which
/// packet was the last to get through is then known again. Nothing is erased, no clock is set.
struct LifeScanLineProcedure: WireProcedure {
    private enum Question: Equatable {
        case serial
        case clock
        case count
        case record(Int)
    }
    /// The bits of the link byte.
    private enum Link {
        static let sent: UInt8 = 0x01
        static let expected: UInt8 = 0x02
        static let acknowledge: UInt8 = 0x04
        static let disconnect: UInt8 = 0x08
    }
    private static let maximumTries = 6
    private static let maximumRecords = 2_000

    private let plan: WirePlan
    private let isLinked: Bool
    private var framer: WireFramer
    private var question = Question.serial
    private var isConnected = false
    private var isAcknowledged = false
    private var isOver = false
    private var sent = false
    private var expected = false
    private var count = 0
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        isLinked = plan.procedure == .lifescanLink
        framer = WireFramer(plan.framing)
        isConnected = !isLinked
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return begin()
        case .received(let bytes):
            return framer.take(bytes).flatMap { isOver ? [] : received($0) }
        case .timedOut: return isOver ? [] : again("it does not answer")
        case .stored:
            isOver = true
            return (isLinked ? [.send(LifeScan.packet(link: Link.disconnect, []))] : [])
                + [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    // MARK: the link

    private mutating func begin() -> [WireStep] {
        guard isLinked else { return asked() }
        isConnected = false
        return [
            .send(LifeScan.packet(link: Link.disconnect, [])), .expect(plan.replyTimeout),
        ]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        tries += 1
        framer.reset()
        guard tries < Self.maximumTries else { return [.broken("the meter: \(why)")] }
        return begin()
    }

    private var link: UInt8 {
        isLinked ? (sent ? Link.sent : 0) | (expected ? Link.expected : 0) : 0
    }

    private mutating func received(_ packet: [UInt8]) -> [WireStep] {
        guard let (link, body) = try? LifeScan.open(packet) else {
            return again("a packet with a wrong checksum")
        }
        guard isLinked else { return answered(body, packet) }
        if link & Link.disconnect != 0 {
            guard !isConnected else { return again("it hung up") }
            isConnected = true
            (sent, expected) = (false, false)
            return asked()
        }
        guard isConnected else { return [] }
        if link & Link.acknowledge != 0 {
            if !isAcknowledged { sent.toggle() }
            isAcknowledged = true
            return [.expect(plan.replyTimeout)]
        }
        guard (link & Link.sent != 0) == expected else {
            // It missed the acknowledgement of the packet before, and sends that again.
            return [acknowledgement, .expect(plan.replyTimeout)]
        }
        // An answer says that the question came through, too.
        if !isAcknowledged { sent.toggle() }
        expected.toggle()
        return [acknowledgement] + answered(body, packet)
    }

    private var acknowledgement: WireStep {
        .send(LifeScan.packet(link: link | Link.acknowledge, []))
    }

    // MARK: questions and answers

    private var body: [UInt8] {
        switch (question, isLinked) {
        case (.serial, true): [5, 0x0B, 2, 0, 0, 0, 0, 0x84, 0x6A, 0xE8, 0x73, 0]
        case (.clock, true): [5, 0x20, 2, 0, 0, 0, 0]
        // One past the last record that there can be: the answer is the count.
        case (.count, true): [5, 0x1F, 0xF5, 0x01]
        case (.record(let index), true): [5, 0x1F, UInt8(index & 0xFF), UInt8(index >> 8)]
        case (.serial, false): [3, 0x0B, 1, 2]
        case (.clock, false): [3, 0x20, 2]
        case (.count, false): [3, 0x27, 0]
        case (.record(let index), false): [3, 0x21, UInt8(index & 0xFF), UInt8(index >> 8)]
        }
    }

    private mutating func ask(_ next: Question) -> [WireStep] {
        question = next
        tries = 0
        return asked()
    }

    private mutating func asked() -> [WireStep] {
        isAcknowledged = false
        return [.send(LifeScan.packet(link: link, body)), .expect(plan.replyTimeout)]
    }

    private mutating func answered(_ body: [UInt8], _ packet: [UInt8]) -> [WireStep] {
        guard body.count >= 2, body[0] == self.body[0], body[1] == 6 else {
            return again("an answer that is none")
        }
        let data = Array(body[2...])
        switch question {
        case .serial:
            let text = data.prefix { (33..<127).contains($0) }
            return [.serial(String(decoding: text, as: UTF8.self))] + ask(.clock)
        case .clock:
            guard data.count == 4 else { return again("a clock that is none") }
            let clock: WireStep =
                switch LifeScan.clock(data, prefix: body[0]) {
                case .known(let now): .clock(now)
                default: .note(.clockUnreadable("the meter's clock was never set"))
                }
            return [clock] + ask(.count)
        case .count:
            guard data.count >= 2 else { return again("a count that is none") }
            count = min(Int(data[0]) | Int(data[1]) << 8, Self.maximumRecords)
            return count > 0 ? ask(.record(0)) : [.store]
        case .record(let index):
            let message = WireStep.message(packet, request: self.body)
            return [message] + (index + 1 < count ? ask(.record(index + 1)) : [.store])
        }
    }
}
