import DeviceLink
import DeviceProfile
import EventLoop
import Glibc
import Measurement
import Spool
import USBLink

/// Ties USB and serial devices to profiles and store: a plug is matched, a session runs, and a pull
/// ends it; what is plugged in and is not served is listed with the reason.
@LoopActor final class USBService {
    private let intake: Intake
    private let spool: Spool
    private let counters: Counters
    private let zone: TimeZoneRules
    private let profiles: @LoopActor () -> ProfileIndex
    private let tree: DeviceTree
    let bindings: PortBindings
    private var host: USBHost?
    private var lines: LineWatcher?
    private var messages: KernelMessages?
    private var scanning: Task<Void, Never>?
    private var scanAgain = false
    private var ports: [USBPath: PluggedPort] = [:]
    /// Sessions until their end, also those whose device has left its port.
    private var running: [Int: Task<Void, Never>] = [:]
    private var runs = 0
    private var isStopping = false
    private let ended = LoopCondition()
    /// The station whose reader a device is: it is left to it.
    var stationOf: @LoopActor (USBDeviceInfo) -> String? = { _ in nil }
    /// Devices came or went.
    var onChange: @LoopActor () -> Void = {}
    /// Devices whose descriptors cannot be what they say.
    private(set) var refusals = 0
    /// Why USB is not watched; nil while it is.
    private(set) var problem: String?

    init(
        intake: Intake, spool: Spool, counters: Counters, zone: TimeZoneRules,
        bindings: PortBindings, tree: DeviceTree = DeviceTree(),
        profiles: @escaping @LoopActor () -> ProfileIndex
    ) {
        self.intake = intake
        self.spool = spool
        self.counters = counters
        self.zone = zone
        self.bindings = bindings
        self.tree = tree
        self.profiles = profiles
    }

    /// The open library, for what is no device that measures.
    var library: USBHost? { host }

    /// How far the library's thread has come; nil while there is none.
    var work: WorkMeter.Reading? { host?.work }

    var state: String { problem == nil ? "watching" : "unavailable" }

    /// What is plugged in, in the order of the sockets.
    var plugged: [PluggedPort] { ports.values.sorted { "\($0.info.path)" < "\($1.info.path)" } }

    /// What happens with a device now.
    func state(of device: DeviceID) -> String? {
        ports.values.first { $0.info.identity == device }?.state
    }

    /// The serial lines of a plugged device.
    func lines(of path: USBPath) -> [String] { tree.lines(path) }

    // MARK: start and end

    /// Watches for devices until the task is cancelled.
    func run() async {
        var pause = Duration.seconds(1)
        while !Task.isCancelled, !isStopping {
            if await watch() { break }
            guard (try? await sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, .seconds(600))
        }
        while !isStopping { if (try? await ended.wait()) == nil { break } }
    }

    private func watch() async -> Bool {
        do throws(USBError) {
            // First the messages, then the look: what comes in between is seen twice, not missed.
            messages = try KernelMessages { [weak self] in self?.scan() }
            let host = try USBHost(tree: tree) { [weak self] in self?.changed() }
            self.host = host
            await host.scan()
            lines = LineWatcher { [weak self] in self?.recheck() }
            problem = nil
            Log.notice("usb-watching")
            return true
        } catch {
            problem = error.description
            counters.count("usb_unavailable")
            Log.warning("usb-unavailable", ["reason": error.description])
            messages = nil
            return false
        }
    }

    /// Ends all sessions after what they have is stored; every device is given back.
    func stop() async {
        isStopping = true
        lines = nil
        messages = nil
        await scanning?.value
        for port in ports.values { port.session?.runner.stop() }
        // A session of a device that was pulled a moment ago may still be storing what it had.
        for task in running.values { await task.value }
        host?.stop()
        host = nil
        ended.broadcast()
    }

    // MARK: plugs and pulls

    /// The kernel told of something: its tree is looked at, once for any number of messages.
    private func scan() {
        guard let host, !isStopping else { return }
        guard scanning == nil else { return scanAgain = true }
        scanning = spawn { [self] in
            repeat {
                scanAgain = false
                await host.scan()
                refusals = await host.refusals
                // Nothing is waited for from here on: a message that comes then begins a look of its own.
            } while scanAgain
            scanning = nil
            // A message of udev may mean that a node was given to the group.
            recheck()
        }
    }

    private func changed() {
        guard let host, !isStopping else { return }
        let present = host.present
        let now = Dictionary(uniqueKeysWithValues: present.map { ($0.path, $0) })
        for (path, port) in ports where now[path]?.generation != port.info.generation {
            port.session?.runner.unplugged()
            ports[path] = nil
            counters.count("usb_unplugged")
        }
        for info in present {
            if ports[info.path] == nil {
                counters.count("usb_plugged")
                ports[info.path] = PluggedPort(info: info)
            } else if ports[info.path]?.session == nil, ports[info.path]?.info != info {
                ports[info.path]?.info = info
            } else {
                continue
            }
            settle(info.path)
        }
        onChange()
    }

