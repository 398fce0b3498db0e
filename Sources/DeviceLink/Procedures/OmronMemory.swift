import DeviceProfile
import Measurement

/// Reads the memory of an Omron device: unlock, start, clock, the rings of all users, end.
///
/// It never erases, and of the settings it writes the clock alone, where the profile gives its place.
/// Every slot of every ring is read in every session: a ring has no oldest slot, and what is known
/// already has the same key. A session that is broken off goes on at its slot the next time.
struct OmronMemory: SessionProcedure {
    enum State: Equatable {
        case subscribing(left: [BluetoothUUID])
        case unlocking
        /// `02` was written: the device is to say that it takes a key.
        case preparingKey
        case writingKey
        case starting
        case readingClock
        case readingRecords(OmronRead)
        case settingClock
        case ending
        case over
    }

    let plan: OmronMemoryPlan
    var lock = OmronMemoryPlan.Unlock.none
    var state = State.over
    var memory: OmronMemoryPlan.Memory?
    var reads: OmronReads?
    var channels: OmronChannels
    /// Pieces of a command that are not written yet.
    private var outgoing: [(BluetoothUUID, [UInt8])] = []
    private var command: [(BluetoothUUID, [UInt8])] = []
    private var triesLeft = 0
    private var askedAt: Int64 = 0
    var clockBlock: [UInt8] = []
    /// What came of a record that is longer than a block.
    var record: [UInt8] = []
    /// Bytes that the device sends back; they are no secret and prove nothing.
    static let token: [UInt8] = [0x68, 0x61, 0x6B, 0x61]
    /// A clock that is wrong by less is left alone: its memory is not written for nothing.
    static let leastOffset = Interval.seconds(30)

    init(_ plan: OmronMemoryPlan) {
        self.plan = plan
        channels = OmronChannels(count: plan.channels)
    }

    func listens(to uuid: BluetoothUUID) -> Bool {
        uuid == OmronChannels.unlock || channels.receiving.contains(uuid)
    }

    mutating func start(_ situation: ProcedureSituation) -> [ProcedureAction] {
        guard let memory = plan.memory(of: situation.model) else {
            let models = plan.memories.flatMap(\.models).joined(separator: ", ")
            return over(
                .needsPerson("the configuration must name the device's model, one of \(models)"))
        }
        lock = memory.unlock ?? plan.unlock
        if lock == .key, situation.owner.key?.count != 16 {
            return over(
                .needsPerson("the device needs a key of 16 bytes of its owner in the configuration")
            )
        }
        self.memory = memory
        reads = OmronReads(memory, block: plan.block, from: situation.cursor)
        // The first subscription makes the device ask for its bond.
        var wanted = Array(channels.receiving)
        if lock != .none { wanted.append(OmronChannels.unlock) }
        state = .subscribing(left: Array(wanted.dropFirst()))
        return wanted.first.map { [.subscribe($0)] } ?? over(.failed("it has no channels"))
    }

    mutating func handle(
        _ event: ProcedureEvent, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch event {
        case .subscribed: return subscribed(situation)
        case .written: return written()
        case .elsewhere: return []
        case .refused(_, let error): return refused(error, situation)
        case .value(let uuid, let bytes):
            if uuid == OmronChannels.unlock { return unlockAnswered(bytes, situation) }
            guard let whole = channels.take(uuid, bytes) else { return [] }
            return took(whole, situation)
        case .timeout: return again("it did not answer", situation)
        }
    }

    private mutating func subscribed(_ situation: ProcedureSituation) -> [ProcedureAction] {
        guard case .subscribing(let left) = state else { return [] }
        if let next = left.first {
            state = .subscribing(left: Array(left.dropFirst()))
            return [.subscribe(next)]
        }
        return unlock(situation)
    }

    private mutating func refused(
        _ error: LinkError, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        if case .noSuchCharacteristic(OmronChannels.unlock) = error, lock == .token,
            case .subscribing = state
        {
            // Some models of a family have no lock.
            return ask(.starting, OmronFrame.request(.start, count: 0x10), situation.now)
        }
        return over(.failed(error.summary))
    }

    // MARK: questions

    /// Writes a command; the answer is waited for once all of its pieces are written.
    mutating func ask(
        _ next: State, _ bytes: [UInt8], _ now: GatewayTime
    ) -> [ProcedureAction] {
        put(next, channels.split(bytes), now)
    }

    mutating func put(
        _ next: State, _ pieces: [(BluetoothUUID, [UInt8])], _ now: GatewayTime
    ) -> [ProcedureAction] {
        state = next
        triesLeft = plan.tries - 1
        command = pieces
        return send(now)
    }

    private mutating func send(_ now: GatewayTime) -> [ProcedureAction] {
        askedAt = now.monotonicNanoseconds
        channels.clear()
        outgoing = Array(command.dropFirst())
        return command.first.map { [.write($0.0, $0.1), .await(plan.timeout)] } ?? []
    }

    private mutating func written() -> [ProcedureAction] {
        guard !outgoing.isEmpty else { return [] }
        let next = outgoing.removeFirst()
        return [.write(next.0, next.1)]
    }

    /// The same question once more, unless it was asked often enough.
    mutating func again(_ why: String, _ situation: ProcedureSituation) -> [ProcedureAction] {
        guard state != .over else { return [] }
        if state == .ending { return over(.finished) }
        guard triesLeft > 0 else { return over(.failed("\(doing): \(why)")) }
        triesLeft -= 1
        return [.note(.refused(step: "omron-memory", "\(doing): \(why); asked again"))]
            + send(situation.now)
    }

    mutating func over(_ end: ProcedureAction) -> [ProcedureAction] {
        state = .over
        return [.stopWaiting, end]
    }

    func latency(_ now: GatewayTime) -> Interval {
        Interval(microseconds: max(0, now.monotonicNanoseconds - askedAt) / 1_000)
    }

    private var doing: String {
        switch state {
        case .subscribing, .over: "the session"
        case .unlocking: "the unlock"
        case .preparingKey, .writingKey: "the pairing of the key"
        case .starting: "the start"
        case .readingClock: "the clock"
        case .readingRecords(let read): "the memory at 0x" + String(read.address, radix: 16)
        case .settingClock: "the setting of the clock"
        case .ending: "the end"
        }
    }
}
