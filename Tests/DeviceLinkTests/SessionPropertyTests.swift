import DeviceProfile
import Measurement
import Testing

@testable import DeviceLink

/// What a session machine keeps to whatever happens; the seed of a found case is the argument.
@Suite struct SessionPropertyTests {
    static let seeds = Array(UInt64(1)...60)

    @Test(arguments: seeds) func `no event in any order starts two operations or loses a frame`(
        seed: UInt64
    ) {
        for profile in [cuff, meter] {
            var run = RandomRun(profile, seed)
            for _ in 0..<150 where !run.machine.isFinished { run.happen() }
            run.end()
            #expect(run.violations == [])
            #expect(run.machine.isFinished)
            #expect(run.taken.sorted() == run.stored.sorted())
        }
    }

    @Test(arguments: seeds) func `after the end nothing is wanted any more`(seed: UInt64) {
        var run = RandomRun(cuff, seed)
        run.end()
        for _ in 0..<50 { run.happen() }
        #expect(run.violations == [])
        #expect(run.ends == 1)
    }

    @Test(arguments: seeds) func `a device that leaves again and again gives everything in the end`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        let frames = (0..<20).map { minute in
            pressureFrame(
                100 + minute,
                "\(tokyo.local(moment("2026-02-20T08:00:00") + .minutes(Int64(minute))))")
        }
        var peer = ScriptedPeer.cuff(frames)
        // A cuff sends what was not confirmed again; the one under way when it left comes twice.
        for session in 1...200 where !peer.pushed.isEmpty {
            peer.now = gateway(moment("2026-03-01T08:15:00") + .minutes(Int64(session)))
            peer.values[clockUUID] = DateTimeField.bytes(tokyo.local(peer.now.utc))
            peer.leavesAt = Int.random(in: 0..<10, using: &random)
            peer.run()
            if Bool.random(using: &random), let last = peer.given.last {
                peer.pushed.insert((pressureUUID, last), at: 0)
            }
        }
        #expect(peer.pushed.isEmpty)
        let keys = Set(peer.stored.map(\.key))
        #expect(keys.count == frames.count)
    }

    @Test(arguments: seeds) func `a meter that is cut off anywhere gives everything in the end`(
        seed: UInt64
    ) {
        var random = Seeded(seed)
        let count = Int.random(in: 1...30, using: &random)
        var peer = ScriptedPeer.meter(numbers: 1...count)
        for _ in 1...100 where peer.end != .complete {
            peer.leavesAt = Int.random(in: 0..<16, using: &random)
            peer.run()
        }
        peer.leavesAt = nil
        peer.run()
        #expect(Set(peer.stored.compactMap(\.reading.sequenceNumber)) == Set(1...count))
        #expect(peer.memory.nextSequence == count + 1)
    }
}

/// Random events against one machine, and what must never be seen.
struct RandomRun {
    var machine: SessionMachine
    var violations: [String] = []
    var ends = 0
    /// Frames that the machine was given, and frames in commits, with their receive times.
    var taken: [String] = []
    var stored: [String] = []
    private var random: Seeded
    private var pending: String?
    private var commits: [Int] = []
    private var now = Machines.now
    private var frames = 0
    private let uuids: [BluetoothUUID] = [
        clockUUID, pressureUUID, glucoseUUID, contextUUID, controlPoint, .modelNumber,
    ]

    init(_ profile: DeviceProfile, _ seed: UInt64) {
        machine = Machines.machine(profile)
        random = Seeded(seed)
        look(machine.start(), answering: nil)
    }

