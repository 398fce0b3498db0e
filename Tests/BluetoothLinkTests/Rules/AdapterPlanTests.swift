import Testing

@testable import BluetoothLink

/// The rules of one adapter, without a bus.
@Suite struct AdapterPlanTests {
    static func plan(powered: Bool = true, scanning: Bool = false) -> AdapterPlan {
        var plan = AdapterPlan()
        plan.reset(daemonIsUp: true, isPresent: true, isPowered: powered)
        if scanning { _ = plan.finished(.startDiscovery, nil) }
        return plan
    }
    static func failed(_ message: String = "Failed") -> BusError {
        BusError(name: "org.bluez.Error.Failed", message: message)
    }
    static let hung = BusError(name: BusError.timeoutName, message: "")
    static let inProgress = BusError(name: "org.bluez.Error.InProgress", message: "")

    struct Situation: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var daemonIsUp = true
        var isPresent = true
        var isPowered = true
        var isScanning = false
        var pauses = 0
        var step: AdapterPlan.Step
        var state: AdapterState
    }
    static let situations = [
        Situation(
            testDescription: "no bluetoothd", daemonIsUp: false, isPresent: false,
            isPowered: false, step: .rest, state: .noBluetoothd),
        Situation(
            testDescription: "no adapter", isPresent: false, isPowered: false, step: .rest,
            state: .absent),
        Situation(testDescription: "off", isPowered: false, step: .powerOn, state: .off),
        Situation(testDescription: "on", step: .startDiscovery, state: .starting),
        Situation(testDescription: "scanning", isScanning: true, step: .rest, state: .scanning),
        Situation(
            testDescription: "scanning, a connection wants the radio", isScanning: true, pauses: 1,
            step: .stopDiscovery, state: .scanning),
        Situation(
            testDescription: "not scanning yet, a connection has the radio", pauses: 1,
            step: .rest, state: .starting),
        Situation(
            testDescription: "off with a connection waiting", isPowered: false, pauses: 1,
            step: .powerOn, state: .off),
    ]

    @Test(arguments: situations)
    func `each situation has one next step and one state`(_ situation: Situation) {
        var plan = AdapterPlan()
        plan.reset(
            daemonIsUp: situation.daemonIsUp, isPresent: situation.isPresent,
            isPowered: situation.isPowered)
        if situation.isScanning { _ = plan.finished(.startDiscovery, nil) }
        plan.pauses = situation.pauses
        #expect(plan.nextStep == situation.step)
        #expect(plan.state == situation.state)
    }

    @Test func `after a pause discovery starts again, and the state never flickers`() {
        var plan = Self.plan(scanning: true)
        plan.pauses = 1
        _ = plan.finished(.stopDiscovery, nil)
        #expect(plan.nextStep == .rest && plan.state == .scanning)
        plan.pauses = 0
        #expect(plan.nextStep == .startDiscovery && plan.state == .scanning)
        _ = plan.finished(.startDiscovery, nil)
        #expect(plan.nextStep == .rest && plan.state == .scanning)
    }

    @Test func `a discovery that does not start again after a pause shows`() {
        var plan = Self.plan(scanning: true)
        plan.pauses = 1
        _ = plan.finished(.stopDiscovery, nil)
        plan.pauses = 0
        _ = plan.finished(.startDiscovery, Self.failed())
        #expect(plan.state == .starting)
    }

    @Test func `a radio that is asked and answers scans on, without a sign and without a flicker`()
    {
        var plan = Self.plan(scanning: true)
        plan.question()
        #expect(plan.nextStep == .stopDiscovery && plan.state == .scanning)
        _ = plan.finished(.stopDiscovery, nil)
        #expect(plan.nextStep == .startDiscovery && plan.state == .scanning)
        _ = plan.finished(.startDiscovery, nil)
        #expect(plan.nextStep == .rest && plan.state == .scanning)
        #expect(plan.counters == AdapterPlan.Counters())
    }

    @Test func `a radio that is asked and does not answer comes to each step after three tries`() {
        var plan = Self.plan(scanning: true)
        plan.question()
        _ = plan.finished(.stopDiscovery, nil)
        for step in Recovery.allCases.dropLast() {
            for _ in 1...3 {
                #expect(plan.nextStep == .startDiscovery)
                _ = plan.finished(.startDiscovery, Self.failed())
            }
            #expect(plan.nextStep == .recover(step))
            _ = plan.finished(.recover(step), nil)
            _ = plan.finished(.powerOn, nil)
        }
        #expect(plan.counters.signs == [.startFailed: 5])
    }

    enum Busy: CaseIterable { case paused, connected, stopped }
    @Test(arguments: Busy.allCases)
    func `nobody asks a radio that is at work or is not scanning`(_ busy: Busy) {
        var plan = Self.plan(scanning: busy != .stopped)
        if busy == .paused { plan.pauses = 1 }
        if busy == .connected { plan.hasLinks = true }
        plan.question()
        #expect(!plan.isQuestioned)
    }

    struct PowerFailure: Sendable {
        var error: BusError
        var switchedOff: Bool
        var state: AdapterState
        var delay: Duration
        var signs: Int
    }
    @Test(arguments: [
        PowerFailure(
            error: BusError(name: "org.bluez.Error.Busy", message: ""), switchedOff: false,
            state: .off, delay: .milliseconds(500), signs: 0),
        PowerFailure(
            error: BusError(name: "org.bluez.Error.Blocked", message: ""), switchedOff: false,
            state: .blocked, delay: .seconds(15), signs: 0),
        PowerFailure(
            error: failed(), switchedOff: true, state: .blocked, delay: .seconds(15), signs: 0),
        PowerFailure(
            error: failed(), switchedOff: false, state: .off, delay: .seconds(1), signs: 1),
        PowerFailure(
            error: BusError(name: "org.freedesktop.DBus.Error.UnknownObject", message: ""),
            switchedOff: false, state: .off, delay: .seconds(1), signs: 0),
    ])
    func `power that does not come says why, and is tried again`(_ failure: PowerFailure) {
        var plan = Self.plan(powered: false)
        let delay = plan.finished(.powerOn, failure.error, switchedOff: failure.switchedOff)
        #expect(delay == failure.delay)
        #expect(plan.state == failure.state)
        #expect(plan.counters.signs.values.reduce(0, +) == failure.signs)
        #expect(plan.nextStep == .powerOn)
        plan.powerChanged(to: true)
        #expect(plan.nextStep == .startDiscovery && plan.state == .starting)
    }

    @Test func `retries of power are spaced out to a minute and no further`() {
        var plan = Self.plan(powered: false)
        let delays = (0..<9).map { _ in plan.finished(.powerOn, Self.failed()) }
        #expect(delays == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func `the first sign asks for the mild step, the second for the strong one`() {
        var plan = Self.plan(scanning: true)
        plan.note(.discoveringLost)
        #expect(plan.nextStep == .recover(.restartDiscovery))
        _ = plan.finished(.recover(.restartDiscovery), nil)
        #expect(plan.nextStep == .startDiscovery)
        _ = plan.finished(.startDiscovery, Self.hung)
        #expect(plan.nextStep == .recover(.powerCycle))
        _ = plan.finished(.recover(.powerCycle), nil)
        #expect(plan.nextStep == .powerOn)
        _ = plan.finished(.powerOn, nil)
        _ = plan.finished(.startDiscovery, nil)
        #expect(plan.state == .scanning)
        #expect(plan.counters.recoveries == [.restartDiscovery: 1, .powerCycle: 1])
    }

    @Test func `an advertisement between two signs makes the second one a first one again`() {
        var plan = Self.plan(scanning: true)
        plan.note(.discoveringLost)
        _ = plan.finished(.recover(.restartDiscovery), nil)
        _ = plan.finished(.startDiscovery, nil)
        plan.provedAlive()
        plan.note(.discoveringLost)
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test func `a power cycle never ends connections that work`() {
        var plan = Self.plan(scanning: true)
        plan.hasLinks = true
        for _ in 0..<5 { plan.note(.callHung) }
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test func `a recovery waits for the connection attempt that has the radio`() {
        var plan = Self.plan(scanning: true)
        plan.pauses = 1
        _ = plan.finished(.stopDiscovery, Self.hung)
        #expect(plan.counters.signs == [.stopFailed: 1])
        #expect(plan.nextStep == .rest)
        plan.pauses = 0
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test(arguments: [
        failed("No discovery started"), inProgress,
        BusError(name: "org.bluez.Error.NotReady", message: ""),
    ])
    func `a stop of what is not running is no sign of anything`(_ error: BusError) {
        var plan = Self.plan(scanning: true)
        plan.pauses = 1
        #expect(plan.finished(.stopDiscovery, error) == nil)
        #expect(plan.counters.signs.isEmpty && plan.nextStep == .rest)
    }

    @Test
    func `a start that fails now and then is only tried again, one that keeps failing is a sign`() {
        var plan = Self.plan()
        #expect(plan.finished(.startDiscovery, Self.failed()) == .seconds(1))
        #expect(plan.finished(.startDiscovery, Self.failed()) == .seconds(2))
        #expect(plan.counters.signs.isEmpty && plan.nextStep == .startDiscovery)
        _ = plan.finished(.startDiscovery, Self.failed())
        #expect(plan.counters.signs == [.startFailed: 1])
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test func `a power cycle that fails leaves the adapter to be started as it is`() {
        var plan = Self.plan(scanning: true)
        plan.note(.callHung)
        plan.note(.callHung)
        let delay = plan.finished(.recover(.powerCycle), Self.failed())
        #expect(delay != nil)
        #expect(plan.nextStep == .startDiscovery)
    }

    @Test func `a power cycle that hangs is one more sign, and the next step is taken`() {
        var plan = Self.plan(scanning: true)
        plan.note(.callHung)
        plan.note(.callHung)
        _ = plan.finished(.recover(.powerCycle), Self.hung)
        #expect(plan.nextStep == .recover(.managementReset))
    }

    /// Signs until a power cycle has not helped, and all that is stronger is refused.
    private static func climb(_ plan: inout AdapterPlan) -> Duration? {
        var delay: Duration?
        for _ in 0..<20 {
            let step = plan.nextStep
            switch step {
            case .recover(let recovery) where recovery > .powerCycle:
                delay = plan.finished(step, BusError.notPermitted("here"))
                if delay != nil { return delay }
            case .startDiscovery: delay = plan.finished(step, inProgress)
            default: delay = plan.finished(step, nil)
            }
        }
        return delay
    }

    @Test func `where little is permitted, a radio that refuses for seconds is back in seconds`() {
        var plan = Self.plan(scanning: true)
        plan.note(.discoveringLost)
        #expect(Self.climb(&plan) == .seconds(4), "what may not be tried is no reason to wait")
        #expect(plan.counters.refusedRecoveries.count == 4)
        #expect(plan.nextStep == .recover(.powerCycle))
        // It goes on failing: ever more seldom.
        #expect(
            (0..<6).map { _ in Self.climb(&plan) } == [8, 16, 32, 60, 60, 60].map(Duration.seconds))
        // A sign of life, and the next trouble begins at the mild end.
        plan.provedAlive()
        plan.note(.discoveringLost)
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test func `whatever was set up is forgotten with bluetoothd, what was counted is not`() {
        var plan = Self.plan(scanning: true)
        plan.note(.callHung)
        plan.reset(daemonIsUp: false, isPresent: false, isPowered: false)
        #expect(plan.state == .noBluetoothd && plan.nextStep == .rest)
        plan.reset(daemonIsUp: true, isPresent: true, isPowered: true)
        #expect(plan.nextStep == .startDiscovery)
        #expect(plan.counters.signs == [.callHung: 1])
    }

    @Test(arguments: [
        (-1, 1), (0, 1), (1, 1), (2, 2), (6, 32), (7, 60), (1000, 60), (Int.max, 60),
    ])
    func `the back-off is bounded for any count`(failures: Int, seconds: Int) {
        #expect(AdapterPlan.backOff(failures) == .seconds(seconds))
    }

    @Test func `the states have the names of the contract`() {
        #expect(
            AdapterState.allCases.map(\.rawValue) == [
                "absent", "off", "blocked", "starting", "scanning", "no-bluetoothd",
            ])
    }
}
