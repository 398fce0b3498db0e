package import DeviceProfile
package import Measurement

/// Runs the steps of a profile's session as a pure state machine: events in, actions out.
///
/// It never asks for a further thing while one is under way, takes notifications at any moment, and
/// lets the device forget (moves the resume cursor) only with the commit that holds the records.
package struct SessionMachine: Sendable {
    enum Phase: Sendable, Equatable {
        case connecting
        case bonding
        case discovering
        case settling
        /// Working through `operations`.
        case running
        /// All steps are done; what the device still sends is taken.
        case draining
        /// All is said; the end of the link and of the commits is waited for.
        case closing(SessionEnd)
        case finished
    }

    let profile: DeviceProfile
    let plan: SessionPlan
    let builder: RecordBuilder
    var phase = Phase.connecting
    var device: DeviceDescription
    var memory: DeviceMemory
    var clock: SessionClock
    var characteristics: [BluetoothUUID: Set<GATTCharacteristic.Property>] = [:]
    var operations: [SessionOperation] = []
    var current: SessionOperation?
    /// Reads that wait until the device's values are on their way.
    var postponed: [SessionOperation] = []
    var featureReads: [SessionOperation] = []
    var recordAccess: RecordAccessState?
    var joins: [Int: SessionEntry] = [:]
    /// Frames of which another one has the other half.
    var halves = PartJoiner<(SessionEntry, Delivery)>()
    /// What came before the clock was read.
    var held: [(SessionEntry, Delivery)] = []
    var queue = CommitQueue()
    var assembler = FrameAssembler()
    /// What the owner knows of the device, and what its earlier frames said.
    var context: FrameContext
    var isBonded = false
    var linkIsOver = false
    var hasSubscription = false
    /// The device's own time was answered by ours in this session.
    var hasAnsweredClock = false
    /// What the device can do is asked once, and again after its firmware has changed.
    var featuresAreDue: Bool
    var abilities: [String] = []
    /// Why the device could not give all that it has although the link stood.
    var shortfall: String?
    /// What the owner says about the device.
    private(set) var owner: DeviceOwner
    var procedure: (any SessionProcedure)?
    /// Slots of the device's memory that hold no record.
    var emptySlots = 0
    /// Whose consent the scale took last, and whom it named last.
    var consentedUser: Int?
    var namedUser: Int?
    var answers: [AnswerRule] = []
    var replies: [Reply] = []
    var replyIsUnderWay = false
    var replyTarget = BluetoothUUID(0)
    /// The next step waits until an answer is out.
    var nextIsDue = false
    var actions: [SessionAction] = []
    var now: GatewayTime

    /// A session with a device that the profile fits.
    package init?(
        profile: DeviceProfile, device: DeviceDescription, memory: DeviceMemory,
        zone: TimeZoneRules, simulated: Bool, now: GatewayTime,
        context: FrameContext = FrameContext(), owner: DeviceOwner = DeviceOwner()
    ) {
        guard let plan = profile.session else { return nil }
        self.profile = profile
        self.plan = plan
        self.device = device
        self.memory = memory
        featuresAreDue = memory.abilities == nil
        self.now = now
        self.owner = owner
        self.context = owner.completing(context, device.bluetoothAddress)
        clock = SessionClock(steps: memory.clockSteps, earlier: EarlierClock(memory))
        builder = RecordBuilder(profile: profile, zone: zone, simulated: simulated)
    }

    /// Takes the device for the one that its bond has told it to be; nothing was read from it yet.
    package mutating func becomeKnown(_ known: KnownDevice) {
        guard phase == .bonding else { return }
        let isUnset = clock.isUnset
        device = known.device
        memory = known.memory
        owner = known.owner
        featuresAreDue = memory.abilities == nil
        context.address = nil
        context = owner.completing(context, device.bluetoothAddress)
        clock = SessionClock(steps: memory.clockSteps, earlier: EarlierClock(memory))
        clock.isUnset = isUnset
    }

    package var isFinished: Bool { phase == .finished }

    /// The session waits for the device alone: no answer and no commit is under way.
    package var isIdle: Bool { phase == .draining && !queue.isBusy }

    /// The first action.
    package mutating func start() -> [SessionAction] {
        [.connect(timeout: plan.connectTimeout)]
    }

    /// Takes one event and says what to do.
    package mutating func handle(_ event: SessionEvent) -> [SessionAction] {
        actions = []
        guard phase != .finished else { return [] }
        take(event)
        settleEnd()
        return actions
    }

    private mutating func take(_ event: SessionEvent) {
        switch event {
        case .connected(let bonded, let at):
            now = at
            connected(bonded: bonded)
        case .connectFailed(let error), .servicesFailed(let error): close(after: error)
        case .bonded(let at):
            now = at
            bonded()
        case .bondFailed(let error): close(after: error)
        case .services(let services, let at):
            now = at
            resolved(services)
        case .value(let uuid, let bytes, let at, let latency):
            now = at
            valueRead(uuid, bytes, latency)
        case .readFailed(let uuid, let error, let at):
            now = at
            readFailed(uuid, error)
        case .written(let uuid, let at):
            now = at
            written(uuid)
        case .writeFailed(let uuid, let error, let at):
            now = at
            writeFailed(uuid, error)
        case .subscribed(let uuid, let at):
            now = at
            subscribed(uuid)
        case .subscribeFailed(let uuid, let error, let at):
            now = at
            subscribeFailed(uuid, error)
        case .notification(let uuid, let bytes, let at):
            now = at
            notified(uuid, bytes)
        case .leftOver(let uuid, let bytes, let at):
            now = at
            leftOver(uuid, bytes)
        case .committed(let number, let at):
            now = at
            queue.ended(number)
            sendReply()
        case .commitFailed(let number, let at):
            now = at
            queue.ended(number)
            close(.interrupted("the store takes nothing"), disconnect: true)
        case .timer(let timer, let at):
            now = at
            timerFired(timer)
        case .disconnected(let byDevice, let at):
            now = at
            disconnected(byDevice: byDevice)
        }
    }

    // MARK: to the first step

    private mutating func connected(bonded: Bool) {
        guard phase == .connecting else { return }
        isBonded = bonded
        if plan.bond != .none, !bonded {
            phase = .bonding
            actions.append(.bond(plan.bond))
        } else {
            discover()
        }
    }

    private mutating func bonded() {
        guard phase == .bonding else { return }
        isBonded = true
        discover()
    }

    private mutating func discover() {
        phase = .discovering
        actions.append(.discoverServices(timeout: plan.servicesTimeout))
    }

    private mutating func resolved(_ services: [GATTService]) {
        guard phase == .discovering else { return }
        for characteristic in services.flatMap(\.characteristics) {
            characteristics[characteristic.uuid, default: []].formUnion(characteristic.properties)
        }
        operations = SessionOperation.expand(
            plan, characteristics, note: { actions.append(.note($0)) })
        if !device.isStranger { postponeInformation() }
        if plan.settle > .zero {
            phase = .settling
            actions.append(.startTimer(.settle, plan.settle))
        } else {
            phase = .running
            next()
        }
    }

    // MARK: the end

    mutating func close(after error: LinkError) {
        switch error {
        case .pairingFailed, .staleBond, .doubtfulBond:
            close(.needsPerson(error.summary), disconnect: true)
        case .refused(let code, let text) where Self.isAboutBond(code):
            close(.needsPerson("the device does not accept the bond: \(text)"), disconnect: true)
        default: close(.interrupted(error.summary), disconnect: true)
        }
    }

    mutating func close(_ end: SessionEnd, disconnect: Bool) {
        if case .closing = phase { return }
        // The answer to a set got lost: whether the clock took it shows when it is read next.
        if case .setClock = current, phase == .running { clockWasSet() }
        current = nil
        procedure = nil
        replies = []
        let end = end == .complete ? shortfall.map { .interrupted($0) } ?? end : end
        phase = .closing(end)
        for source in assembler.unfinished {
            actions.append(
                .note(.refused(step: "assembly", "\(source): the last part did not come")))
        }
        flushHalves()
        flushRecordAccess()
        flushJoins()
        flushHeld()
        for timer in [SessionTimer.settle, .quiet, .response, .join] {
            actions.append(.cancelTimer(timer))
        }
        if disconnect { actions.append(.disconnect) }
        guard end == .complete else { return }
        for index in memory.clockSteps.indices { memory.clockSteps[index].drained = true }
        if now.synchronised { memory.lastSessionEndedAt = now.utc }
        queue.memoryChanged = true
    }

    private mutating func disconnected(byDevice: Bool) {
        linkIsOver = true
        switch phase {
        case .draining where byDevice: close(.complete, disconnect: false)
        case .draining: close(.interrupted("the link was ended"), disconnect: false)
        case .closing, .finished: break
        case .running where byDevice && isWindingUp: close(.complete, disconnect: false)
        default: close(.interrupted("the device left while \(doing)"), disconnect: false)
        }
    }

    private var doing: String {
        switch phase {
        case .connecting: "connecting"
        case .bonding: "pairing"
        case .discovering: "its services were read"
        default: current?.summary ?? "the session ran"
        }
    }

    /// Hands out the next commit; ends the session when the link and all commits are over, so that
    /// what still came while the link was being closed is stored.
    private mutating func settleEnd() {
        var closing: SessionEnd?
        if case .closing(let end) = phase { closing = end }
        if let commit = queue.next(memory: memory, device: device, closing: closing != nil) {
            actions.append(.commit(commit))
        }
        if let end = closing, linkIsOver, !queue.isBusy {
            phase = .finished
            actions.append(.finished(end))
        }
    }
}

extension LinkError {
    /// One line for status and log, without an address.
    package var summary: String {
        switch self {
        case .unreachable(let text): "the device did not answer: \(text)"
        case .disconnected(let text): "the link was lost: \(text)"
        case .pairingFailed(let text): "pairing failed: \(text)"
        case .staleBond(let text): "the device has lost its bond: \(text)"
        case .doubtfulBond(let text): "the device may have lost its bond: \(text)"
        case .refused(let code, let text):
            "the device refused (\(code.map { "ATT error \($0)" } ?? "no code")): \(text)"
        case .noSuchCharacteristic(let uuid): "the device has no characteristic \(uuid)"
        case .stackFailed(let text): "the Bluetooth stack failed: \(text)"
        }
    }
}
