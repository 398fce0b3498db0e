import DeviceLink
import DeviceProfile
import EventLoop
import Measurement
import Testing
import YAML

@testable import BluetoothLink

/// A session's surroundings: a device that follows a script, a store and a clock.
@LoopActor final class Stage {
    nonisolated static let cuff = """
        profile: 1
        id: test-cuff
        revision: 1
        title: A cuff
        class: blood-pressure
        medical-device: true
        manufacturer-code: Test
        models:
          - name: Cuff
        transport: ble-gatt
        confidence: verified
        match:
          - name-prefix: [Cuff]
        session:
          bond: just-works
          bond-lifetime: keep
          quiet: 30s
          steps:
            - read-clock: 2a08
            - set-clock: { characteristic: 2a08, time: utc }
            - subscribe: 2a35
        layouts:
          - source: gatt:2a35
            format: blood-pressure-measurement
          - source: gatt:2a08
            format: date-time
        time:
          clock: utc
          readings: mixed
        """
    /// Three measurements, a minute apart.
    nonisolated static let backlog: [[UInt8]] = (1...3).map { minute in
        [0x06, 120 + minute, 0, 80, 0, 93, 0, 0xEA, 7, 3, 1, 8, minute, 0, 64, 0]
    }

    let device = ScriptedDevice()
    let clock = StageClock()
    var commits: [SessionCommit] = []
    var notes: [SessionNote] = []
    var storeDelay: Duration = .zero
    var storeWorks = true
    var maximumEvents = 10_000
    var known: (@LoopActor @Sendable (BluetoothAddress) async -> KnownDevice?)?
    private let profile: DeviceProfile

    init(profile text: String) throws {
        let problems = ProblemList()
        guard
            let profile = ProfileLoader.load(
                Array(text.utf8), file: "test.yaml", problems: problems)
        else { throw Unusable(problems: "\(problems.problems)") }
        self.profile = profile
    }

    struct Unusable: Error { var problems: String }

    func makeRunner(_ peripheral: (any GATTPeripheral)? = nil) throws -> GATTSessionRunner {
        let machine = try #require(
            SessionMachine(
                profile: profile,
                device: DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01")),
                memory: DeviceMemory(), zone: .utc, simulated: false, now: clock.now()))
        var surroundings = GATTSessionRunner.Surroundings(
            commit: { [self] commit in
                if storeDelay > .zero { try? await sleep(for: storeDelay) }
                if storeWorks { commits.append(commit) }
                return storeWorks
            },
            note: { [self] in notes.append($0) })
        surroundings.clock = { [clock] in clock.now() }
        surroundings.maximumEvents = maximumEvents
        surroundings.known = known
        return GATTSessionRunner(
            machine: machine, peripheral: peripheral ?? device, surroundings: surroundings)
    }

    func run() async -> SessionEnd {
        do {
            return await (try makeRunner()).run()
        } catch {
            Issue.record(error)
            return .interrupted("no runner")
        }
    }

    func storedFrames() -> [[UInt8]] {
        commits.flatMap(\.entries).flatMap(\.frames).map(\.bytes)
    }

    var offsets: [Interval] {
        notes.compactMap { if case .clockRead(let offset) = $0 { offset } else { nil } }
    }
}

/// A clock that stands at 2026-03-01T08:15:00Z until it is moved.
@LoopActor final class StageClock {
    private var utc = Instant(seconds: 1_772_352_900)
    nonisolated init() {}

    func advance(_ time: Interval) { utc = utc + time }
    func now() -> GatewayTime {
        GatewayTime(
            utc: utc, monotonicNanoseconds: utc.microseconds * 1000, synchronised: true)
    }
}

/// A device of which every step is logged and may be made to fail.
@LoopActor final class ScriptedDevice: GATTPeripheral {
    var onValue: (@LoopActor (GATTValue) -> Void)?
    var onDisconnect: (@LoopActor (Bool, String) -> Void)?
    var log: [String] = []
    var failures: [String: LinkError] = [:]
    var written: [[UInt8]] = []
    var early: [[UInt8]] = []
    var onSubscribe: @LoopActor (ScriptedDevice) -> Void = { _ in }
    var onRead: @LoopActor () -> Void = {}
    var staleBond: LinkError?
    var identity: BluetoothAddress?
    var adapterFreeAt: GatewayTime?
    var radioQuietAt: GatewayTime?
    private var isConnected = false

    nonisolated init() {}

    private func step(_ name: String) throws(LinkError) {
        log.append(name)
        if let failure = failures[name] { throw failure }
    }

    func connect(
        within limit: Duration, priority: ConnectionPriority
    ) async throws(LinkError) -> Bool {
        try step("connect")
        isConnected = true
        return false
    }

    func bond(
        _ method: BondMethod, passkey: PasskeyProvider?, within limit: Duration
    ) async throws(LinkError) {
        try step("bond \(method.rawValue)")
    }

    func services(within limit: Duration) async throws(LinkError) -> [GATTService] {
        try step("services")
        return [
            GATTService(
                uuid: .bloodPressureService,
                characteristics: [
                    GATTCharacteristic(uuid: .bloodPressureMeasurement, properties: [.indicate]),
                    GATTCharacteristic(uuid: .dateTime, properties: [.read, .write]),
                ])
        ]
    }

    func read(_ uuid: BluetoothUUID) async throws(LinkError) -> [UInt8] {
        try step("read \(uuid)")
        onRead()
        return [0xEA, 7, 3, 1, 8, 15, 0]
    }

    func write(_ uuid: BluetoothUUID, _ bytes: [UInt8]) async throws(LinkError) {
        try step("write \(uuid)")
        written.append(bytes)
    }

    func subscribe(_ uuid: BluetoothUUID) async throws(LinkError) -> [GATTValue] {
        try step("subscribe \(uuid)")
        // After the answer, as a device that begins to send once it may.
        spawn { self.onSubscribe(self) }
        return early.map { GATTValue(uuid: uuid, bytes: $0, at: .now()) }
    }

    func disconnect() async {
        log.append("disconnect")
        guard isConnected else { return }
        isConnected = false
        onDisconnect?(false, "the gateway ended it")
    }

    func send(_ uuid: UInt32, _ bytes: [UInt8]) {
        onValue?(GATTValue(uuid: BluetoothUUID(uuid), bytes: bytes, at: .now()))
    }

    func leave() {
        isConnected = false
        onDisconnect?(true, "the link was lost")
    }
}
