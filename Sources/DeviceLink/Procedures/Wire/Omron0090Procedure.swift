import DeviceProfile

/// Omron 0590:0090: the memory of both users in blocks of 40 bytes from 0x02AC on.
struct Omron0090Procedure: WireProcedure {
    private static let start = 0x02AC
    private static let block = 0x28
    private static let record = 14
    private let plan: WirePlan
    private var address = start
    private var memory: [UInt8] = []
    private var isReading = false
    private var isEnding = false
    private var tries = 0
    /// Two users with the slots of the largest model; the device says where its memory ends.
    private static let maximum = 2 * 100 * record

    init(_ plan: WirePlan) { self.plan = plan }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return send("init")
        case .timedOut: return again()
        case .received(let reply): return received(reply)
        case .stored:
            isEnding = true
            return send("done")
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private func send(_ name: String) -> [WireStep] {
        guard let command = plan.command(name) else {
            return [.broken("the profile has no command '\(name)'")]
        }
        return [.send(command), .expect(plan.replyTimeout)]
    }

    private func read() -> [WireStep] {
        var command: [UInt8] = [
            2, 8, 1, 0, UInt8(address >> 8), UInt8(address & 0xFF), UInt8(Self.block), 0,
        ]
        command.append(command[1...].reduce(0, ^))
        return [.send(command), .expect(plan.replyTimeout)]
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        if isEnding { return [.complete] }
        guard tries < 3 else {
            return [.needsPerson("it does not answer: press its START/STOP key")]
        }
        return isReading ? read() : send("init")
    }

    private mutating func received(_ reply: [UInt8]) -> [WireStep] {
        if isEnding { return [.complete] }
        if !isReading {
            isReading = true
            tries = 0
            return read()
        }
        guard reply.count >= 7 + Self.block else { return again() }
        tries = 0
        memory += reply[7..<7 + Self.block]
        address += Self.block
        // Where the second user's slots begin depends on the model: all of the memory is read.
        return memory.count < Self.maximum ? read() : messages()
    }

    private func messages() -> [WireStep] {
        stride(from: 0, to: memory.count - Self.record + 1, by: Self.record).compactMap { start in
            let record = Array(memory[start..<start + Self.record])
            return record.allSatisfy { $0 == 0xFF } ? nil : .message(record)
        } + [.store]
    }
}
