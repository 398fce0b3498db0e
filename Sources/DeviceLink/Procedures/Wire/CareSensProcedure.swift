import DeviceProfile
import Measurement

/// CareSens meters behind a HID bridge: woken, then serial number, clock, count and records by number.
///
/// Records come in parts of at most 27, without a checksum of their own: a part that has another
/// length than was asked for is none. The clock is read and never set.
struct CareSensProcedure: WireProcedure {
    private enum Question: Equatable {
        case wake
        case serial
        case clock
        case count
        case records(first: Int, count: Int)
    }
    private static let maximumTries = 4
    private static let recordsAtOnce = 27
    private static let maximumRecords = 2_000

    private let plan: WirePlan
    private var framer: WireFramer
    private var question = Question.wake
    private var count = 0
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return ask(.wake)
        case .received(let bytes):
            // Whatever it says to the first byte, it is awake.
            if question == .wake { return ask(.serial) }
            return framer.take(bytes).flatMap { received($0) }
        case .timedOut: return again("it does not answer")
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private mutating func ask(_ next: Question) -> [WireStep] {
        question = next
        tries = 0
        framer.reset()
        return sent()
    }

    private func sent() -> [WireStep] {
        let frame: [UInt8] =
            switch question {
            case .wake: [0x80]
            case .serial: CareSens.frame("RSNB")
            case .clock: CareSens.frame("RTIM")
            case .count: CareSens.frame("NCOT")
            case .records(let first, let count):
                CareSens.frame("GLUE", [UInt8(first >> 8), UInt8(first & 0xFF), UInt8(count)])
            }
        return [.send(frame), .expect(plan.replyTimeout)]
    }

    private mutating func again(_ why: String) -> [WireStep] {
        tries += 1
        framer.reset()
        guard tries < Self.maximumTries else { return [.broken("the meter: \(why)")] }
        return sent()
    }

    private mutating func received(_ frame: [UInt8]) -> [WireStep] {
        guard let (command, data) = try? CareSens.open(frame) else {
            return again("a frame with a wrong checksum")
        }
        switch (question, command) {
        case (.serial, "RSNB"):
            let text = data.prefix { (33..<127).contains($0) }
            return [.serial(String(decoding: text, as: UTF8.self))] + ask(.clock)
        case (.clock, "RTIM"):
            let clock = CareSens.time(data).map { WireStep.clock($0) }
            return [clock ?? .note(.clockUnreadable("an impossible time"))] + ask(.count)
        case (.count, "NCOT"):
            guard data.count >= 2 else { return again("a count that is none") }
            count = min(Int(data[0]) << 8 | Int(data[1]), Self.maximumRecords)
            return next(after: 0)
        case (.records(let first, let asked), "GLUE"):
            guard data.count == asked * CareSens.recordLength else {
                return again("another number of records than was asked for")
            }
            let records = stride(from: 0, to: data.count, by: CareSens.recordLength).map {
                Array(data[$0..<$0 + CareSens.recordLength])
            }
            return [.messages(records)] + next(after: first + asked - 1)
        default: return again("the meter says \(command)")
        }
    }

    private mutating func next(after last: Int) -> [WireStep] {
        guard last < count else { return [.store] }
        return ask(.records(first: last + 1, count: min(Self.recordsAtOnce, count - last)))
    }
}