    private static let settling = Duration.milliseconds(100)
    private static let mostLooks = 15

    /// Waits until the kernel has made the interfaces, for as long as that ever takes, then decides.
    private func settle(_ path: USBPath) {
        guard let port = ports[path], port.retry == nil else { return }
        guard !port.info.isSettled, port.looks < Self.mostLooks else { return consider(path) }
        ports[path]?.looks += 1
        ports[path]?.retry = EventLoop.shared.after(Self.settling) { [weak self] in
            guard let self, let host, ports[path]?.info.generation == port.info.generation
            else { return }
            ports[path]?.retry = nil
            spawn {
                await host.scan()
                // A message may have shown the rest before this, while the timer was still set.
                guard let left = self.ports[path], left.isUndecided(since: port) else { return }
                self.settle(path)
            }
        }
    }

    /// Looks again at all that is not served: a line came, a port was bound, profiles changed.
    func recheck() {
        for (path, port) in ports where port.session == nil && port.retry == nil {
            if port.profile == nil { consider(path) }
        }
    }

    /// Ends the session of every port whose own binding has changed, and looks at it anew.
    func bindingChanged() {
        for (path, port) in ports where port.isOutdated(bound: bound(port.info)?.id) {
            // What the session has is stored first; its end looks at the port.
            if let session = port.session { session.runner.stop() } else { anew(path) }
        }
    }

    private func anew(_ path: USBPath) {
        ports[path]?.beginAnew()
        consider(path)
    }

    private func bound(_ info: USBDeviceInfo) -> DeviceProfile? {
        bindings.profile(path: "\(info.path)", serial: info.ownSerial).flatMap {
            profiles()[id: $0]
        }
    }

    private func consider(_ path: USBPath) {
        guard !isStopping, let port = ports[path], port.session == nil else { return }
        if let station = stationOf(port.info) {
            ports[path]?.state = "the reader of \(station)"
            return
        }
        let bound = bound(port.info)
        ports[path]?.binding = bound?.id
        let index = profiles()
        let fitting = index.match(CableDevice(port.info))
        let decision = PortRules.decide(
            port.info, bound: bound, fitting: fitting, lines: tree.lines(path))
        switch decision {
        case .leave(let why):
            guard port.state != why else { return }
            ports[path]?.state = why
            counters.count("usb_left_alone")
        case .serve(let ids):
            guard isPermitted(path, ids.first.flatMap { index[id: $0] }) else { return }
            ports[path]?.profile = ids.first
            begin(path, ids.compactMap { index[id: $0] })
        }
    }

    /// Whether the nodes may be opened; if not, the next message of udev is waited for.
    private func isPermitted(_ path: USBPath, _ profile: DeviceProfile?) -> Bool {
        guard let profile, let info = ports[path]?.info else { return true }
        let closed = CableLinks.nodes(profile, info, tree.lines(path)).first {
            access($0, R_OK | W_OK) != 0 && errno == EACCES
        }
        guard let closed else { return true }
        let state = "needs-person: \(USBError.permission(node: closed))"
        guard ports[path]?.state != state else { return false }
        ports[path]?.state = state
        counters.count("usb_no_permission")
        Log.warning("usb-no-permission", ["node": closed])
        return false
    }

    // MARK: sessions

    private func begin(_ path: USBPath, _ candidates: [DeviceProfile]) {
        guard let info = ports[path]?.info, let host, let first = candidates.first else { return }
        guard intake.trouble == nil else { return again(path, info, "the store takes nothing") }
        guard let transport = CableLinks.make(first, info, host, tree.lines(path)) else {
            ports[path]?.state = "\(first.id): the device lacks the interface it needs"
            counters.count("usb_wrong_interface")
            return
        }
        ports[path]?.state = "session"
        let attempt = ports[path]?.nextAttempt() ?? 0
        spawn { [self] in await start(path, info, attempt, candidates, transport) }
    }

