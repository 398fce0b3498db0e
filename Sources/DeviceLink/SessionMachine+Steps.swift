package import DeviceProfile
package import Measurement

extension SessionMachine {
    /// Begins the next operation, or takes what the device still sends.
    mutating func next() {
        guard phase == .running else { return }
        guard !operations.isEmpty else {
            current = nil
            phase = .draining
            actions.append(.startTimer(.quiet, plan.quiet))
            return
        }
        let operation = operations.removeFirst()
        current = operation
        switch operation {
        case .readInformation(let uuid), .readClock(let uuid): actions.append(.read(uuid))
        case .setClock(let uuid, let zone): setClock(uuid, zone)
        case .subscribe(let uuid): actions.append(.subscribe(uuid))
        case .recordAccess(let plan): startRecordAccess(plan)
        case .write(let uuid, let bytes): actions.append(.write(uuid, bytes))
        case .wait(let time): actions.append(.startTimer(.settle, time))
        }
    }

    // MARK: reads

    mutating func valueRead(_ uuid: BluetoothUUID, _ bytes: [UInt8], _ latency: Interval) {
        switch current {
        case .readInformation(uuid): information(uuid, bytes)
        case .readClock(uuid): clockRead(uuid, bytes, latency)
        default: return
        }
        next()
    }

    mutating func readFailed(_ uuid: BluetoothUUID, _ error: LinkError) {
        if endsSession(error) { return close(after: error) }
        if case .readClock = current {
            actions.append(.note(.clockUnreadable(error.summary)))
        } else {
            actions.append(.note(.refused(step: "read \(uuid)", error.summary)))
        }
        next()
    }

    private mutating func information(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        if uuid == .batteryLevel {
            guard let level = bytes.first, level <= 100 else {
                return actions.append(.note(.refused(step: "battery", "a level above 100 %")))
            }
            memory.batteryPercent = Int(level)
            queue.memoryChanged = true
            return actions.append(.note(.battery(percent: Int(level))))
        }
        // Fields may be padded with NUL (Bluetooth layouts, Device Information).
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        let trimmed = String(text.drop { $0.isWhitespace }.prefix(50))
        guard !trimmed.isEmpty else { return }
        switch uuid {
        case .manufacturerName: device.manufacturer = trimmed
        case .modelNumber: device.model = trimmed
        case .serialNumber: device.serial = trimmed
        case .firmwareRevision: device.firmware = trimmed
        default: return
        }
        actions.append(.note(.information(device)))
    }

    // MARK: the clock

    private mutating func clockRead(_ uuid: BluetoothUUID, _ bytes: [UInt8], _ latency: Interval) {
        var reader = ByteReader(bytes)
        guard let field = try? DateTimeField(parsing: &reader) else {
            return actions.append(.note(.clockUnreadable("\(bytes.count) bytes are no clock")))
        }
        guard let time = field.known else {
            return actions.append(.note(.clockUnreadable("the device has no date")))
        }
        let check = ClockCheck(gateway: now, device: time, latency: latency)
        clock.check = check
        let offset = check.offset(clock: profile.time.clock, zone: builder.engine.zone)
        memory.clockOffset = offset
        memory.clockCheckedAt = now.utc
        queue.memoryChanged = true
        actions.append(.note(.clockRead(offset: offset)))
    }

    private mutating func setClock(_ uuid: BluetoothUUID, _ zone: SessionPlan.ClockZone) {
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

    mutating func written() {
        switch current {
        case .setClock:
            clockWasSet()
            next()
        case .write: next()
        case .recordAccess: break  // The answer comes as an indication.
        default: break
        }
    }

    private mutating func clockWasSet() {
        memory.clockSetAt = now.utc
        queue.memoryChanged = true
        actions.append(.note(.clockSet(at: now.utc)))
        clock.wasSet = true
        guard let check = clock.check else { return }
        let offset = check.offset(clock: profile.time.clock, zone: builder.engine.zone)
        let step = ClockStep(
            deviceBefore: check.device, offset: offset, setAt: now.utc, drained: false)
        clock.steps.append(step)
        memory.clockSteps.append(step)
        memory.clockSteps.removeFirst(
            max(0, memory.clockSteps.count - DeviceMemory.maximumClockSteps))
    }

    mutating func writeFailed(_ error: LinkError) {
        if endsSession(error) { return close(after: error) }
        switch current {
        case .setClock:
            actions.append(.note(.clockSetFailed(error.summary)))
            next()
        case .recordAccess: recordAccessRefused(error.summary)
        case .write:
            actions.append(.note(.refused(step: "write", error.summary)))
            next()
        default: break
        }
    }

    mutating func subscribeFailed(_ uuid: BluetoothUUID, _ error: LinkError) {
        if endsSession(error) { return close(after: error) }
        actions.append(.note(.refused(step: "subscribe \(uuid)", error.summary)))
        next()
    }

    /// A refusal is the device's answer; everything else means that the link is of no use.
    private func endsSession(_ error: LinkError) -> Bool {
        switch error {
        case .refused(let code, _): wasBonded && (code == 0x05 || code == 0x0F)
        case .noSuchCharacteristic: false
        default: true
        }
    }

    mutating func timerFired(_ timer: SessionTimer) {
        switch (timer, phase) {
        case (.settle, .settling):
            phase = .running
            next()
        case (.settle, .running):
            if case .wait = current { next() }
        case (.quiet, .draining): close(.complete, disconnect: true)
        case (.response, .running):
            if case .recordAccess = current {
                close(
                    .interrupted("the device did not finish sending its records"), disconnect: true)
            }
        case (.join, _): flushJoins()
        default: break
        }
    }
}
