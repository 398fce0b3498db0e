/// The rules of one adapter: what is known of it, what it needs next, what a failure means.
///
/// Pure: `AdapterControl` performs the steps and tells what came of them. Recovery is armed by real
/// signs of breakage only; a room in which nothing advertises is not one.
struct AdapterPlan: Sendable, Equatable {
    /// What bluetoothd says.
    var daemonIsUp = false
    var isPresent = false
    var isPowered = false
    var hasLinks = false
    /// How many connection attempts want the radio for themselves.
    var pauses = 0

    /// bluetoothd holds a discovery session of ours.
    private(set) var hasSession = false
    /// Scanning, or pausing it for a connection: that lasts as long as the attempt.
    private var isServing = false
    private(set) var isBlocked = false
    /// Nothing was heard for long: discovery is stopped and started, to see whether the radio answers.
    private(set) var isQuestioned = false
    /// Signs of breakage since the radio last proved that it works.
    private(set) var trouble = 0
    private(set) var pendingRecovery: Recovery?
    private(set) var counters = Counters()
    private var powerFailures = 0
    private var startFailures = 0

    enum Step: Sendable, Equatable {
        case rest
        case powerOn
        case startDiscovery
        case stopDiscovery
        case recover(Recovery)
    }

    /// A sign that the radio or bluetoothd is broken, not merely idle.
    enum Sign: String, Sendable, CaseIterable {
        case startFailed = "start-failed"
        case stopFailed = "stop-failed"
        case discoveringLost = "discovering-lost"
        case callHung = "call-hung"
        case connectHung = "connect-hung"
        case powerFailed = "power-failed"
    }

    struct Counters: Sendable, Equatable {
        var signs: [Sign: Int] = [:]
        /// Steps of the ladder that were taken, and those that are not permitted here.
        var recoveries: [Recovery: Int] = [:]
        var refusedRecoveries: [Recovery: Int] = [:]
    }

    var state: AdapterState {
        if !daemonIsUp { return .noBluetoothd }
        if !isPresent { return .absent }
        if isBlocked && !isPowered { return .blocked }
        if !isPowered { return .off }
        return isServing ? .scanning : .starting
    }

    var nextStep: Step {
        guard daemonIsUp, isPresent else { return .rest }
        // Past the power cycle the steps are for a controller that takes no power either.
        if let pendingRecovery, pendingRecovery > .powerCycle, !hasLinks {
            return .recover(pendingRecovery)
        }
        guard isPowered else { return .powerOn }
        if pauses > 0 { return hasSession ? .stopDiscovery : .rest }
        if let pendingRecovery { return .recover(pendingRecovery) }
        if isQuestioned { return .stopDiscovery }
        return hasSession ? .rest : .startDiscovery
    }

    // MARK: What bluetoothd tells

    /// bluetoothd or the adapter went away or came: whatever was set up in it is gone.
    mutating func reset(daemonIsUp: Bool, isPresent: Bool, isPowered: Bool) {
        self.daemonIsUp = daemonIsUp
        self.isPresent = isPresent
        endSession()
        isBlocked = false
        pendingRecovery = nil
        powerFailures = 0
        startFailures = 0
        self.isPowered = isPowered
    }

    /// Power came or went; bluetoothd drops all discovery sessions with it.
    mutating func powerChanged(to powered: Bool) {
        isPowered = powered
        if powered { isBlocked = false } else { endSession() }
    }

    /// An advertisement or a connection: the radio works.
    mutating func provedAlive() {
        trouble = 0
        startFailures = 0
    }

    /// Has the radio asked whether it works, which its silence does not tell.
    ///
    /// bluetoothd tries a round of discovery again and again without a word where the controller
    /// does not answer; a start of ours is answered with the truth.
    mutating func question() {
        isQuestioned = hasSession && pauses == 0 && !hasLinks
    }

    /// Takes a sign of breakage; the first asks for the mildest step, each further one for the next.
    mutating func note(_ sign: Sign) {
        counters.signs[sign, default: 0] += 1
        // The stronger steps would end the connections that still work.
        guard !hasLinks else {
            trouble = max(trouble, 1)
            return pendingRecovery = .restartDiscovery
        }
        trouble += 1
        pendingRecovery = .step(trouble)
    }

