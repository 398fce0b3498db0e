import DeviceProfile

/// A cuff behind the JPI bridge: one command, one dump of both users.
struct JPIProcedure: WireProcedure {
    private let plan: WirePlan
    private var framer: WireFramer
    private var tries = 0

    init(_ plan: WirePlan) {
        self.plan = plan
        framer = WireFramer(plan.framing)
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened: return ask()
        case .timedOut: return again()
        case .received(let bytes):
            guard let dump = framer.take(bytes).first else { return [.expect(plan.replyTimeout)] }
            return [.message(dump), .store]
        case .stored: return [.complete]
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private func ask() -> [WireStep] {
        guard let command = plan.command("memory") else {
            return [.broken("the profile has no command 'memory'")]
        }
        return [.send(command), .expect(plan.replyTimeout)]
    }

    private mutating func again() -> [WireStep] {
        tries += 1
        framer.reset()
        return tries < 3 ? ask() : [.broken("the cuff does not answer")]
    }
}
