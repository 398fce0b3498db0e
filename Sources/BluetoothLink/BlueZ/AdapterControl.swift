import EventLoop
import Measurement

/// One adapter: keeps it powered and scanning, and hands it to one connection attempt at a time.
@LoopActor final class AdapterControl {
    let name: String
    let path: String
    let connections = ConnectionQueue()
    private(set) var plan = AdapterPlan()
    private(set) var lastAdvertisement: GatewayTime?
    private(set) var lastFailure: BusError?
    /// The controller's own address: the same adapter may come back under another name.
    var address: String?

    /// Sends a command to the kernel's management socket; nil where there is none.
    var sendManagement: (@LoopActor ([UInt8]) throws(ManagementRefusal) -> Void)?
    /// Told of each step of the ladder.
    var onRecovery: @LoopActor (RecoveryReport) -> Void = { _ in }

    private let settings: AdapterSettings
    private let bus: @LoopActor () -> Bus?
    private let onChange: @LoopActor () -> Void
    private let changed = LoopCondition()
    private var task: Task<Void, Never>?
    /// Runs while discovery has ended by itself: for how long is watched.
    private(set) var discoveringLost: EventSource?
    private var reported: AdapterState?
    /// Runs while discovery is on: for how long nothing is heard is watched.
    private var silence: EventSource?
    /// How often the radio was asked since it was last heard.
    private var questions = 0

    init(
        name: String, settings: AdapterSettings, bus: @escaping @LoopActor () -> Bus?,
        onChange: @escaping @LoopActor () -> Void
    ) {
        self.name = name
        path = BlueZNames.root + "/" + name
        self.settings = settings
        self.bus = bus
        self.onChange = onChange
    }

    func start() {
        task = spawn { while (try? await self.round()) != nil {} }
    }

    /// Ends the task, which holds the control.
    func stop() {
        task?.cancel()
        task = nil
        discoveringLost = nil
        silence = nil
    }

    // MARK: What bluetoothd tells

    func reset(daemonIsUp: Bool, properties: ObjectTree.Properties?) {
        plan.reset(
            daemonIsUp: daemonIsUp, isPresent: properties != nil,
            isPowered: properties?["Powered"]?.bool ?? false)
        address = properties?["Address"]?.string ?? address
        discoveringLost = nil
        wake()
    }

    func propertiesChanged(_ changed: ObjectTree.Properties) {
        if let powered = changed["Powered"]?.bool { plan.powerChanged(to: powered) }
        if let discovering = changed["Discovering"]?.bool { discoveringChanged(to: discovering) }
        wake()
    }

    func advertisementArrived(at time: GatewayTime) {
        lastAdvertisement = time
        plan.provedAlive()
    }

    /// bluetoothd pauses between rounds of discovery; only a long silence of its own is a sign.
    private func discoveringChanged(to discovering: Bool) {
        guard !discovering, plan.hasSession else {
            discoveringLost = nil
            return
        }
        discoveringLost = EventLoop.shared.after(settings.discoveringLostAfter) { [weak self] in
            guard let self, plan.hasSession, plan.pauses == 0 else { return }
            note(.discoveringLost)
        }
    }

    /// Watches for a silence that is long for this room: each one may last twice as long as the one before.
    private func watchSilence(since start: Int64 = GatewayClock.monotonicNanoseconds()) {
        let limit = settings.silenceLimit * (1 << min(questions, 5))
        silence = EventLoop.shared.after(limit, tolerance: limit / 8) { [weak self] in
            guard let self, plan.hasSession else { return }
            let heard = lastAdvertisement?.monotonicNanoseconds ?? 0
            guard heard < start, plan.pauses == 0, !plan.hasLinks else {
                if heard >= start { questions = 0 }
                return watchSilence()
            }
            questions += 1
            plan.question()
            wake()
        }
    }

    // MARK: What connections tell

    var hasLinks: Bool {
        get { plan.hasLinks }
        set { plan.hasLinks = newValue }
    }

    func note(_ sign: AdapterPlan.Sign) {
        plan.note(sign)
        wake()
    }

    func connected() { plan.provedAlive() }

    /// Runs a connection attempt while discovery is stopped.
    ///
    /// Radios that scan while they connect give up connections (le-connection-abort-by-local). A
    /// stop that hangs delays the attempt by the limit, no longer.
    func withDiscoveryPaused<T, E: Error>(
        _ body: @LoopActor () async throws(E) -> T
    ) async throws(E) -> T {
        guard settings.pausesDiscoveryToConnect else { return try await body() }
        beginPause()
        defer { endPause() }
        _ = try? await changed.wait(for: settings.pauseLimit) { !self.plan.hasSession }
        return try await body()
    }

    /// Keeps discovery stopped until the device has begun to talk, for a few seconds at most.
    ///
    /// A radio that scans all the while answers a connected device three times as slowly, and services are
    /// read in dozens of questions. Nil where discovery is not paused for connections at all.
    func pauseForSetUp() -> DiscoveryPause? {
        guard settings.pausesDiscoveryToConnect else { return nil }
        beginPause()
        return DiscoveryPause(limit: settings.setUpLimit) { [weak self] in self?.endPause() }
    }

    private func beginPause() {
        plan.pauses += 1
        wake()
    }

    private func endPause() {
        plan.pauses -= 1
        wake()
    }

    // MARK: The steps

    private func wake() {
        if plan.state != reported {
            reported = plan.state
            onChange()
        }
        changed.broadcast()
    }

