import BluetoothLink
import DeviceLink
import DeviceProfile
import EventLoop
import Measurement
import Spool

/// Ties Bluetooth to profiles and store: sightings are matched, sessions run, broadcasts collected.
@LoopActor final class BluetoothService {
    private let intake: Intake
    private let spool: Spool
    private let counters: Counters
    private let zone: TimeZoneRules
    private let profiles: @LoopActor () -> ProfileIndex
    private let register: @LoopActor () -> DeviceRegister
    private var policy = SessionPolicy()
    private var collector: AdvertisementCollector
    private var collectorTimer: EventSource?
    private var matched: [BluetoothAddress: (id: String, at: Instant)] = [:]
    private var sessions: [BluetoothAddress: Session] = [:]
    /// Devices that were heard while they had to wait.
    private var deferred: [BluetoothAddress: EventSource] = [:]
    private var keyWatch = KeyWatch()
    private var isStopping = false
    private struct Session {
        var task: Task<Void, Never>
        var runner: GATTSessionRunner
        /// When the device was first heard for this session.
        var heardAt: Instant?
        /// Records that were not known before.
        var new = 0
    }
    /// Told of each session that has ended, with where its time went.
    var onConnection: @LoopActor (ConnectionReport) -> Void = { _ in }

    /// Tapes that a person has asked for, and the pairing that one has.
    let captures: CaptureDesk
    let pairing = PairingDesk()
    /// Devices in range that no profile fits or nobody has registered; the newest 64.
    private(set) var strangers = Strangers()
    private(set) var bluez: BlueZ?

    init(
        adapters: [String]?, intake: Intake, spool: Spool, counters: Counters, zone: TimeZoneRules,
        profiles: @escaping @LoopActor () -> ProfileIndex,
        register: @escaping @LoopActor () -> DeviceRegister,
        endDaemon: (@LoopActor () -> Bool)? = nil
    ) {
        self.intake = intake
        self.spool = spool
        self.counters = counters
        self.zone = zone
        self.profiles = profiles
        self.register = register
        collector = AdvertisementCollector(zone: zone, simulated: false)
        captures = CaptureDesk(zone: zone)
        var settings = BlueZSettings(adapters: adapters)
        settings.useManagementSocket(
            filter: { profiles().filter }, isNamed: { register().model($0) != nil })
        settings.adapter.endDaemon = endDaemon
        bluez = BlueZ(
            settings: settings,
            onSighting: { [weak self] in self?.saw($0) },
            onChange: { [weak self] in self?.logAdapters() },
            onRecovery: { [weak self] in self?.logRecovery($0) })
        pairing.onStage = { [weak self] in self?.pairingMoved($0) }
    }

    /// A pairing that was called off ends at the device too, unless its keys are made already.
    private func pairingMoved(_ guide: PairingGuide) {
        guard guide.stage == .cancelled, !isBonded(guide.address) else { return }
        sessions[guide.address]?.runner.stop()
    }

    /// Serves Bluetooth until the task is cancelled.
    func run() async { await bluez?.run() }

    /// Ends all sessions after what they have is stored.
    func stop() async {
        isStopping = true
        deferred = [:]
        for session in sessions.values { session.runner.stop() }
        for session in sessions.values { await session.task.value }
    }

    /// What a person has to do for a device, and whether a session runs.
    func state(of address: BluetoothAddress) -> String {
        if let trouble = keyWatch.trouble(of: address) { return "needs-person: \(trouble)" }
        guard let device = policy.devices[address] else { return "idle" }
        if device.inSession { return "session" }
        return device.needsPerson.map { "needs-person: \($0)" } ?? "idle"
    }

    func isBonded(_ address: BluetoothAddress) -> Bool {
        bluez?.bondedDevices.contains(address) ?? false
    }

    // MARK: sightings

    private func saw(_ sighting: Sighting) {
        captures.heard(sighting)
        guard let profile = profile(for: sighting) else {
            let why = profiles().whyNothingFits(sighting.advertisement, address: sighting.address)
            strangers.note(sighting, because: why)
            return
        }
        if pairing.concerns(sighting.address) {
            pair(sighting, profile)
        } else if profile.transport == .bluetoothAdvertisement {
            collect(sighting, profile)
        } else if let why = profile.decodeOnly {
            strangers.note(sighting, because: "\(profile.id) fits; it is not connected: \(why)")
        } else if sighting.bonded || captures.isWatching(sighting.address)
            || register().isRegistered(sighting.address, models: profile.modelNames)
        {
            connect(sighting, profile)
        } else {
            strangers.note(sighting, because: "\(profile.id) fits; the device is not registered")
        }
    }

    private static let matchLifetime = Interval.minutes(1)

