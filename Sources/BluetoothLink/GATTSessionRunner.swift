package import DeviceLink
package import DeviceProfile
package import EventLoop
package import Measurement

/// Runs a session machine against a device: performs its actions and feeds the answers back.
///
/// One event is taken at a time, in the order of arrival. A commit is awaited through the closure of
/// the caller and never holds up what the device sends meanwhile; that queue is bounded, and a
/// device that outruns the store by the whole bound is disconnected rather than lost in part.
@LoopActor package final class GATTSessionRunner {
    /// What the runner needs besides the device and the machine.
    package struct Surroundings {
        package var priority = ConnectionPriority.normal
        package var passkey: PasskeyProvider?
        /// Limit of a pairing; a passkey may have to be found first.
        package var bondLimit: Duration = .seconds(90)
        package var maximumEvents = 10_000
        /// The gateway's clocks.
        package var clock: @LoopActor () -> GatewayTime = { .now() }
        /// Stores a commit; true once it is on disk.
        package var commit: @LoopActor @Sendable (SessionCommit) async -> Bool
        package var note: @LoopActor (SessionNote) -> Void
        /// What is remembered of the device whose identity a new bond has told.
        package var known: (@LoopActor @Sendable (BluetoothAddress) async -> KnownDevice?)?

        package init(
            commit: @escaping @LoopActor @Sendable (SessionCommit) async -> Bool,
            note: @escaping @LoopActor (SessionNote) -> Void = { _ in }
        ) {
            self.commit = commit
            self.note = note
        }
    }

    private var machine: SessionMachine
    private let peripheral: any GATTPeripheral
    private let surroundings: Surroundings
    private var events: [SessionEvent] = []
    private var timers: [SessionTimer: EventSource] = [:]
    private var work: [Int: Task<Void, Never>] = [:]
    private var nextWork = 0
    private var end: SessionEnd?
    private var linkIsOver = false
    private let arrived = LoopCondition()
    /// When the stages of the session were reached.
    package private(set) var times: SessionTimes
    /// Times that the device was disconnected because the store did not keep up.
    package private(set) var overruns = 0

    package init(
        machine: SessionMachine, peripheral: any GATTPeripheral, surroundings: Surroundings
    ) {
        self.machine = machine
        self.peripheral = peripheral
        self.surroundings = surroundings
        times = SessionTimes(began: surroundings.clock())
    }

    /// Runs the session to its end.
    ///
    /// A cancelled task ends it at once and disconnects; `stop()` lets it store what it has.
    package func run() async -> SessionEnd {
        peripheral.onValue = { [weak self] in self?.take($0) }
        peripheral.onDisconnect = { [weak self] byDevice, _ in self?.linkEnded(byDevice) }
        perform(machine.start())
        while end == nil {
            guard !events.isEmpty else {
                guard (try? await arrived.wait()) != nil else { break }
                continue
            }
            perform(machine.handle(events.removeFirst()))
        }
        finish()
        if let free = peripheral.adapterFreeAt { times.reach(.adapter, at: free) }
        if let quiet = peripheral.radioQuietAt { times.reach(.quiet, at: quiet) }
        times.reach(.ended, at: now())
        return end ?? .interrupted("the session was stopped")
    }

    /// Ends the session gracefully: the link is closed, what has arrived is stored.
    package func stop() {
        start { runner in await runner.peripheral.disconnect() }
        linkEnded(false)
    }

    private func finish() {
        timers = [:]
        for task in work.values { task.cancel() }
        peripheral.onValue = nil
        peripheral.onDisconnect = nil
        guard !linkIsOver else { return }
        let peripheral = self.peripheral
        spawn { await peripheral.disconnect() }
    }

    // MARK: Events

    private func feed(_ event: SessionEvent) {
        times.take(event)
        events.append(event)
        arrived.broadcast()
    }

    private func take(_ value: GATTValue) {
        guard events.count < surroundings.maximumEvents else {
            if overruns == 0 { stop() }
            overruns += 1
            return
        }
        feed(
            value.isLeftOver
                ? .leftOver(value.uuid, value.bytes, at: value.at)
                : .notification(value.uuid, value.bytes, at: value.at))
    }

    private func linkEnded(_ byDevice: Bool) {
        guard !linkIsOver else { return }
        linkIsOver = true
        // Told before the end of the link, which is all that the machine would see.
        if byDevice, let error = peripheral.staleBond { feed(.servicesFailed(error)) }
        feed(.disconnected(byDevice: byDevice, at: now()))
    }

    // MARK: Actions

    private func perform(_ actions: [SessionAction]) {
        for action in actions { perform(action) }
    }

    private func perform(_ action: SessionAction) {
        switch action {
        case .connect(let timeout): start { await $0.connect(timeout.duration) }
        case .bond(let method): start { await $0.bond(method) }
        case .discoverServices(let timeout): start { await $0.discover(timeout.duration) }
        case .read(let uuid): start { await $0.read(uuid) }
        case .write(let uuid, let bytes): start { await $0.write(uuid) { _ in bytes } }
        case .setClock(let uuid, let zone):
            start { await $0.write(uuid) { $0.machine.clockBytes(zone, at: $0.now()) } }
        case .subscribe(let uuid): start { await $0.subscribe(uuid) }
        case .commit(let commit): start { await $0.store(commit) }
        case .startTimer(let timer, let length): startTimer(timer, length.duration)
        case .cancelTimer(let timer): timers[timer] = nil
        case .disconnect:
            start { runner in
                await runner.peripheral.disconnect()
                runner.linkEnded(false)
            }
        case .note(let note): surroundings.note(note)
        case .finished(let end): self.end = end
        }
    }

    /// Starts an action; the runner owns the task until it is done.
    private func start(_ body: @escaping @LoopActor @Sendable (GATTSessionRunner) async -> Void) {
        nextWork += 1
        let number = nextWork
        work[number] = spawn { [self] in
            await body(self)
            work[number] = nil
        }
    }

    private func startTimer(_ timer: SessionTimer, _ length: Duration) {
        timers[timer] = EventLoop.shared.after(length) { [weak self] in
            guard let self else { return }
            timers[timer] = nil
            feed(.timer(timer, at: now()))
        }
    }

    private func connect(_ limit: Duration) async {
        do throws(LinkError) {
            let bonded = try await peripheral.connect(
                within: limit, priority: surroundings.priority)
            feed(.connected(bonded: bonded, at: now()))
        } catch {
            feed(.connectFailed(error))
        }
    }

    private func bond(_ method: BondMethod) async {
        do throws(LinkError) {
            try await peripheral.bond(
                method, passkey: surroundings.passkey, within: surroundings.bondLimit)
            if let identity = peripheral.identity, let lookUp = surroundings.known {
                guard let known = await lookUp(identity) else {
                    throw .stackFailed("the store cannot be read")
                }
                machine.becomeKnown(known)
            }
            feed(.bonded(at: now()))
        } catch {
            feed(.bondFailed(error))
        }
    }

    private func discover(_ limit: Duration) async {
        do throws(LinkError) {
            feed(.services(try await peripheral.services(within: limit), at: now()))
        } catch {
            feed(.servicesFailed(error))
        }
    }

    private func read(_ uuid: BluetoothUUID) async {
        let before = now()
        do throws(LinkError) {
            let bytes = try await peripheral.read(uuid)
            let latency = now().since(before)
            feed(.value(uuid, bytes, at: before.after(half: latency), latency: latency))
        } catch {
            feed(.readFailed(uuid, error, at: now()))
        }
    }

    /// The bytes are made at the last moment: those of a clock are right only then.
    private func write(
        _ uuid: BluetoothUUID, _ bytes: (GATTSessionRunner) -> [UInt8]
    ) async {
        do throws(LinkError) {
            try await peripheral.write(uuid, bytes(self))
            feed(.written(uuid, at: now()))
        } catch {
            feed(.writeFailed(uuid, error, at: now()))
        }
    }

    private func subscribe(_ uuid: BluetoothUUID) async {
        do throws(LinkError) {
            let early = try await peripheral.subscribe(uuid)
            feed(.subscribed(uuid, at: now()))
            for value in early { take(value) }
        } catch {
            feed(.subscribeFailed(uuid, error, at: now()))
        }
    }

    private func now() -> GatewayTime { surroundings.clock() }

    private func store(_ commit: SessionCommit) async {
        let stored = await surroundings.commit(commit)
        let time = now()
        feed(stored ? .committed(commit.number, at: time) : .commitFailed(commit.number, at: time))
    }
}

extension Interval {
    fileprivate var duration: Duration { .microseconds(max(0, microseconds)) }

}

extension GatewayTime {
    /// The time that has gone by, by the clock that never steps.
    package func since(_ start: GatewayTime) -> Interval {
        Interval(microseconds: (monotonicNanoseconds - start.monotonicNanoseconds) / 1000)
    }

    /// The middle of a span that began here.
    package func after(half span: Interval) -> GatewayTime {
        let half = Interval(microseconds: span.microseconds / 2)
        return GatewayTime(
            utc: utc + half, monotonicNanoseconds: monotonicNanoseconds + half.microseconds * 1000,
            synchronised: synchronised)
    }
}