    // MARK: What came of a step

    /// Takes the end of a step.
    ///
    /// - Parameter switchedOff: a radio switch keeps the adapter off.
    /// - Returns: how long the next step has to wait.
    mutating func finished(
        _ step: Step, _ failure: BusError?, switchedOff: Bool = false
    ) -> Duration? {
        switch step {
        case .rest: return nil
        case .powerOn: return poweredOn(failure, switchedOff)
        case .startDiscovery: return started(failure)
        case .stopDiscovery: return stopped(failure)
        case .recover(let recovery): return recovered(recovery, failure)
        }
    }

    private mutating func poweredOn(_ failure: BusError?, _ switchedOff: Bool) -> Duration? {
        guard let failure else {
            isPowered = true
            isBlocked = false
            powerFailures = 0
            return nil
        }
        // bluetoothd is powering a fresh adapter by itself.
        if failure.name == "org.bluez.Error.Busy" { return .milliseconds(500) }
        // It was pulled out at this moment: bluetoothd's signal is on its way.
        if failure.isUnknownObject { return .seconds(1) }
        isBlocked = switchedOff || failure.name == "org.bluez.Error.Blocked"
        if isBlocked { return .seconds(15) }
        powerFailures += 1
        if powerFailures == 1 { counters.signs[.powerFailed, default: 0] += 1 }
        // Power that keeps failing, with no switch that is off: what is stronger than power is next.
        if powerFailures % 3 == 0 {
            trouble = max(trouble + 1, Recovery.managementReset.rawValue)
            pendingRecovery = .step(trouble)
        }
        return Self.backOff(powerFailures)
    }

    private mutating func started(_ failure: BusError?) -> Duration? {
        guard let failure else {
            hasSession = true
            isServing = true
            startFailures = 0
            return nil
        }
        endSession()
        startFailures += 1
        if failure.isTimeout {
            note(.callHung)
        } else if failure.name == "org.bluez.Error.InProgress" || startFailures % 3 == 0 {
            // bluetoothd believes in a session that we do not have, or cannot start one.
            note(.startFailed)
        }
        // Once the whole ladder has not helped there is time.
        return Self.backOff(max(startFailures, rounds == 0 ? 0 : rounds + 2))
    }

    private mutating func stopped(_ failure: BusError?) -> Duration? {
        hasSession = false
        isQuestioned = false
        // Failed, NotReady and InProgress: there was nothing to stop, or it is stopping.
        if let failure, failure.isTimeout { note(.stopFailed) }
        return nil
    }

    private mutating func recovered(_ recovery: Recovery, _ failure: BusError?) -> Duration? {
        pendingRecovery = nil
        if let failure, failure.isNotPermitted {
            counters.refusedRecoveries[recovery, default: 0] += 1
            trouble += 1
            pendingRecovery = .step(trouble)
            // Nothing of the ladder is left: it begins again, later. What may not be tried has taken no
            // time, so it does not make that wait longer.
            return pendingRecovery == .powerCycle ? Self.backOff(rounds + 2) : nil
        }
        endSession()
        counters.recoveries[recovery, default: 0] += 1
        startFailures = 0
        if recovery == .powerCycle { isPowered = failure != nil }
        guard let failure else { return recovery > .powerCycle ? .seconds(2) : nil }
        // A step that hangs is one more sign.
        if failure.isTimeout { note(.callHung) }
        return Self.backOff(trouble)
    }

    /// How often the whole ladder was climbed since the last sign of life.
    private var rounds: Int {
        let (steps, again) = (Recovery.allCases.count, Recovery.allCases.count - 1)
        return trouble <= steps ? 0 : (trouble - steps + again - 1) / again
    }

    private mutating func endSession() {
        hasSession = false
        isServing = false
        isQuestioned = false
    }

    /// 1, 2, 4 … 60 seconds.
    static func backOff(_ failures: Int) -> Duration {
        .seconds(min(60, 1 << min(6, max(0, failures - 1))))
    }
}

/// What an adapter is doing, as the status shows it.
package enum AdapterState: String, Sendable, CaseIterable {
    case absent
    case off
    case blocked
    case starting
    case scanning
    case noBluetoothd = "no-bluetoothd"
}