    /// A name may come late, so only what was found is remembered.
    private func profile(for sighting: Sighting) -> DeviceProfile? {
        let index = profiles()
        // Profiles may be changed while the gateway runs: what was found holds for a while only.
        if let found = matched[sighting.address],
            sighting.at.steady - found.at < Self.matchLifetime, let known = index[id: found.id]
        {
            return known
        }
        // Some makers advertise one name for all models: what the owner wrote down tells them apart.
        let named = register().model(sighting.address).flatMap { index.profile(model: $0) }
            .flatMap { $0.transport == .bluetoothGATT ? $0 : nil }
        let shown = index.match(sighting.advertisement, address: sighting.address)
        guard let found = named ?? shown else { return nil }
        if matched.count >= 1_024 { matched.removeAll(keepingCapacity: true) }
        // A generic profile gives way as soon as the device shows more of itself.
        if !found.isGeneric { matched[sighting.address] = (found.id, sighting.at.steady) }
        return found
    }

    private func describe(_ address: BluetoothAddress) -> DeviceDescription {
        DeviceDescription(id: DeviceID("ble:\(address)"), address: address.description)
    }

    // MARK: broadcasts

    private func collect(_ sighting: Sighting, _ profile: DeviceProfile) {
        let device = describe(sighting.address)
        let owner = register().owner(sighting.address)
        let ready = collector.take(
            sighting.advertisement, of: device, at: sighting.at, profile: profile,
            context: owner.context(sighting.address))
        keyWatch.note(ready, hasKey: owner.key != nil, device, sighting.address, counters)
        store(ready, device, profile)
        watchCollector()
    }

    private func watchCollector() {
        guard let deadline = collector.nextDeadline else { return collectorTimer = nil }
        guard collectorTimer == nil else { return }
        let wait = max(.zero, deadline - GatewayTime.now().utc)
        collectorTimer = EventLoop.shared.after(.microseconds(wait.microseconds)) { [weak self] in
            guard let self else { return }
            self.collectorTimer = nil
            for entry in self.collector.due(at: GatewayTime.now().utc) {
                if let device = entry.record?.device { self.store([entry], device, nil) }
            }
            self.watchCollector()
        }
    }

    private func store(
        _ entries: [SessionEntry], _ device: DeviceDescription, _ profile: DeviceProfile?
    ) {
        guard !entries.isEmpty else { return }
        // Frames of a scale that is being stepped on are no news; they are only counted.
        let news = entries.filter { $0.reading.outcome != .notFinal }
        counters.count("readings_not_final", by: entries.count - news.count)
        guard !news.isEmpty else { return }
        spawn { [self] in
            let memory = (try? await spool.memory(of: device.id)) ?? DeviceMemory()
            _ = await intake.take(
                SessionCommit(number: 0, entries: news, memory: memory, device: device))
        }
    }

    // MARK: sessions

    private func connect(_ sighting: Sighting, _ profile: DeviceProfile) {
        let address = sighting.address
        switch policy.seen(address, at: sighting.at.steady) {
        case .no: break
        case .now: start(sighting, profile)
        case .later(let wait):
            deferred[address] = EventLoop.shared.after(.microseconds(wait.microseconds)) {
                [weak self] in
                guard let self else { return }
                deferred[address] = nil
                guard policy.isDue(address, at: GatewayTime.now().steady) else { return }
                start(sighting, profile)
            }
        }
    }

    private func start(_ sighting: Sighting, _ profile: DeviceProfile) {
        let address = sighting.address
        guard !isStopping, intake.trouble == nil, sessions[address] == nil,
            let peripheral = bluez?.peripheral(address, on: sighting.adapter)
        else { return }
        policy.began(address)
        deferred[address] = nil
        counters.count("sessions_started")
        pairing.update(address) { $0.sessionBegan() }
        let owner = register().owner(
            address, isPairing: sighting.advertisement.showsOmronPairing)
        spawn { [self] in
            await begin(address, profile, watched(peripheral), owner, sighting.advertisement)
        }
    }

    /// The peripheral itself, or one that tells the capture and the pairing what passes.
    private func watched(_ peripheral: BlueZPeripheral) -> any GATTPeripheral {
        let address = peripheral.address
        guard captures.isWatching(address) || pairing.concerns(address) else { return peripheral }
        return ObservedPeripheral(peripheral) { [weak self] fact, at in
            self?.captures.took(fact, of: address, at: at)
            self?.pairing.update(address) { $0.took(fact, at: at.steady) }
        }
    }

    /// Connects a device that is being paired, whether it is registered or not.
    private func pair(_ sighting: Sighting, _ profile: DeviceProfile) {
        let mode = profile.pairingMode(sighting.advertisement)
        let now = pairing.update(sighting.address) { guide -> Bool in
            guide.profile = profile.id
            guide.takesOwnKey = profile.takesOwnKey
            return guide.heard(pairingMode: mode)
        }
        guard now == true, sessions[sighting.address] == nil else { return }
        // Whoever holds the button waits: what was tried before does not count.
        policy.forgive(sighting.address, at: sighting.at.steady)
        start(sighting, profile)
    }

    /// How the device that is being paired gets into its pairing mode, where its model is known.
    func pairingHint(_ guide: PairingGuide) -> PairingHint? {
        let index = profiles()
        let named = register().model(guide.address).flatMap { index.profile(model: $0) }
        let heard = (guide.profile ?? matched[guide.address]?.id).flatMap { index[id: $0] }
        return (named ?? heard)?.pairing
    }

