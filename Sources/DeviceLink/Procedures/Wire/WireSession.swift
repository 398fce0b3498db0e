package import DeviceProfile
package import Measurement

/// Runs a profile's procedure on a cable as a pure state machine: events in, actions out.
///
/// What the device hands out is decoded, dated and committed; the procedure goes on with whatever
/// lets the device forget only when the commit is on disk. Zero lost, zero doubled: a session that
/// was cut off reads again, and the keys of the records tell what is known.
package struct WireSession: Sendable {
    /// The profiles that fit equally well, until the device has said which model it is.
    private(set) var candidates: [DeviceProfile]
    package private(set) var profile: DeviceProfile
    private(set) var plan: WirePlan
    private(set) var builder: RecordBuilder
    private let zone: TimeZoneRules
    private let simulated: Bool
    var procedure: any WireProcedure
    var device: DeviceDescription
    var memory: DeviceMemory
    var clock: SessionClock
    var queue = CommitQueue()
    var weighing: Weighing?
    /// The procedure waits for its messages to be on disk.
    private var waitsForStore = false
    private var isOpen = false
    private var ending: SessionEnd?
    private var isOver = false
    var now: GatewayTime
    var actions: [WireAction] = []

    /// A session with a device that these profiles fit; nil where they say nothing of a cable.
    ///
    /// - Parameters:
    ///   - known: what devices told of themselves before, so that they need not tell it again.
    ///   - procedure: makes the code behind a plan that this target has none for.
    package init?(
        candidates: [DeviceProfile], device: DeviceDescription, memory: DeviceMemory,
        known: [KnownConfiguration] = [], zone: TimeZoneRules, simulated: Bool, now: GatewayTime,
        procedure make: (WirePlan) -> (any WireProcedure)? = { _ in nil }
    ) {
        // The one without an identity answers for the rest of its family.
        let wired = candidates.filter { $0.wire != nil && $0.decodeOnly == nil }
        guard let first = wired.first(where: { $0.wire?.identity.isEmpty ?? false }) ?? wired.first,
            let plan = first.wire, let procedure = WireProcedures.make(plan) ?? make(plan),
            wired.allSatisfy({ $0.wire?.procedure == plan.procedure })
        else { return nil }
        self.candidates = wired
        profile = first
        self.plan = plan
        self.procedure = procedure
        self.procedure.know(known)
        self.zone = zone
        self.simulated = simulated
        self.device = device
        self.memory = memory
        self.now = now
        clock = SessionClock(steps: memory.clockSteps, earlier: EarlierClock(memory))
        builder = RecordBuilder(profile: first, zone: zone, simulated: simulated)
        weighing = plan.plateau.map { Weighing(plateau: $0) }
    }

    package var isFinished: Bool { isOver }

    /// Nothing is asked of the device and no commit is under way.
    package var isIdle: Bool { isOpen && procedure.isAtRest && !queue.isBusy }

    /// Takes one event and says what to do.
    package mutating func handle(_ event: WireEvent) -> [WireAction] {
        actions = []
        guard !isOver else { return [] }
        take(event)
        settle()
        return actions
    }

    private mutating func take(_ event: WireEvent) {
        switch event {
        case .opened(let at):
            now = at
            isOpen = true
            feed(.opened)
        case .received(let bytes, let at): answer(.received(bytes), at)
        case .feature(let bytes, let at): answer(.feature(bytes), at)
        case .control(let bytes, let at): answer(.control(bytes), at)
        case .identity(let identity, let at): answer(.identity(identity), at)
        case .block(let bytes, let at): answer(.block(bytes), at)
        case .done(let at): answer(.done, at)
        case .refused(let why, let at): answer(.refused(why), at)
        case .committed(let number, let at):
            now = at
            queue.ended(number)
        case .commitFailed(let number, let at):
            now = at
            queue.ended(number)
            end(.interrupted("the store takes nothing"))
        case .timer(.reply, let at): answer(.timedOut, at)
        case .timer(.pause, let at):
            now = at
            if weighing == nil { feed(.paused) } else { standsStill() }
        case .unplugged(let at):
            now = at
            unplugged()
        }
    }

    private mutating func answer(_ input: WireInput, _ at: GatewayTime) {
        now = at
        feed(input)
    }

    private mutating func unplugged() {
        if procedure.isAtRest, isOpen, ending == nil { return end(.complete) }
        end(.interrupted("the device was unplugged"))
    }

    // MARK: the procedure's steps

    mutating func feed(_ input: WireInput) {
        guard ending == nil else { return }
        var inputs = [input]
        while !inputs.isEmpty, ending == nil {
            for step in procedure.take(inputs.removeFirst()) {
                if let next = perform(step) { inputs.append(next) }
            }
        }
    }

    /// Does one step; an input that it answers at once is handed back.
    private mutating func perform(_ step: WireStep) -> WireInput? {
        switch step {
        case .send(let bytes): actions.append(.send(bytes))
        case .setFeature(let report, let bytes):
            actions.append(.setFeature(report: report, bytes))
        case .setOutput(let report, let bytes): actions.append(.setOutput(report: report, bytes))
        case .getFeature(let report, let length):
            actions.append(.getFeature(report: report, length: length))
        case .control(let transfer): actions.append(.control(transfer))
        case .inquire: actions.append(.inquire)
        case .readBlock(let block): actions.append(.readBlock(block))
        case .writeBlock(let block, let bytes): actions.append(.writeBlock(block, bytes))
        case .expect(let time): actions.append(.startTimer(.reply, time))
        case .pause(let time): actions.append(.startTimer(.pause, time))
        case .message(let bytes, let request, let isPushed):
            decode([bytes], request: request, isPushed: isPushed)
        case .messages(let list, let request): decode(list, request: request, isPushed: false)
        case .clock(let time, let minutes): clockRead(time, utcOffsetMinutes: minutes)
        case .ticks(let count, let length):
            clock.check = ClockCheck(gateway: now, reading: .ticks(UInt64(count), length: length))
        case .askTime: return timeOfDay()
        case .clockSet: clockWasSet()
        case .model(let manufacturer, let name): isCalled(manufacturer, name)
        case .serial(let text): device.serial = text.isEmpty ? device.serial : text
        case .firmware(let text): device.firmware = text
        case .identify(let text): return identify(text)
        case .store:
            guard queue.isBusy else { return .stored }
            waitsForStore = true
        case .note(let note): actions.append(.note(note))
        case .complete: end(.complete)
        case .broken(let why): end(.interrupted(why))
        case .needsPerson(let why): end(.needsPerson(why))
        }
        return nil
    }

    /// Chooses the profile that names this model, else the one that answers for its family.
    private mutating func identify(_ text: String) -> WireInput? {
        let named = candidates.first { candidate in
            candidate.wire?.identity.contains { text.hasPrefix($0) } ?? false
        }
        let family = candidates.first { $0.wire?.identity.isEmpty ?? false }
        guard let chosen = named ?? family, let plan = chosen.wire else {
            end(.needsPerson("the device calls itself '\(text)', which no profile of it names"))
            return nil
        }
        profile = chosen
        self.plan = plan
        builder = RecordBuilder(profile: chosen, zone: zone, simulated: simulated)
        candidates = [chosen]
        return .identified(plan)
    }

    /// A device that no profile names, or one of several that its profile names, goes by its own name.
    private mutating func isCalled(_ manufacturer: String?, _ name: String?) {
        let isNamed = manufacturer == nil && profile.models.contains { $0.name == name }
        guard profile.isGeneric || isNamed else { return }
        device.manufacturer = manufacturer ?? device.manufacturer
        device.model = name ?? device.model
    }

    mutating func clockRead(_ time: LocalDateTime, utcOffsetMinutes minutes: Int? = nil) {
        clock.check = ClockCheck(
            gateway: now, reading: .wall(time), state: ClockState(utcOffsetMinutes: minutes))
        guard let offset = clock.check?.offset(rules: profile.time, zone: zone) else { return }
        actions.append(.note(.clockRead(offset: offset)))
        // What a clock that is itself wrong measured is no memory for later sessions.
        guard now.synchronised else { return }
        memory.clockOffset = offset
        memory.clockCheckedAt = now.utc
        memory.clockLatency = .zero
        queue.memoryChanged = true
    }

    // MARK: the end

    private mutating func end(_ end: SessionEnd) {
        guard ending == nil else { return }
        ending = end
        if end == .complete { standsStill() }
        for timer in [WireTimer.reply, .pause] { actions.append(.cancelTimer(timer)) }
        guard end == .complete else { return }
        guard now.synchronised else { return }
        memory.lastSessionEndedAt = now.utc
        queue.memoryChanged = true
    }

    /// Hands out the next commit, goes on when it is on disk, and ends when all is said.
    private mutating func settle() {
        if let commit = queue.next(memory: memory, device: device, closing: ending != nil) {
            actions.append(.commit(commit))
        }
        if waitsForStore, !queue.isBusy, ending == nil {
            waitsForStore = false
            feed(.stored)
            return settle()
        }
        if let ending, !queue.isBusy {
            isOver = true
            actions.append(.finished(ending))
        }
    }
}
