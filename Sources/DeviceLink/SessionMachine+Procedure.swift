import DeviceProfile
import Measurement

/// Runs a procedure as one step: hands it what happens and does what it wants.
extension SessionMachine {
    private var situation: ProcedureSituation {
        ProcedureSituation(
            now: now, zone: builder.engine.zone, owner: owner, model: model,
            cursor: memory.nextSequence, characteristics: Set(characteristics.keys),
            clockOffset: clock.check?.offset(rules: profile.time, zone: builder.engine.zone))
    }

    private var model: String? {
        let names = [owner.model, device.model].compactMap { $0 }
        // A procedure's own table may tell models apart that the profile's list does not name.
        return names.compactMap(profile.modelName).first ?? names.first
    }

    mutating func startProcedure(_ plan: ProcedurePlan) {
        var made = Procedures.make(plan)
        let wanted = made.start(situation)
        procedure = made
        perform(wanted)
    }

    /// Gives an event to the procedure that runs; false where none does.
    @discardableResult
    mutating func procedureTakes(_ event: ProcedureEvent) -> Bool {
        guard case .procedure = current, var running = procedure else { return false }
        let wanted = running.handle(event, situation)
        procedure = running
        perform(wanted)
        return true
    }

    /// A value that is an answer to the procedure; false where it is a reading of its own.
    mutating func procedureHears(_ uuid: BluetoothUUID, _ bytes: [UInt8]) -> Bool {
        guard case .procedure = current, let procedure else { return false }
        if procedure.listens(to: uuid) { return procedureTakes(.value(uuid, bytes)) }
        procedureTakes(.elsewhere)
        return false
    }

    private mutating func perform(_ wanted: [ProcedureAction]) {
        for action in wanted {
            guard case .procedure = current else { return }
            switch action {
            case .subscribe(let uuid): actions.append(.subscribe(uuid))
            case .write(let uuid, let bytes): actions.append(.write(uuid, bytes))
            case .await(let time): actions.append(.startTimer(.response, time))
            case .pause(let time): actions.append(.startTimer(.settle, time))
            case .stopWaiting: actions.append(.cancelTimer(.response))
            case .clock(let time, let latency): clockShown(time, latency)
            case .clockSet:
                clockWasSet()
                actions.append(.note(.clockSet(at: now.utc)))
            case .frame(let source, let bytes, let slot): take(bytes, source, slot)
            case .cursor(let place):
                memory.nextSequence = place
                queue.memoryChanged = true
            case .user(let index):
                consentedUser = index
                namedUser = nil
            case .note(let note): actions.append(.note(note))
            case .finished: endProcedure()
            case .failed(let why): close(.interrupted(why), disconnect: true)
            case .needsPerson(let what): close(.needsPerson(what), disconnect: true)
            }
        }
    }

    private mutating func endProcedure() {
        procedure = nil
        actions.append(.cancelTimer(.response))
        if emptySlots > 0 {
            actions.append(.note(.recordAccess("\(emptySlots) slots of the memory are empty")))
        }
        emptySlots = 0
        next()
    }

    private mutating func clockShown(_ time: LocalDateTime?, _ latency: Interval) {
        guard let time else {
            return actions.append(.note(.clockUnreadable("the device has no date")))
        }
        clockShown(.wall(time), latency: latency)
    }

    private mutating func take(_ bytes: [UInt8], _ source: FrameSource, _ slot: Int?) {
        guard let layout = profile.layout(for: source) else {
            return actions.append(
                .note(.refused(step: "procedure", "the profile has no layout for \(source)")))
        }
        // Memory is read whole: its empty slots are counted, not stored.
        if layout.readings(bytes).allSatisfy({ $0.flags.contains("empty-slot") }) {
            emptySlots += 1
        } else {
            decode(bytes, layout, as: .requested, userSlot: slot)
        }
    }
}
