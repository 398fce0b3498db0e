package import DeviceProfile
package import Measurement

/// The device's clock in a session: read, then set, and what later sessions must know of it.
extension SessionMachine {
    /// The clock will be read yet; what is dated before would be dated without it.
    var isClockDue: Bool {
        func reads(_ operation: SessionOperation) -> Bool {
            if case .readClock = operation { true } else { false }
        }
        switch phase {
        case .connecting, .bonding, .discovering:
            return plan.steps.contains { if case .readClock = $0 { true } else { false } }
                || awaitsClock
        case .settling: return operations.contains(where: reads) || awaitsClock
        case .running:
            return operations.contains(where: reads) || current.map(reads) ?? false || awaitsClock
        case .draining, .closing, .finished: return false
        }
    }

    /// The device will send its time by itself.
    private var awaitsClock: Bool { clock.check == nil && plan.clockOnNotification != nil }

    // MARK: what the device's clock shows

    mutating func clockRead(_ uuid: BluetoothUUID, _ bytes: [UInt8], _ latency: Interval) {
        switch shownClock(uuid, bytes) {
        case .nothing(let why): actions.append(.note(.clockUnreadable(why)))
        case .clock(let shown, let state): clockShown(shown, state, latency: latency)
        }
    }

    /// A clock that the device sends by itself; frames that show no clock change nothing.
    mutating func clockNotified(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        guard uuid == .currentTime || uuid == .elapsedTime || isClockFrame(uuid, bytes)
        else { return }
        switch shownClock(uuid, bytes) {
        case .nothing(let why): actions.append(.note(.clockUnreadable(why)))
        case .clock(let shown, let state):
            clockShown(shown, state)
            answerClock(uuid)
        }
    }

    private func isClockFrame(_ uuid: BluetoothUUID, _ bytes: [UInt8]) -> Bool {
        switch profile.layout(for: .gatt(uuid))?.format {
        case .fields(let layout): layout.isClock
        case .variants(let variants): variants.first { $0.fits(bytes) }?.isClock ?? false
        default: false
        }
    }

    private enum Shown {
        case clock(ClockReading, ClockState)
        case nothing(String)
    }

    private mutating func shownClock(_ uuid: BluetoothUUID, _ bytes: [UInt8]) -> Shown {
        if uuid == .elapsedTime {
            guard let time = try? ElapsedTime(parsing: bytes) else {
                return .nothing("\(bytes.count) bytes are no elapsed time")
            }
            clock.isUnset = clock.isUnset || time.needsSetting ?? false
            return time.reading.map { .clock($0, time.clockState) }
                ?? .nothing("the device has no date")
        }
        if let layout = profile.layout(for: .gatt(uuid)), layout.isOwn {
            let reading = layout.decode(bytes)
            if let tick = reading.tick {
                let rules = profile.time
                let shown = ClockReading.ticks(
                    tick, length: rules.tickLength, bits: rules.tickBits)
                return .clock(shown, reading.clockState)
            }
            guard let time = reading.baseTime ?? reading.deviceTime else {
                return .nothing(reading.reason ?? "the device has no date")
            }
            return .clock(.wall(time), reading.clockState)
        }
        var reader = ByteReader(bytes)
        guard let field = try? DateTimeField(parsing: &reader) else {
            return .nothing("\(bytes.count) bytes are no clock")
        }
        return field.known.map { .clock(.wall($0), ClockState()) }
            ?? .nothing("the device has no date")
    }

    /// Takes what the device's clock shows now; the first one is the check of the session.
    ///
    /// A later one that continues it changes nothing; one that does not means that the clock was
    /// changed meanwhile (rule T8): what is stamped before keeps the offset of before.
    package mutating func clockShown(
        _ reading: ClockReading, _ state: ClockState = ClockState(), latency: Interval = .zero
    ) {
        let check = ClockCheck(gateway: now, reading: reading, latency: latency, state: state)
        guard let offset = check.offset(rules: profile.time, zone: builder.engine.zone) else {
            clock.check = check
            return
        }
        guard let former = expectedClock() else {
            clock.check = check
            forgetStepNotTaken(offset)
            return remember(offset)
        }
        let jump = Interval(microseconds: former.offset.microseconds - offset.microseconds)
        guard jump.magnitude > builder.engine.tolerance(latency: latency) else { return }
        let isNotTaken = clock.wasSet && forgetStepNotTaken(offset)
        if !isNotTaken, case .wall(let time) = reading { clockChanged(former, to: time, state) }
        clock.check = check
        clock.wasSet = false
        clock.earlier?.offset = offset
        clock.earlier?.knownAt = now.utc
        remember(offset)
    }

    /// What the clock should show now by what is known of it.
    private func expectedClock() -> (time: LocalDateTime, offset: Interval)? {
        guard var check = clock.check, case .wall(let time) = check.reading else { return nil }
        check.gateway = check.gateway.resolved(by: now)
        guard let offset = check.offset(rules: profile.time, zone: builder.engine.zone)
        else { return nil }
        let elapsed = Interval(
            microseconds: (now.monotonicNanoseconds - check.gateway.monotonicNanoseconds) / 1_000)
        let shown = time.adding(elapsed)
        return clock.wasSet ? (shown.adding(offset), .zero) : (shown, offset)
    }