    private func start(
        _ path: USBPath, _ info: USBDeviceInfo, _ attempt: Int, _ candidates: [DeviceProfile],
        _ transport: any WireTransport
    ) async {
        let device = DeviceDescription(
            id: info.identity, address: "\(info.path)", manufacturer: info.manufacturerName,
            serial: info.ownSerial)
        guard let memory = try? await spool.memory(of: device.id) ?? DeviceMemory() else {
            counters.count("sessions_without_memory")
            guard isWanted(path, info, attempt) else { return }
            return again(path, info, "the store cannot be read")
        }
        let known = await configurations(for: candidates[0])
        guard isWanted(path, info, attempt) else { return }
        guard
            let session = WireSession(
                candidates: candidates, device: device, memory: memory, known: known, zone: zone,
                simulated: false, now: GatewayTime.now())
        else {
            ports[path]?.state = "\(candidates[0].id) names no procedure that is known"
            counters.count("usb_no_procedure")
            return
        }
        let runner = WireSessionRunner(
            session: session, transport: transport,
            surroundings: WireSessionRunner.Surroundings(
                clock: { GatewayTime.now() },
                commit: { [weak self] in await self?.take($0, path, info) ?? false },
                note: { [weak self] in self?.note($0, device) }))
        ports[path]?.session = PluggedPort.Session(runner: runner)
        runs += 1
        let run = runs
        running[run] = spawn { [self] in
            counters.count("sessions_started")
            try? await spool.noteDevice(
                device, profile: candidates[0].id, seenAt: GatewayTime.now().utc)
            Log.info(
                "session-started",
                ["device": device.id.shortened, "profile": candidates[0].id, "link": "usb"])
            let end = await runner.run()
            finished(path, info, device, end)
            running[run] = nil
        }
    }

    /// Whether the device is still there and nothing else was decided about it meanwhile.
    private func isWanted(_ path: USBPath, _ info: USBDeviceInfo, _ attempt: Int) -> Bool {
        guard let port = ports[path], !isStopping else { return false }
        return port.info.generation == info.generation && port.attempt == attempt
    }

    private func take(
        _ commit: SessionCommit, _ path: USBPath, _ info: USBDeviceInfo
    ) async -> Bool {
        guard case .stored(let new) = await intake.take(commit) else { return false }
        if ports[path]?.info.generation == info.generation { ports[path]?.session?.new += new }
        return true
    }

    /// What devices told of themselves before; without the store they tell it again.
    private func configurations(for profile: DeviceProfile) async -> [KnownConfiguration] {
        guard profile.wire?.procedure == .personalHealth else { return [] }
        return (try? await spool.agentConfigurations()) ?? []
    }

    /// Nobody waits for it: where it fails, the device tells its configuration once more.
    private func keep(_ configuration: KnownConfiguration, _ isKept: Bool) {
        counters.count(isKept ? "usb_configurations_told" : "usb_configurations_forgotten")
        spawn { [spool, counters] in
            do throws(SpoolError) {
                guard isKept else { return try await spool.drop(configuration) }
                let fits = try await spool.keep(configuration, at: GatewayTime.now().utc)
                if !fits { counters.count("usb_configurations_too_long") }
            } catch {
                counters.count("usb_configurations_not_kept")
            }
        }
    }

    private func note(_ note: SessionNote, _ device: DeviceDescription) {
        if case .refused(let step, _) = note { counters.count("usb_refused_\(step)") }
        if case .configuration(let known, let isKept) = note { keep(known, isKept) }
        SessionLog.write(note, device: device)
    }

    private func finished(
        _ path: USBPath, _ info: USBDeviceInfo, _ device: DeviceDescription, _ end: SessionEnd
    ) {
        let isHere = ports[path]?.info.generation == info.generation
        let new = isHere ? ports[path]?.session?.new ?? 0 : 0
        Log.info(
            "session-ended",
            ["device": device.id.shortened, "end": "\(end)", "new": "\(new)", "link": "usb"])
        counters.count(end.counter)
        guard isHere else { return }
        ports[path]?.session = nil
        switch ports[path]?.next(after: end, bound: bound(info)?.id) {
        case .anew: anew(path)
        case .rest:
            ports[path]?.succeeded()
            ports[path]?.state = "read"
        case .again(let why): again(path, info, why)
        case .wait(let why):
            ports[path]?.state = "needs-person: \(why)"
            later(path, info, .seconds(300))
        case nil: break
        }
    }

    private func again(_ path: USBPath, _ info: USBDeviceInfo, _ why: String) {
        guard ports[path]?.info.generation == info.generation, !isStopping else { return }
        guard let pause = ports[path]?.failed() else { return }
        ports[path]?.state = "again soon: \(why)"
        later(path, info, pause)
    }

    /// Tries once more while the device stays plugged in.
    private func later(_ path: USBPath, _ info: USBDeviceInfo, _ wait: Duration) {
        guard ports[path]?.info.generation == info.generation, !isStopping else { return }
        ports[path]?.retry = EventLoop.shared.after(wait, tolerance: wait / 10) { [weak self] in
            guard let self, ports[path]?.info.generation == info.generation else { return }
            ports[path]?.retry = nil
            consider(path)
        }
    }
}

extension SessionEnd {
    fileprivate var counter: String {
        switch self {
        case .complete: "sessions_complete"
        case .interrupted: "sessions_interrupted"
        case .needsPerson: "sessions_need_person"
        }
    }
}