    /// Removes the bond of a device on both sides of ours: at bluetoothd and in what is remembered here.
    func forget(_ address: BluetoothAddress) async throws(LinkError) {
        if let session = sessions[address] {
            session.runner.stop()
            await session.task.value
        }
        try await bluez?.forget(address)
        policy.forget(address)
        matched[address] = nil
    }

    private func begin(
        _ address: BluetoothAddress, _ profile: DeviceProfile, _ peripheral: any GATTPeripheral,
        _ owner: DeviceOwner, _ advertisement: Advertisement
    ) async {
        guard let (device, stored) = await remembered(address),
            var machine = SessionMachine(
                profile: profile, device: device, memory: stored, zone: zone, simulated: false,
                now: GatewayTime.now(), owner: owner)
        else {
            counters.count("sessions_without_memory")
            return policy.ended(
                address, .interrupted("the store cannot be read"), new: 0,
                at: GatewayTime.now().steady)
        }
        guard !isStopping else { return }
        machine.sighted(advertisement)
        var surroundings = GATTSessionRunner.Surroundings(
            commit: { [weak self] commit in await self?.take(commit, of: address) ?? false },
            note: { SessionLog.write($0, device: device) })
        let window = profile.session?.advertisingWindow
        surroundings.priority =
            if let window, window <= .seconds(60) {
                .shortWindow
            } else if profile.time.readings
                == .stored
            { .background } else { .normal }
        let register = register()
        let pairing = pairing
        surroundings.passkey = { @LoopActor in
            if let known = register.passkey(address) { return known }
            return await pairing.passkey(address)
        }
        surroundings.known = { @LoopActor [weak self] identity in
            self?.pairing.update(address) { $0.becameKnown(as: identity) }
            return await self?.known(identity)
        }
        let runner = GATTSessionRunner(
            machine: machine, peripheral: peripheral, surroundings: surroundings)
        let task = spawn { [self] in
            Log.info(
                "session-started", ["device": device.id.shortened, "profile": profile.id])
            // Beside the connection: a device that is on the air for seconds does not wait for a disk.
            let note = spawn { [spool] in
                try? await spool.noteDevice(
                    device, profile: profile.id, seenAt: GatewayTime.now().utc)
            }
            let end = await runner.run()
            await note.value
            finished(address, device, end)
        }
        sessions[address] = Session(
            task: task, runner: runner, heardAt: policy.devices[address]?.heardSince)
    }

    /// A device that had shown itself under a private address.
    private func known(_ identity: BluetoothAddress) async -> KnownDevice? {
        guard let (device, memory) = await remembered(identity) else { return nil }
        return KnownDevice(device: device, memory: memory, owner: register().owner(identity))
    }

    /// What the store knows of a device, also what it is; nil where the store cannot be read.
    private func remembered(_ address: BluetoothAddress) async -> (DeviceDescription, DeviceMemory)?
    {
        var device = describe(address)
        do throws(SpoolError) {
            guard let stored = try await spool.device(device.id) else {
                return (device, DeviceMemory())
            }
            device = stored.description
            device.address = address.description
            // The owner's list says it, at the moment of sending.
            device.assetNumber = nil
            return (device, stored.memory)
        } catch {
            return nil
        }
    }

    private func take(_ commit: SessionCommit, of address: BluetoothAddress) async -> Bool {
        guard case .stored(let new) = await intake.take(commit) else { return false }
        sessions[address]?.new += new
        return true
    }

    private func finished(
        _ address: BluetoothAddress, _ device: DeviceDescription, _ end: SessionEnd
    ) {
        let session = sessions.removeValue(forKey: address)
        let new = session?.new ?? 0
        if let session {
            onConnection(
                ConnectionReport(
                    device: device.id, end: end, new: new, heardAt: session.heardAt,
                    times: session.runner.times))
        }
        policy.ended(address, end, new: new, at: GatewayTime.now().steady)
        captures.sessionEnded(address)
        pairing.update(address) { $0.sessionEnded(end, at: GatewayTime.now().steady) }
        switch end {
        case .complete: counters.count("sessions_complete")
        case .interrupted: counters.count("sessions_interrupted")
        case .needsPerson: counters.count("sessions_need_person")
        }
        Log.info(
            "session-ended", ["device": device.id.shortened, "end": "\(end)", "new": "\(new)"])
    }

    private func logRecovery(_ report: RecoveryReport) {
        counters.count("bluetooth_recoveries")
        Log.warning(
            "adapter-recovery",
            [
                "adapter": report.adapter, "step": report.step.name,
                "problem": report.problem ?? "none",
            ])
    }

    private func logAdapters() {
        for adapter in bluez?.status ?? [] {
            Log.notice(
                "adapter-state",
                [
                    "adapter": adapter.adapter, "state": adapter.state.rawValue,
                    "advertisements": adapter.source.rawValue,
                ])
        }
    }
}