    /// One event: mostly an answer to what is under way, sometimes something else.
    mutating func happen() {
        now = gateway(now.utc + .milliseconds(100))
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: answer()
        case 4..<7: notify()
        case 7: if let commit = commits.first { settle(commit) }
        case 8: fire()
        default: stray()
        }
    }

    /// The link ends and the store answers what it was given.
    mutating func end() {
        give(.disconnected(byDevice: true, at: now))
        while let commit = commits.first { settle(commit) }
    }

    private mutating func settle(_ commit: Int) {
        commits.removeFirst()
        let isStored = Int.random(in: 0..<20, using: &random) > 0
        give(isStored ? .committed(commit, at: now) : .commitFailed(commit, at: now))
    }

    private mutating func answer() {
        guard let pending else { return stray() }
        let parts = pending.split(separator: " ").map(String.init)
        let uuid = parts.count > 1 ? BluetoothUUID(parts[1]) : nil
        let isFailure = Int.random(in: 0..<12, using: &random) == 0
        if isFailure { return fail(parts[0], uuid) }
        switch (parts[0], uuid) {
        case ("connect", _): give(.connected(bonded: Bool.random(using: &random), at: now))
        case ("bond", _): give(.bonded(at: now))
        case ("discover", _):
            let peer =
                machine.profile.deviceClass == .glucose
                ? ScriptedPeer.meter(numbers: []) : ScriptedPeer.cuff()
            give(.services(peer.services, at: now))
        case ("read", let uuid?): give(.value(uuid, randomBytes(), at: now, latency: .zero))
        case ("write", let uuid?), ("set", let uuid?): give(.written(uuid, at: now))
        case ("subscribe", let uuid?): give(.subscribed(uuid, at: now))
        default: break
        }
    }

    private mutating func fail(_ name: String, _ uuid: BluetoothUUID?) {
        let errors: [LinkError] = [
            .unreachable("x"), .disconnected("x"), .refused(att: 0x05, "x"),
            .refused(att: 0x80, "x"), .staleBond("x"), .doubtfulBond("x"), .stackFailed("x"),
            .pairingFailed("x"),
        ]
        let error = errors.randomElement(using: &random) ?? .unreachable("x")
        switch (name, uuid) {
        case ("connect", _): give(.connectFailed(error))
        case ("bond", _): give(.bondFailed(error))
        case ("discover", _): give(.servicesFailed(error))
        case ("read", let uuid?): give(.readFailed(uuid, error, at: now))
        case ("write", let uuid?), ("set", let uuid?): give(.writeFailed(uuid, error, at: now))
        case ("subscribe", let uuid?): give(.subscribeFailed(uuid, error, at: now))
        default: break
        }
    }

    private mutating func notify() {
        frames += 1
        let stamp = "2026-02-01T08:\(padded(frames / 60 % 60, 2)):\(padded(frames % 60, 2))"
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let code = UInt8.random(in: 0...9, using: &random)
            give(.notification(controlPoint, DeviceLinkTests.answer(code), at: now))
        case 1:
            let number = Int.random(in: 0..<max(1, frames), using: &random)
            give(.notification(contextUUID, contextFrame(number), at: now))
        default:
            let isMeter = machine.profile.deviceClass == .glucose
            let hasContext = Bool.random(using: &random)
            let frame =
                isMeter
                ? glucoseFrame(frames, stamp, context: hasContext)
                : pressureFrame(120, stamp)
            if !machine.isFinished { taken.append("\(now.utc.microseconds) \(frame)") }
            give(.notification(isMeter ? glucoseUUID : pressureUUID, frame, at: now))
        }
    }

    private mutating func fire() {
        let timers: [SessionTimer] = [.settle, .quiet, .response, .join]
        let timer = timers.randomElement(using: &random) ?? .settle
        // Patience that runs out every few events would end each session before it begins.
        if timer == .quiet || timer == .response, Int.random(in: 0..<5, using: &random) > 0 {
            return
        }
        give(.timer(timer, at: now))
    }

    /// An answer to something that nobody asked for.
    private mutating func stray() {
        let uuid = uuids.randomElement(using: &random) ?? clockUUID
        guard pending?.hasSuffix(" \(uuid)") != true else { return }
        switch Int.random(in: 0..<9, using: &random) {
        case 0: give(.written(uuid, at: now))
        case 1: give(.value(uuid, randomBytes(), at: now, latency: .zero))
        case 2: give(.readFailed(uuid, .disconnected("stray"), at: now))
        case 3: give(.writeFailed(uuid, .refused(att: 0x05, "stray"), at: now))
        case 4: give(.subscribed(uuid, at: now))
        case 5: give(.subscribeFailed(uuid, .refused(att: 0x03, "stray"), at: now))
        case 6: give(.committed(Int.random(in: 90...99, using: &random), at: now))
        case 7 where pending?.hasPrefix("bond") != true: give(.bonded(at: now))
        case 8 where pending != "discover": give(.services([], at: now))
        default: break
        }
    }

    private mutating func randomBytes() -> [UInt8] {
        if Bool.random(using: &random) { return dateTime("2026-03-01T08:09:00") }
        return (0..<Int.random(in: 0...8, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
    }

    private mutating func give(_ event: SessionEvent) {
        let wasFinished = machine.isFinished
        let answered = answers(event)
        let actions = machine.handle(event)
        if wasFinished, !actions.isEmpty { violations.append("an action after the end: \(event)") }
        if answered { pending = nil }
        look(actions, answering: event)
    }

    private func answers(_ event: SessionEvent) -> Bool {
        switch event {
        case .connected, .connectFailed: pending == "connect"
        case .bonded, .bondFailed: pending?.hasPrefix("bond") ?? false
        case .services, .servicesFailed: pending == "discover"
        case .value(let uuid, _, _, _), .readFailed(let uuid, _, _): pending == "read \(uuid)"
        case .written(let uuid, _), .writeFailed(let uuid, _, _):
            pending == "write \(uuid)" || pending == "set \(uuid)"
        case .subscribed(let uuid, _), .subscribeFailed(let uuid, _, _):
            pending == "subscribe \(uuid)"
        // A control point answers by an indication, be the write confirmed or not.
        case .notification(controlPoint, _, _): pending == "write \(controlPoint)"
        case .disconnected: true
        default: false
        }
    }

    private mutating func look(_ actions: [SessionAction], answering event: SessionEvent?) {
        for action in actions {
            switch action {
            case .connect, .bond, .discoverServices, .read, .write, .setClock, .subscribe:
                let name = ScriptedPeer.name(action)
                if let pending {
                    violations.append(
                        "\(name) while \(pending), after \(String(describing: event))")
                }
                pending = name
            case .commit(let commit):
                if !commits.isEmpty { violations.append("two commits under way") }
                commits.append(commit.number)
                for entry in commit.entries {
                    guard entry.reading.kind != nil, let frame = entry.frames.first else {
                        continue
                    }
                    stored.append("\(entry.received.utc.microseconds) \(frame.bytes)")
                }
            case .disconnect:
                // The link is told to end, and the end comes.
                pending = nil
            case .finished: ends += 1
            case .startTimer, .cancelTimer, .note: break
            }
        }
    }
}