    /// Performs the next step and waits as long as the plan says, or rests until something changes.
    private func round() async throws(CancellationError) {
        let step = plan.nextStep
        guard step != .rest else {
            _ = try await changed.wait()
            return
        }
        let failure = await perform(step)
        guard !Task.isCancelled else { throw CancellationError() }
        lastFailure = failure
        if case .recover(let recovery) = step {
            onRecovery(
                RecoveryReport(adapter: name, step: recovery, problem: failure?.description))
        }
        let switchedOff = step == .powerOn && failure != nil && settings.radioSwitch.blocks(name)
        let delay = plan.finished(step, failure, switchedOff: switchedOff)
        if step == .startDiscovery, failure == nil { watchSilence() }
        wake()
        guard let delay else { return }
        let next = plan.nextStep
        // What was waited for may no longer be what is needed.
        _ = try await changed.wait(for: delay * settings.delayFactor) { self.plan.nextStep != next }
    }

    private func perform(_ step: AdapterPlan.Step) async -> BusError? {
        guard let bus = bus() else { return BusError(name: BusError.disconnectedName, message: "") }
        do throws(BusError) {
            switch step {
            case .rest: break
            case .powerOn: try await setPowered(true, bus)
            case .startDiscovery: try await startDiscovery(bus)
            case .stopDiscovery:
                _ = try await bus.call(
                    .bluez(path, BlueZNames.adapter, "StopDiscovery"), within: settings.callLimit)
            case .recover(let step): try await climb(step, bus)
            }
            return nil
        } catch {
            return error
        }
    }

    private func climb(_ step: Recovery, _ bus: Bus) async throws(BusError) {
        switch step {
        case .restartDiscovery: try await restartDiscovery(bus)
        case .powerCycle:
            try await setPowered(false, bus)
            try? await sleep(for: settings.recoveryPause)
        case .managementReset:
            try switchPower(false)
            try? await sleep(for: settings.recoveryPause)
            try switchPower(true)
        case .usbRebind: try await settings.rebind.perform(name)
        case .serviceRestart: try await settings.restartService(bus)
        case .exit:
            guard let end = settings.endDaemon, end() else {
                throw .notPermitted("the daemon does not end itself now")
            }
        }
    }

    /// Past bluetoothd, by the management socket where there is one.
    private func switchPower(_ on: Bool) throws(BusError) {
        guard let number = UInt16(name.dropFirst(3)), let send = sendManagement else {
            throw .notPermitted("no management socket")
        }
        do throws(ManagementRefusal) {
            try send(ManagementCommand.power(on, controller: number))
        } catch {
            throw .notPermitted("\(error)")
        }
    }

    private func setPowered(_ powered: Bool, _ bus: Bus) async throws(BusError) {
        _ = try await bus.call(
            .setting("Powered", of: BlueZNames.adapter, at: path, to: .bool(powered)),
            within: settings.callLimit)
    }

    /// Without `DuplicateData` a scale that repeats itself looks silent; a UUID filter would lose
    /// the devices that advertise only their name.
    private func startDiscovery(_ bus: Bus) async throws(BusError) {
        let filter = BusValue.properties(["Transport": "le", "DuplicateData": true])
        _ = try await bus.call(
            .bluez(path, BlueZNames.adapter, "SetDiscoveryFilter", filter),
            within: settings.callLimit)
        _ = try await bus.call(
            .bluez(path, BlueZNames.adapter, "StartDiscovery"), within: settings.callLimit)
    }

    /// A stop is forced first: a double start can lock the controller up.
    private func restartDiscovery(_ bus: Bus) async throws(BusError) {
        do throws(BusError) {
            _ = try await bus.call(
                .bluez(path, BlueZNames.adapter, "StopDiscovery"), within: settings.callLimit)
        } catch let error where error.isTimeout {
            throw error
        } catch {
            // Failed, NotReady, InProgress: there was nothing to stop.
        }
        try? await sleep(for: settings.recoveryPause)
    }
}

/// Times and habits of the adapters; the defaults are for real radios.
package struct AdapterSettings: Sendable {
    package var pausesDiscoveryToConnect = true
    package var callLimit: Duration = .seconds(10)
    /// How long the management socket may take to answer.
    package var probeLimit: Duration = .seconds(2)
    package var pauseLimit: Duration = .seconds(3)
    /// How long the word for why a link ended may come after its end.
    package var reasonLimit: Duration = .milliseconds(200)
    /// How long discovery stays stopped for a device that is connected and says nothing.
    package var setUpLimit: Duration = .seconds(3)
    package var recoveryPause: Duration = .milliseconds(1500)
    package var discoveringLostAfter: Duration = .seconds(25)
    /// After so long without any advertisement the radio is asked whether it works; then after twice as
    /// long, up to 32 times.
    package var silenceLimit: Duration = .seconds(30)
    /// Shortens the waits between attempts, for tests.
    package var delayFactor = 1.0
    var radioSwitch = RadioSwitch()
    var rebind = USBRebind()
    /// Asks for a new bluetoothd.
    var restartService: @LoopActor (Bus) async throws(BusError) -> Void = {
        (bus: Bus) async throws(BusError) in
        _ = try await bus.call(
            BusCall(
                "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "RestartUnit", "bluetooth.service", "replace"),
            within: .seconds(10))
    }
    /// Ends the daemon where nothing else has helped; false where it is not the time for that.
    package var endDaemon: (@LoopActor () -> Bool)?

    package init() {}
}
