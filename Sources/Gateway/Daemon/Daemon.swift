import DataFiles
import DeviceProfile
package import EventLoop
import Glibc
import JSON
import Measurement
import Register
import Registry
import Spool
import Status

/// The whole gateway: builds the parts from the configuration, runs them, and stops them in order.
@LoopActor package final class Daemon {
    let options: DaemonOptions
    /// What is in force; a file that was changed well replaces it.
    var configuration: Configuration
    let startedWith: Configuration
    /// The digest of the file before it was read: what it holds by now may be newer.
    let startedFrom: [UInt8]?
    var configurationState: ConfigurationState
    var isReloading = false
    var reloadsAgain = false
    /// A good file waits for the store to answer.
    var reloadRetry: EventSource?
    let startedAt = GatewayTime.now().utc
    private let startedSteady = GatewayTime.now().steady
    let counters = Counters()
    let profiles: ProfileStore
    let spool: Spool
    let intake: Intake
    let uplink: UplinkService
    var bluetooth: BluetoothService?
    var tapes: TapeService?
    var usb: USBService?
    let ports: PortBindings
    let readers: ReaderService
    let server: StatusServer
    let documents: StatusDocuments
    let quarantine: QuarantineDesk
    let desk: RecordDesk
    let clockWatch: ClockWatch
    let people: People
    var register: DeviceRegister
    let vitals = Vitals()
    private var tasks: [Task<Void, Never>] = []
    private var uplinkTask: Task<Void, Never>?
    private var signals: [EventSource] = []
    private var retention: EventSource?
    private var settling: EventSource?
    private var isStopping = false
    let stopChecking = StopFlag()
    /// The store is being looked through after an unclean end, beside everything else.
    var isCheckingStore = false
    private var exitCode: Int32 = 0

    /// Builds everything; nothing runs yet.
    /// - Parameter digest: of the configuration's file, taken before it was read.
    package init(
        _ options: DaemonOptions, _ configuration: Configuration, digest: [UInt8]? = nil
    ) throws {
        self.options = options
        self.configuration = configuration
        startedWith = configuration
        startedFrom = digest ?? Self.digest(of: options.configuration)
        configurationState = ConfigurationState(loadedAt: GatewayTime.now().utc)
        register = DeviceRegister(configuration)
        let data = DataDirectory.find()
        let profiles = ProfileStore(data)
        let spool = Spool(
            configuration.storage.spool(directory: options.stateDirectory),
            now: { GatewayTime.now().utc })
        let people = People(
            configuration, spool: spool, roster: Roster(configuration),
            profiles: { profiles.index })
        let latencies = Latencies()
        let uplink = try UplinkService(
            configuration, data: data, spool: spool, version: DaemonOptions.version,
            people: people, latencies: latencies)
        self.profiles = profiles
        self.spool = spool
        self.people = people
        self.uplink = uplink
        ports = PortBindings(stateDirectory: options.stateDirectory)
        readers = ReaderService(
            people: people, counters: counters,
            bindings: ReaderBindings(
                stateDirectory: options.stateDirectory, configured: configuration.readers))
        documents = StatusDocuments(zone: configuration.gateway.timeZone)
        intake = Intake(
            spool: spool, counters: counters, profiles: { profiles.index },
            roster: { people.roster },
            policies: { uplink.policies }, zone: configuration.gateway.timeZone,
            latencies: latencies)
        intake.people = people
        quarantine = QuarantineDesk(intake: intake)
        desk = RecordDesk(people: people, intake: intake)
        clockWatch = ClockWatch(intake: intake)
        var socket = StatusServer.Options(path: options.runtimeDirectory + "/hakaru.sock")
        socket.group = configuration.status.group
        socket.adminGroup = configuration.status.adminGroup
        // A list of 100,000 participants fits.
        socket.bodyBytes = 16 << 20
        server = try StatusServer(socket)
    }

    /// Opens the store, starts all parts and tells the service manager.
    package func start() async throws {
        try watchSignals()
        await openStore()
        if !options.answersOnly { await noteConfiguration() }
        addRoutes()
        try server.start()
        guard !options.answersOnly else {
            profiles.reload()
            return Log.notice("answering-only")
        }
        intake.onStored = { [weak self] records in self?.stored(records) }
        intake.onUndated = { [weak self] in self?.clockWatch.nudge() }
        people.onSession = { [weak self] in self?.publish($0) }
        uplinkTask = spawn { [uplink] in await uplink.run() }
        // The gateway answers from here on; links follow as soon as the profiles are read. On a slow and busy
        // machine that holds the loop for longer than the watchdog waits for a daemon that runs.
        let patience = ServiceManager.watchdog
        ServiceManager.wait(for: max(patience ?? .zero, .seconds(45)))
        ServiceManager.ready(status: "running")
        profiles.reload()
        await learnOfTime()
        startLinks()
        tasks.append(spawn { [profiles] in await profiles.watch() })
        tasks.append(spawn { [clockWatch] in await clockWatch.run() })
        tasks.append(spawn { [weak self] in await self?.sealStore() })
        tasks.append(spawn { [weak self] in await self?.watchConfiguration() })
        tasks.append(spawn { [weak self] in await self?.checkStore() })
        tasks.append(spawn { [weak self] in await self?.takeHistory() })
        watchRetention()
        vitals.watch("store") { [spool] in spool.work }
        vitals.watch("usb") { [weak self] in self?.usb?.work }
        vitals.start()
        if let patience { ServiceManager.wait(for: patience) }
        settling = EventLoop.shared.after(.seconds(2), tolerance: .seconds(1)) { [weak self] in
            guard let self else { return }
            tasks.append(
                spawn { [spool] in
                    await spool.releaseMemory()
                    StartupMemory.release()
                })
        }
        Log.notice("started", ["version": DaemonOptions.version])
    }

    /// A store that cannot be opened now is a state, not the end: the first use opens it again.
    func openStore() async {
        do throws(SpoolError) {
            let report = try await spool.open()
            if let salvage = report.salvage {
                Log.error(
                    "store-set-aside",
                    [
                        "file": salvage.setAside, "damage": salvage.damage,
                        "salvaged": "\(salvage.records)", "unreadable": "\(salvage.unreadableRows)",
                    ])
            }
            if report.wasUnclean { Log.warning("store-unclean-end") }
        } catch {
            Log.error("store-unavailable", ["state": error.name, "reason": "\(error)"])
        }
        // Where it cannot be opened this is the state until it can.
        await intake.lookForRoom()
    }

    /// What comes in before the clock is known to be right would wait in quarantine for it.
    private func learnOfTime() async {
        guard !GatewayClock.mayAskKernel else { return }
        let service = TimeService(counters: counters)
        tasks.append(spawn { await service.run() })
        await service.firstAnswer(within: .seconds(3))
    }

    private func startLinks() {
        let zone = configuration.gateway.timeZone
        let profiles = profiles
        if configuration.bluetooth.enabled {
            let named = register
            let service = BluetoothService(
                adapters: configuration.bluetooth.adapters, intake: intake, spool: spool,
                counters: counters, zone: zone, profiles: { profiles.index },
                register: { [weak self] in self?.register ?? named },
                endDaemon: { [weak self] in self?.endOfLadder() ?? false })
            bluetooth = service
            service.onConnection = { [weak self] in
                self?.server.publish("connection", $0.document)
            }
            tasks.append(spawn { await service.run() })
        }
        if configuration.usb.enabled {
            let service = USBService(
                intake: intake, spool: spool, counters: counters, zone: zone, bindings: ports,
                profiles: { profiles.index })
            usb = service
            tasks.append(spawn { await service.run() })
        }
        startReaders()
        if configuration.tape.enabled {
            let service = TapeService(
                directory: configuration.tape.directory, intake: intake, spool: spool,
                counters: counters, zone: zone, profiles: { profiles.index })
            tapes = service
            tasks.append(spawn { await service.run() })
        }
    }

    private func stored(_ records: [Record]) {
        uplink.wake()
        for record in records {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("key", record.key.hex)
                writer.member("kind", record.kind.rawValue)
                writer.member("device", record.device.id.stable)
            }
            server.publish("record", writer.bytes)
        }
    }

    private func watchSignals() throws {
        for number in [SIGTERM, SIGINT] {
            signals.append(
                try EventLoop.shared.onSignal(number) { [weak self] in self?.beginStop() })
        }
        signals.append(
            try EventLoop.shared.onSignal(SIGHUP) { [weak self] in
                guard let self else { return }
                spawn { await self.reload() }
            })
    }

    /// Delivered records and raw frames are removed after their time, in small steps.
    private func watchRetention() {
        retention = EventLoop.shared.every(.seconds(21_600), tolerance: .seconds(600)) {
            [weak self] in
            guard let self else { return }
            spawn { await self.applyRetention() }
        }
    }

    private func applyRetention() async {
        let delivered = Interval(configuration.retention.delivered)
        let frames = Interval(configuration.retention.rawFrames)
        while let result = try? await spool.applyRetention(
            delivered: delivered, rawFrames: frames, now: GatewayTime.now().utc), result.isMore,
            !isStopping
        {}
    }

    private func beginStop() {
        guard !isStopping else { return }
        isStopping = true
        ServiceManager.stopping()
        Log.notice("stopping")
        spawn { await self.stop() }
    }

    /// Nothing has brought an adapter back: ends with a code for which systemd starts the daemon anew.
    ///
    /// Only under a service manager, and only after a while, so that it is no loop.
    private func endOfLadder() -> Bool {
        guard !isStopping, ServiceManager.isPresent else { return false }
        let (now, path) = (GatewayTime.now().steady, EndOfLadder.path(options.stateDirectory))
        let before = EndOfLadder(reading: path)
        guard now - startedSteady >= EndOfLadder.run(before: before, boot: Boot.current, now: now)
        else { return false }
        let after = EndOfLadder.after(before, boot: Boot.current, now: now)
        do throws(StateFileFailure) {
            try StateFile.write(after.document, to: path)
        } catch {
            Log.warning("state-not-kept", ["problem": "\(error)"])
        }
        Log.error(
            "bluetooth-hopeless", ["exit": "\(Self.hopelessExit)", "in_a_row": "\(after.ends)"])
        exitCode = Self.hopelessExit
        beginStop()
        return true
    }

    /// `EX_UNAVAILABLE`.
    static let hopelessExit: Int32 = 69

    /// Links first (what they have is stored), then the uplink's current batch, then the store.
    private func stop() async {
        await readers.stop()
        await bluetooth?.stop()
        await usb?.stop()
        stopChecking.set()
        reloadRetry = nil
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        uplink.finish()
        let patience = spawn { [uplinkTask] in
            // A receiver that does not answer must not hold up the stop; its batch keeps its key.
            if (try? await sleep(for: .seconds(3))) != nil { uplinkTask?.cancel() }
        }
        await uplinkTask?.value
        patience.cancel()
        intake.end()
        server.stop()
        await spool.close()
        Log.notice("stopped")
        EventLoop.shared.stop(exitCode)
    }
}

extension Roster {
    /// The owners and the consent that the configuration names.
    init(_ configuration: Configuration) {
        var ownerships: [Ownership] = []
        var grants: [ConsentGrant] = []
        for participant in configuration.participants {
            for device in participant.devices {
                ownerships.append(
                    Ownership(
                        participant: participant.id.text, model: device.model,
                        address: device.address, serial: device.serial, slot: device.slot,
                        wearingPosition: device.wearingPosition, assetNumber: device.assetNumber))
            }
            for consent in participant.consent {
                grants.append(
                    ConsentGrant(
                        participant: participant.id.text, destination: consent.destination,
                        kinds: consent.kinds))
            }
        }
        self.init(ownerships: ownerships, grants: grants)
    }
}
