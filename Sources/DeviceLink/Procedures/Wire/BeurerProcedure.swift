import DeviceProfile

/// Beurer cuffs: a greeting, how many records there are, then each of them by its number.
///
/// On USB each question is a report filled up with F4 and is answered by one report; on a serial line
/// they are single bytes, and a record has AC in front of it. Nothing is set and nothing erased.
struct BeurerProcedure: WireProcedure {
    private enum Byte {
        static let hello: UInt8 = 0xAA
        static let ready: UInt8 = 0x55
        static let count: UInt8 = 0xA2
        static let record: UInt8 = 0xA3
        static let none: UInt8 = 0xA9
        static let follows: UInt8 = 0xAC
        static let filling: UInt8 = 0xF4
    }
    private static let recordLength = 8
    private static let maximumTries = 4

    private let plan: WirePlan
    private var questions: [[UInt8]]
    private var asked: [UInt8] = []
    private var buffer: [UInt8] = []
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        // The name comes in four parts, on USB only; nothing goes on before they were asked for.
        let name: [UInt8] = plan.line == nil ? [0xA4, 0xA5, 0xA6, 0xA7] : []
        questions = ([Byte.hello] + name + [Byte.count]).map { [$0] }
    }

    private var isSerial: Bool { plan.line != nil }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return next()
        case .received(let bytes): return received(bytes)
        case .timedOut: return asked.isEmpty ? [] : again()
        case .stored:
            asked = []
            return (isSerial ? [] : [0xF7, 0xF6].map { step([$0]) }) + [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private func step(_ bytes: [UInt8]) -> WireStep {
        if isSerial { return .send(bytes) }
        let filling = [UInt8](repeating: Byte.filling, count: 8 - bytes.count)
        return .setOutput(report: 0, bytes + filling)
    }

    private mutating func next() -> [WireStep] {
        guard !questions.isEmpty else {
            asked = []
            return [.store]
        }
        asked = questions.removeFirst()
        tries = 0
        return sent()
    }

    private mutating func sent() -> [WireStep] {
        buffer = []
        return [step(asked), .expect(plan.replyTimeout)]
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        guard tries < Self.maximumTries else { return [.broken("the cuff does not answer")] }
        return sent()
    }

    private mutating func received(_ bytes: [UInt8]) -> [WireStep] {
        guard let question = asked.first else { return [] }
        guard isSerial else { return answered(question, bytes) }
        buffer += bytes
        switch (question, buffer.first) {
        case (Byte.record, Byte.none?): return next()
        case (Byte.record, Byte.follows?):
            guard buffer.count > Self.recordLength else { return [.expect(plan.replyTimeout)] }
            return [.message(Array(buffer[1...Self.recordLength]))] + next()
        case (Byte.hello, Byte.ready?): return next()
        case (Byte.count, _): return answered(question, buffer)
        default: return again()
        }
    }

    private mutating func answered(_ question: UInt8, _ answer: [UInt8]) -> [WireStep] {
        guard let first = answer.first, isSerial || answer.count == Self.recordLength else {
            return again()
        }
        switch question {
        case Byte.count:
            questions = (0..<Int(first)).map { [Byte.record, UInt8($0 + 1)] }
            return next()
        case Byte.record:
            let isNone = first == Byte.none && answer[1...].allSatisfy { $0 == Byte.filling }
            return (isNone ? [] : [.message(answer)]) + next()
        default: return next()
        }
    }
}
