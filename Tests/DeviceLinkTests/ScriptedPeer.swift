import DeviceProfile
import Measurement

@testable import DeviceLink

/// A device, a radio and a store in one: it answers what a session machine wants, with no I/O.
///
/// What the device pushes comes when the session has nothing else to do. Time goes on by a tenth
/// of a second with every action.
struct ScriptedPeer {
    /// What a device does when records are asked for: the frames that it sends, one by one.
    typealias Requested = (_ request: [UInt8]) -> [(BluetoothUUID, [UInt8])]

    var profile: DeviceProfile
    var device = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"))
    /// What is known of the device, and stays known from session to session.
    var memory = DeviceMemory()
    var now: GatewayTime
    var isBonded = true
    var services: [GATTService]
    var values: [BluetoothUUID: [UInt8]] = [:]
    /// Errors by the name of the action, such as `read 2a08`.
    var errors: [String: LinkError] = [:]
    var pushed: [(BluetoothUUID, [UInt8])] = []
    var requested: Requested = { _ in [] }
    /// What the device says to any write: the frames that it sends, one by one.
    var says: (BluetoothUUID, [UInt8]) -> [(BluetoothUUID, [UInt8])] = { _, _ in [] }
    var owner = DeviceOwner()
    /// The device is gone instead of answering this action (counted from 0) or giving this frame.
    var leavesAt: Int?
    /// Commits that the store does not take.
    var refusedCommits: Set<Int> = []
    /// The device ends the session when it has given all.
    var leavesWhenDone = true
    var latency = Interval.zero

    private(set) var log: [String] = []
    private(set) var notes: [SessionNote] = []
    private(set) var stored: [SessionEntry] = []
    private(set) var kept: [SessionEntry] = []
    /// Frames that reached the gateway, in order.
    private(set) var given: [[UInt8]] = []
    private(set) var written: [(BluetoothUUID, [UInt8])] = []
    private(set) var end: SessionEnd?
    private(set) var steps = 0

    private var machine: SessionMachine?
    private var actions: [SessionAction] = []
    private var answers: [(BluetoothUUID, [UInt8])] = []
    private var timers: [SessionTimer: Instant] = [:]
    private var isGone = false

    init(_ profile: DeviceProfile, at time: String, _ characteristics: [String: String]) {
        self.profile = profile
        now = gateway(moment(time))
        services = [
            GATTService(
                uuid: BluetoothUUID(0x1810),
                characteristics: characteristics.sorted { $0.key < $1.key }.compactMap {
                    name, text in
                    let properties = text.split(separator: " ").compactMap {
                        GATTCharacteristic.Property(rawValue: String($0))
                    }
                    return BluetoothUUID(name).map {
                        GATTCharacteristic(uuid: $0, properties: Set(properties))
                    }
                })
        ]
    }

    /// Runs one session from its start to its end; what the device still has stays for the next.
    mutating func run() {
        begin()
        while end == nil { oneThing() }
    }

    private mutating func begin() {
        (log, notes, given, written) = ([], [], [], [])
        (end, steps, isGone, answers, timers) = (nil, 0, false, [], [:])
        machine = SessionMachine(
            profile: profile, device: device, memory: memory, zone: tokyo, simulated: false,
            now: now, owner: owner)
        actions = machine?.start() ?? []
    }

    private mutating func oneThing() {
        if !actions.isEmpty {
            perform(actions.removeFirst())
        } else if !answers.isEmpty, !isGone {
            let next = answers.removeFirst()
            give(next)
        } else if !pushed.isEmpty, !isGone, machine?.phase == .draining {
            give(pushed[0])
            if !isGone { pushed.removeFirst() }
        } else if !isGone, leavesWhenDone, machine?.phase == .draining {
            isGone = true
            feed(.disconnected(byDevice: true, at: now))
        } else if let timer = timers.min(by: { $0.value < $1.value }) {
            timers[timer.key] = nil
            now = gateway(max(now.utc, timer.value))
            feed(.timer(timer.key, at: now))
        } else {
            end = .interrupted("the peer found nothing to do")
        }
    }

    private mutating func give(_ frame: (BluetoothUUID, [UInt8])) {
        if leaves() { return }
        given.append(frame.1)
        feed(.notification(frame.0, frame.1, at: now))
    }

    /// The device vanishes at the step it was told to vanish at.
    private mutating func leaves() -> Bool {
        defer { steps += 1 }
        guard steps == leavesAt else { return false }
        isGone = true
        log.append("left")
        feed(.disconnected(byDevice: true, at: now))
        return true
    }

    private mutating func feed(_ event: SessionEvent) {
        actions += machine?.handle(event) ?? []
    }

    private mutating func tick() {
        let later = now.utc + .milliseconds(100)
        now = gateway(later, synchronised: now.synchronised)
    }

    // MARK: actions

    private mutating func perform(_ action: SessionAction) {
        tick()
        switch action {
        case .commit(let commit): store(commit)
        case .startTimer(let timer, let length): timers[timer] = now.utc + length
        case .cancelTimer(let timer): timers[timer] = nil
        case .note(let note): notes.append(note)
        case .finished(let end):
            log.append("finished")
            self.end = end
        case .disconnect:
            log.append("disconnect")
            feed(.disconnected(byDevice: false, at: now))
        default: operate(action)
        }
    }

