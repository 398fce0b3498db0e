import DeviceProfile
import Measurement
import PersonalHealth

/// The gateway as the manager of a device that speaks IEEE 11073-20601, over PHDC or a serial line.
///
/// A device with a store is read and let go. One without reports whenever it has something: the
/// session stays, through any number of associations, until the device is unplugged.
struct PersonalHealthProcedure: WireProcedure {
    private var manager: Manager
    /// A line has no endpoint 0.
    private let isOnUSB: Bool
    /// The first request has no answer yet; a device that refuses it works without.
    private var isGreeting = false

    init(_ plan: WirePlan) {
        isOnUSB = plan.line == nil
        manager = Manager(ManagerOptions(setsClock: plan.setsClock))
    }

    var isAtRest: Bool { manager.isAtRest }

    mutating func know(_ configurations: [KnownConfiguration]) {
        manager.options.known = configurations
    }

    mutating func take(_ input: WireInput) -> [WireStep] {
        switch input {
        case .opened:
            guard isOnUSB else { return [] }
            isGreeting = true
            // GET_STATUS of the device: meters begin to speak when somebody asked for it.
            return [.control(ControlTransfer(requestType: 0x80, request: 0, length: 2))]
        case .control, .done:
            isGreeting = false
            return []
        case .refused where isGreeting:
            isGreeting = false
            return []
        case .received(let bytes): return steps(manager.take(.received(bytes)))
        case .stored: return steps(manager.take(.stored))
        case .timedOut: return steps(manager.take(.timedOut))
        case .time(let local, let minutes):
            return steps(manager.take(.time(local, utcOffsetMinutes: minutes)))
        case .timeUnknown: return steps(manager.take(.timeUnknown))
        case .refused(let why): return [.broken(why)]
        default: return []
        }
    }

    private func steps(_ actions: [ManagerAction]) -> [WireStep] {
        actions.flatMap { step($0) }
    }

    private func step(_ action: ManagerAction) -> [WireStep] {
        switch action {
        case .send(let bytes): [.send(bytes)]
        case .expect(let time): [.expect(time)]
        case .system(let system): about(system)
        case .report(let report): report.steps
        case .store: [.store]
        case .askTime: [.askTime]
        case .clockSet: [.clockSet]
        case .note(let note): [.note(.refused(step: "ieee-11073-20601", note.text))]
        case .drained(let isOver): isOver ? [.complete] : []
        case .broken(let why): [.broken(why)]
        case .remember(let known): [.note(.configuration(known, isKept: true))]
        case .forget(let known): [.note(.configuration(known, isKept: false))]
        // Who the agent is comes again with its attributes.
        case .associated: []
        }
    }

    private func about(_ system: MedicalSystem) -> [WireStep] {
        var steps: [WireStep] = [
            .model(manufacturer: system.manufacturer, name: system.model)
        ]
        if let serial = system.serial { steps.append(.serial(serial)) }
        if let firmware = system.firmware { steps.append(.firmware(firmware)) }
        if let percent = system.batteryPercent, percent <= 100 {
            steps.append(.note(.battery(percent: percent)))
        }
        switch system.clock {
        case .absolute(let time?)?: steps.append(.clock(time))
        case .baseOffset(_?, let minutes)?:
            guard let local = system.clock?.wall else { break }
            steps.append(.clock(local, utcOffsetMinutes: minutes))
        case .absolute(nil)?, .baseOffset(nil, _)?:
            steps.append(.note(.clockUnreadable("the device has no date")))
        case .relative?, .hiRes?, nil: break
        }
        if let ticks = system.hiResClock, let count = ticks.tick, let length = ticks.tickLength {
            steps.append(.ticks(count, length: length))
        }
        return steps
    }
}

extension ManagerReport {
    /// The counter comes first: what is stamped with it is dated by it.
    fileprivate var steps: [WireStep] {
        var steps: [WireStep] = []
        let isCounted = samples.contains { if case .relative? = $0.time { true } else { false } }
        if isCounted, let relativeNow, let length = AgentTime.relative(0).tickLength {
            steps.append(.ticks(relativeNow, length: length))
        }
        steps.append(.message(apdu, request: context, isPushed: !isStored))
        return steps
    }
}

extension ManagerNote {
    /// What happened, for a person; no value and no number of a device.
    fileprivate var text: String {
        switch self {
        case .refused(let error): "malformed APDU, \(error)"
        case .dropped(let bytes): "\(bytes) bytes dropped"
        case .rejected(let result): "association \(result.text)"
        case .aborted(let reason, let byAgent):
            "association aborted by the \(byAgent ? "device" : "gateway"): \(reason.text)"
        case .released(let reason): "association released, reason \(reason)"
        case .requestFailed(let what): what
        case .unexpected(let what): "unexpected: \(what)"
        }
    }
}
