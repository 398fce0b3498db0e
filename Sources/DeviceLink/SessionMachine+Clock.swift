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
        case .settling: return operations.contains(where: reads)
        case .running: return operations.contains(where: reads) || current.map(reads) ?? false
        case .draining, .closing, .finished: return false
        }
    }

    mutating func clockRead(_ uuid: BluetoothUUID, _ bytes: [UInt8], _ latency: Interval) {
        var reader = ByteReader(bytes)
        guard let field = try? DateTimeField(parsing: &reader) else {
            return actions.append(.note(.clockUnreadable("\(bytes.count) bytes are no clock")))
        }
        guard let time = field.known else {
            return actions.append(.note(.clockUnreadable("the device has no date")))
        }
        let check = ClockCheck(gateway: now, device: time, latency: latency)
        let offset = now.utc - instant(time)
        clock.check = check
        forgetStepNotTaken(offset)
        memory.clockOffset = offset
        memory.clockCheckedAt = now.utc
        memory.clockLatency = latency
        queue.memoryChanged = true
        actions.append(.note(.clockRead(offset: offset)))
    }

    /// The moment that a time of this device means.
    private func instant(_ time: LocalDateTime) -> Instant {
        let zone = profile.time.clock == .utc ? TimeZoneRules.utc : builder.engine.zone
        return zone.instant(time)
    }

    /// A set that the device did not do after all shows by the next read: the old offset stands.
    private mutating func forgetStepNotTaken(_ offset: Interval) {
        guard let step = memory.clockSteps.last, step.setAt == memory.clockSetAt,
            Interval(microseconds: offset.microseconds - step.offset.microseconds).magnitude
                < offset.magnitude
        else { return }
        memory.clockSteps.removeLast()
        clock.steps.removeLast()
        clock.earlier?.offset = step.offset
    }

    mutating func setClock(_ uuid: BluetoothUUID, _ zone: SessionPlan.ClockZone) {
        guard now.synchronised else {
            let reason = "the gateway's own clock is not synchronised"
            actions.append(.note(.clockNotSet(because: reason)))
            return next()
        }
        actions.append(.setClock(uuid, zone))
    }

    /// The bytes of Date Time that set a clock at this moment: to the nearest second.
    package func clockBytes(_ clockZone: SessionPlan.ClockZone, at moment: GatewayTime) -> [UInt8] {
        let zone = clockZone == .utc ? TimeZoneRules.utc : builder.engine.zone
        return DateTimeField.bytes(zone.local(moment.utc + .milliseconds(500)))
    }

    /// Remembers that the clock shows the gateway's time from now on, and what it showed until now.
    mutating func clockWasSet() {
        memory.clockSetAt = now.utc
        queue.memoryChanged = true
        clock.wasSet = true
        guard let check = clock.check, case .wall(let time) = check.reading else { return }
        let offset = check.gateway.utc - instant(time)
        let step = ClockStep(
            deviceBefore: time.adding(now.utc - check.gateway.utc), offset: offset,
            setAt: now.utc, drained: false)
        clock.steps.append(step)
        // A clock that was right needs no memory: it would push out the steps that matter.
        guard offset.magnitude > builder.engine.tolerance(latency: check.latency) else { return }
        memory.clockSteps.append(step)
        memory.clockSteps.removeFirst(
            max(0, memory.clockSteps.count - DeviceMemory.maximumClockSteps))
    }
}