    private mutating func clockChanged(
        _ former: (time: LocalDateTime, offset: Interval), to time: LocalDateTime,
        _ state: ClockState
    ) {
        let step = ClockStep(
            deviceBefore: former.time, offset: former.offset,
            setAt: builder.engine.zone.instant(time, profile.time, state), drained: false)
        clock.steps.append(step)
        guard now.synchronised else { return }
        keep(step)
    }

    /// What a clock that is itself wrong measured is no memory for later sessions.
    private mutating func remember(_ offset: Interval) {
        actions.append(.note(.clockRead(offset: offset)))
        guard now.synchronised else { return }
        memory.clockOffset = offset
        memory.clockCheckedAt = now.utc
        memory.clockLatency = clock.check?.latency
        queue.memoryChanged = true
    }

    /// A set that the device did not do after all shows by the next read: the old offset stands.
    @discardableResult
    private mutating func forgetStepNotTaken(_ offset: Interval) -> Bool {
        guard now.synchronised, let step = memory.clockSteps.last,
            step.setAt == memory.clockSetAt,
            Interval(microseconds: offset.microseconds - step.offset.microseconds).magnitude
                < offset.magnitude
        else { return false }
        memory.clockSteps.removeLast()
        clock.steps.removeLast()
        clock.earlier?.offset = step.offset
        return true
    }

    /// Takes what the device said of its clock in the broadcast that began the session.
    package mutating func sighted(_ advertisement: Advertisement) {
        let readings = profile.layouts.compactMap { layout in
            advertisement.payload(for: layout.source).map { layout.decode($0) }
        }
        if readings.contains(where: { $0.flags.contains(Reading.timeNotSetFlag) }) {
            clock.isUnset = true
        }
    }

    // MARK: setting it

    /// Why no clock may be written now; nil where it may be.
    ///
    /// Every write of a clock asks here first, whatever protocol it goes through.
    package var clockRefusal: String? {
        now.synchronised ? nil : "the gateway's own clock is not synchronised"
    }

    mutating func setClock(_ uuid: BluetoothUUID, _ setting: ClockSetting) {
        if let reason = clockRefusal {
            actions.append(.note(.clockNotSet(because: reason)))
            return next()
        }
        actions.append(.setClock(uuid, setting))
    }

    /// The device has told its time and waits for ours (Omron).
    private mutating func answerClock(_ uuid: BluetoothUUID) {
        guard let (target, setting) = plan.clockOnNotification, target == uuid, !clock.wasSet,
            !hasAnsweredClock,
            !operations.contains(.setClock(uuid, setting)), current != .setClock(uuid, setting)
        else { return }
        guard characteristics[uuid]?.contains(.write) ?? false else {
            return actions.append(
                .note(.clockNotSet(because: "the device has no writable \(uuid)")))
        }
        // Once: a device that cuts seconds would ask for ever.
        hasAnsweredClock = true
        operations.insert(.setClock(uuid, setting), at: 0)
        guard phase == .draining else { return }
        actions.append(.cancelTimer(.quiet))
        phase = .running
        next()
    }

    /// The bytes that set a clock at this moment.
    package func clockBytes(_ setting: ClockSetting, at moment: GatewayTime) -> [UInt8] {
        setting.bytes(moment.utc, local: builder.engine.zone)
    }

    /// The wall clock to write at this moment, to the nearest second, for protocols of their own.
    package func clockTime(
        _ zone: SessionPlan.ClockZone, at moment: GatewayTime
    ) -> LocalDateTime {
        ClockSetting.wholeSecond(moment.utc, zone, local: builder.engine.zone)
    }

    /// Remembers that the clock shows the gateway's time from now on, and what it showed until now.
    package mutating func clockWasSet() {
        memory.clockSetAt = now.utc
        queue.memoryChanged = true
        let former = expectedClock()
        let isUnchanged = clock.wasSet
        clock.wasSet = true
        guard let former, !isUnchanged, let check = clock.check else { return }
        let step = ClockStep(
            deviceBefore: former.time, offset: former.offset, setAt: now.utc, drained: false)
        clock.steps.append(step)
        // A clock that was right needs no memory: it would push out the steps that matter.
        guard former.offset.magnitude > builder.engine.tolerance(latency: check.latency)
        else { return }
        keep(step)
    }

    private mutating func keep(_ step: ClockStep) {
        memory.clockSteps.append(step)
        memory.clockSteps.removeFirst(
            max(0, memory.clockSteps.count - DeviceMemory.maximumClockSteps))
        queue.memoryChanged = true
    }
}

extension SessionPlan {
    /// The clock that is set as soon as the device has sent its own time.
    var clockOnNotification: (BluetoothUUID, ClockSetting)? {
        for case .setClock(let uuid, let setting) in steps where setting.occasion == .notification {
            return (uuid, setting)
        }
        return nil
    }
}

extension FrameLayout {
    /// The profile spells the frame out itself.
    fileprivate var isOwn: Bool {
        switch format {
        case .fields, .variants: true
        default: false
        }
    }
}