    private mutating func store(_ commit: SessionCommit) {
        log.append("commit \(commit.entries.count)")
        if refusedCommits.contains(commit.number) {
            kept += commit.entries
            return feed(.commitFailed(commit.number, at: now))
        }
        stored += commit.entries
        memory = commit.memory
        feed(.committed(commit.number, at: now))
    }

    private mutating func operate(_ action: SessionAction) {
        let name = Self.name(action)
        log.append(name)
        if leaves() {
            // The link's own answer to what was under way comes late, or not at all.
            return fail(action, .disconnected("gone"))
        }
        if isGone { return fail(action, .disconnected("gone")) }
        if let error = errors[name] { return fail(action, error) }
        switch action {
        case .connect: feed(.connected(bonded: isBonded, at: now))
        case .bond:
            isBonded = true
            feed(.bonded(at: now))
        case .discoverServices: feed(.services(services, at: now))
        case .read(let uuid):
            guard let value = values[uuid] else {
                return fail(action, .refused(att: 0x02, "not readable"))
            }
            feed(.value(uuid, value, at: now, latency: latency))
        case .write(let uuid, let bytes):
            written.append((uuid, bytes))
            feed(.written(uuid, at: now))
            if uuid == controlPoint { answers += requested(bytes) }
            answers += says(uuid, bytes)
        case .setClock(let uuid, let zone):
            written.append((uuid, machine?.clockBytes(zone, at: now) ?? []))
            values[uuid] = written.last?.1
            feed(.written(uuid, at: now))
        case .subscribe(let uuid): feed(.subscribed(uuid, at: now))
        default: break
        }
    }

    private mutating func fail(_ action: SessionAction, _ error: LinkError) {
        switch action {
        case .connect: feed(.connectFailed(error))
        case .bond: feed(.bondFailed(error))
        case .discoverServices: feed(.servicesFailed(error))
        case .read(let uuid): feed(.readFailed(uuid, error, at: now))
        case .write(let uuid, _), .setClock(let uuid, _):
            feed(.writeFailed(uuid, error, at: now))
        case .subscribe(let uuid): feed(.subscribeFailed(uuid, error, at: now))
        default: break
        }
    }

    static func name(_ action: SessionAction) -> String {
        switch action {
        case .connect: "connect"
        case .bond(let method): "bond \(method.rawValue)"
        case .discoverServices: "discover"
        case .read(let uuid): "read \(uuid)"
        case .write(let uuid, _): "write \(uuid)"
        case .setClock(let uuid, _): "set \(uuid)"
        case .subscribe(let uuid): "subscribe \(uuid)"
        case .commit(let commit): "commit \(commit.entries.count)"
        case .startTimer(let timer, _): "timer \(timer)"
        case .cancelTimer(let timer): "cancel \(timer)"
        case .disconnect: "disconnect"
        case .note: "note"
        case .finished: "finished"
        }
    }
}

extension ScriptedPeer {
    /// A cuff whose clock is six minutes slow at a quarter past eight.
    static func cuff(
        _ frames: [[UInt8]] = [], clock: String = "2026-03-01T08:09:00",
        at time: String = "2026-03-01T08:15:00"
    ) -> ScriptedPeer {
        var peer = ScriptedPeer(
            DeviceLinkTests.cuff, at: time, ["2a08": "read write", "2a35": "indicate"])
        peer.values[clockUUID] = dateTime(clock)
        peer.pushed = frames.map { (pressureUUID, $0) }
        return peer
    }

    /// A glucose meter with records in its memory, numbers as given; it knows "from this number on".
    static func meter(_ frames: [(number: Int, frames: [(BluetoothUUID, [UInt8])])])
        -> ScriptedPeer
    {
        var peer = ScriptedPeer(
            DeviceLinkTests.meter, at: "2026-03-01T08:15:00",
            ["2a18": "notify", "2a34": "notify", "2a52": "write indicate"])
        peer.requested = { request in
            let from = request.count == 5 ? Int(request[3]) | Int(request[4]) << 8 : 0
            let wanted = frames.filter { $0.number >= from }.flatMap(\.frames)
            return wanted + [(controlPoint, answer(wanted.isEmpty ? 6 : 1))]
        }
        return peer
    }

    /// Records of one frame each, a minute apart.
    static func meter(numbers: some Sequence<Int>) -> ScriptedPeer {
        meter(
            numbers.map { number in
                let stamp = tokyo.local(moment("2026-02-01T08:00:00") + .minutes(Int64(number)))
                return (number, [(glucoseUUID, glucoseFrame(number, "\(stamp)"))])
            })
    }

    /// What was done, without commits and bookkeeping.
    var operations: [String] { log.filter { !$0.hasPrefix("commit") && $0 != "finished" } }

    /// The time that each stored measurement got, by its systolic value or its number.
    var times: [String] {
        stored.compactMap { entry in
            guard let record = entry.record else { return nil }
            let name =
                record.sequenceNumber.map { "#\($0)" }
                ?? record.quantity(.systolic)?.number?.text ?? "?"
            let time = record.time.map { "\(TimeResolution.second.cut(tokyo.local($0.observed)))" }
            return "\(name) \(time ?? record.quarantine?.rawValue ?? "?")"
        }
    }
}
