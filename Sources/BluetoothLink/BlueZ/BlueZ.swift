package import DeviceProfile
package import EventLoop
import Measurement

/// Bluetooth through bluetoothd: keeps a mirror of its objects, its adapters scanning, and tells
/// what is heard.
///
/// bluetoothd, the bus and every adapter may come and go at any time; `run()` follows them. Nothing
/// here waits for a call that does not return: each has a time limit of its own.
@LoopActor package final class BlueZ {
    let settings: BlueZSettings
    private let onSighting: @LoopActor (Sighting) -> Void
    private let onChange: @LoopActor () -> Void
    private let onRecovery: @LoopActor (RecoveryReport) -> Void

    var bus: Bus?
    /// The unique name of the running bluetoothd; only its signals count.
    var owner: String?
    var tree = ObjectTree()
    var adapters: [String: AdapterControl] = [:] {
        didSet {
            air.controls = [:]
            for (name, control) in adapters where name.hasPrefix("hci") {
                if let number = UInt16(name.dropFirst(3)) { air.controls[number] = control }
            }
        }
    }
    /// What comes from the management socket, and what is followed on the bus beside it.
    var air = AirState()
    /// Connected devices by their object's path.
    var links: [String: BlueZPeripheral] = [:]
    let agent = PairingAgent()
    /// What the ends of their links say about the bonds of bonded devices.
    var bonds: [BluetoothAddress: BondEvidence] = [:]
    /// Services that devices announce and were found not to have.
    var absentServices: [BluetoothAddress: Set<BluetoothUUID>] = [:]
    /// Values that came when no session ran, by characteristic: kept for the next subscription.
    var leftOvers: [String: [ValueInbox.Value]] = [:]
    static let maximumLeftOvers = 16
    package internal(set) var counters = BlueZCounters()

    private var slots: [BusSlot] = []
    /// What of bluetoothd's signals is listened to.
    var signalSlots: [BusSlot] = []
    private var reloading: Task<Void, Never>?
    private let busClosed = LoopCondition()
    /// Broadcast after every change of the mirror that is not merely an advertisement.
    let treeChanged = LoopCondition()

    /// - Parameters:
    ///   - onSighting: called for everything that a device advertises.
    ///   - onChange: called when an adapter's state has changed.
    ///   - onRecovery: called for each thing that was done about a broken adapter.
    package init(
        settings: BlueZSettings = BlueZSettings(),
        onSighting: @escaping @LoopActor (Sighting) -> Void,
        onChange: @escaping @LoopActor () -> Void = {},
        onRecovery: @escaping @LoopActor (RecoveryReport) -> Void = { _ in }
    ) {
        self.settings = settings
        self.onSighting = onSighting
        self.onChange = onChange
        self.onRecovery = onRecovery
        for name in settings.adapters ?? [] { addAdapter(name) }
    }

    /// Serves Bluetooth until the task is cancelled.
    package func run() async {
        var failures = 0
        while !Task.isCancelled {
            do throws(BusError) {
                let opened = try Bus.open(settings.busAddress)
                try await serve(opened)
                failures = 0
            } catch {
                counters.busFailures += 1
                failures += 1
            }
            leaveBus()
            let pause = AdapterPlan.backOff(failures) * settings.adapter.delayFactor
            guard (try? await sleep(for: min(.seconds(30), pause))) != nil else { break }
        }
        leaveBus()
        for adapter in adapters.values { adapter.stop() }
    }

    private func serve(_ opened: Bus) async throws(BusError) {
        bus = opened
        try opened.onClose { [weak self] in
            self?.bus = nil
            self?.busClosed.broadcast()
        }
        slots = [
            try opened.onSignal(
                "sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                    + "member='NameOwnerChanged',arg0='\(BlueZNames.service)'"
            ) { [weak self] in self?.ownerChanged($0) },
            try opened.export(PairingAgent.path) { [agent] call throws(BusError) in
                try await agent.answer(call)
            },
        ]
        let answer = await askOwner(opened)
        if owner == nil, case .success(let name) = answer { owner = name }
        if case .failure(let error) = answer, !error.isPeerGone { throw error }
        reload()
        while bus != nil {
            guard (try? await busClosed.wait()) != nil else { return }
        }
    }

    private func askOwner(_ bus: Bus) async -> Result<String?, BusError> {
        do throws(BusError) {
            let answer = try await bus.call(
                BusCall(
                    "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                    "GetNameOwner", .string(BlueZNames.service)),
                within: settings.adapter.callLimit)
            return .success(answer.first?.string)
        } catch {
            return .failure(error)
        }
    }

    private func leaveBus() {
        reloading?.cancel()
        slots = []
        signalSlots = []
        air.followed = [:]
        bus = nil
        ownerLost()
    }

    // MARK: bluetoothd comes and goes

    private func ownerChanged(_ message: BusMessage) {
        guard message.body.count == 3, let new = message.body[2].string else { return }
        if owner != nil && owner != new { ownerLost() }
        owner = new.isEmpty ? nil : new
        reload()
    }

    /// Everything that bluetoothd held for us is gone: links, sessions, agent, objects.
    private func ownerLost() {
        owner = nil
        tree = ObjectTree()
        leftOvers = [:]
        absentServices = [:]
        for link in links.values { link.lost("bluetoothd is gone") }
        links = [:]
        resetAdapters()
        treeChanged.broadcast()
    }

    /// Reads all objects anew and registers with the bluetoothd that runs now.
    func reload() {
        reloading?.cancel()
        guard owner != nil else { return resetAdapters() }
        reloading = spawn { [weak self] in
            var attempt = 0
            while let self, !Task.isCancelled, owner != nil {
                do throws(BusError) {
                    try await load()
                    return
                } catch {
                    attempt += 1
                    counters.reloadFailures += 1
                }
                let pause = AdapterPlan.backOff(attempt) * settings.adapter.delayFactor
                guard (try? await sleep(for: pause)) != nil else { return }
            }
        }
    }

    private func load() async throws(BusError) {
        await openAir()
        guard let bus, !Task.isCancelled else { return }
        try listen(bus)
        let answer = try await bus.call(
            .bluez("/", BlueZNames.objectManager, "GetManagedObjects"),
            within: settings.adapter.callLimit)
        guard let read = answer.first.flatMap({ ObjectTree(managedObjects: $0) }) else {
            throw BusError(
                name: "org.freedesktop.DBus.Error.InvalidSignature", message: "GetManagedObjects")
        }
        tree = try follow(read)
        notePins()
        keepLastValues()
        try await registerAgent(bus)
        resetAdapters()
        treeChanged.broadcast()
    }

    /// bluetoothd remembers the last value that a device has sent, and has confirmed it; a gateway that
    /// was killed at that moment knows nothing of it.
    private func keepLastValues() {
        for path in tree.paths(with: BlueZNames.characteristic) where leftOvers[path] == nil {
            guard BlueZNames.devicePath(of: path).map({ links[$0] == nil }) ?? false,
                let bytes = tree.value(path, BlueZNames.characteristic, "Value")?.bytes,
                !bytes.isEmpty
            else { continue }
            leftOvers[path] = [ValueInbox.Value(bytes: bytes, at: .now())]
        }
    }

    private func registerAgent(_ bus: Bus) async throws(BusError) {
        do throws(BusError) {
            _ = try await bus.call(
                .bluez(
                    BlueZNames.root, BlueZNames.agentManager, "RegisterAgent",
                    .objectPath(PairingAgent.path), "KeyboardDisplay"),
                within: settings.adapter.callLimit)
        } catch let error where error.name == "org.bluez.Error.AlreadyExists" {
            // Registered in an earlier attempt to load.
        }
        // Devices that ask for security by themselves are answered by the default agent.
        _ = try await bus.call(
            .bluez(
                BlueZNames.root, BlueZNames.agentManager, "RequestDefaultAgent",
                .objectPath(PairingAgent.path)),
            within: settings.adapter.callLimit)
    }

    // MARK: Adapters

    func addAdapter(_ name: String) {
        let control = AdapterControl(
            name: name, settings: settings.adapter, bus: { [weak self] in self?.bus },
            onChange: onChange)
        control.onRecovery = onRecovery
        if settings.openManagement != nil {
            control.sendManagement = { [weak self] bytes throws(ManagementRefusal) in
                guard let listener = self?.air.listener else { throw .unavailable(0) }
                try listener.send(bytes)
            }
        }
        adapters[name] = control
        control.start()
    }

    private func resetAdapters() {
        for path in tree.paths(with: BlueZNames.adapter, below: BlueZNames.root) {
            adapterAppeared(path)
        }
        for control in adapters.values {
            control.reset(
                daemonIsUp: owner != nil, properties: tree[control.path, BlueZNames.adapter])
        }
        onChange()
    }

    /// Adds an adapter that is not named in the configuration, where all of them are wanted.
    func adapterAppeared(_ path: String) {
        guard settings.adapters == nil, let name = BlueZNames.adapterName(of: path),
            adapters[name] == nil
        else { return }
        // The same controller under another name, after it was plugged in again.
        let address = tree.value(path, BlueZNames.adapter, "Address")?.string
        for (old, control) in adapters
        where control.address != nil && control.address == address
            && tree[control.path, BlueZNames.adapter] == nil
        {
            control.stop()
            adapters[old] = nil
        }
        addAdapter(name)
    }

    func deliver(_ sighting: Sighting) {
        counters.sightings += 1
        if let name = sighting.adapter {
            adapters[name]?.advertisementArrived(at: sighting.at)
        }
        if sighting.bonded { bonds[sighting.address, default: .init()].signal = sighting.rssi }
        onSighting(sighting)
    }
}
