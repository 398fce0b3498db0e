import DeviceProfile
import Measurement

/// The steps of the profile, one after the other.
extension SessionMachine {
    /// Begins the next operation, or takes what the device still sends.
    mutating func next() {
        guard phase == .running else { return }
        current = nil
        if repliesComeFirst() { return }
        if !isClockDue { flushHeld() }
        guard !operations.isEmpty else {
            phase = .draining
            actions.append(.startTimer(.quiet, plan.quiet))
            return
        }
        begin(operations.removeFirst())
    }

    private mutating func begin(_ operation: SessionOperation) {
        current = operation
        switch operation {
        case .readInformation(let uuid), .readClock(let uuid): actions.append(.read(uuid))
        case .readFeature(let uuid): featuresAreDue ? actions.append(.read(uuid)) : next()
        case .setClock(let uuid, let zone): setClock(uuid, zone)
        case .subscribe(let uuid): actions.append(.subscribe(uuid))
        case .recordAccess(let plan): startRecordAccess(plan)
        case .write(let uuid, let bytes): actions.append(.write(uuid, bytes))
        case .compose(let uuid, let parts): compose(uuid, parts)
        case .expect(let plan): expect(plan)
        case .answer(let rule):
            answers.append(rule)
            next()
        case .procedure(let plan): startProcedure(plan)
        case .leave: close(.complete, disconnect: true)
        case .wait(let time): actions.append(.startTimer(.settle, time))
        }
    }

    // MARK: reads

    /// What the device is was read in an earlier session: its values come first, then that once more.
    mutating func postponeInformation() {
        featureReads = operations.filter { if case .readFeature = $0 { true } else { false } }
        postponed = operations.filter { isKnown($0) }
        var first = operations.filter { !isKnown($0) }
        let end = first.last == .leave ? first.count - 1 : first.count
        first.insert(contentsOf: postponed, at: end)
        operations = first
    }

    private func isKnown(_ operation: SessionOperation) -> Bool {
        guard case .readInformation(let uuid) = operation else { return false }
        return switch uuid {
        case .manufacturerName: device.manufacturer != nil
        case .modelNumber: device.model != nil
        case .serialNumber: device.serial != nil
        case .firmwareRevision: device.firmware != nil
        default: true  // The battery's level is no part of a record.
        }
    }

    /// Nothing is left but what was postponed: a device that leaves now has said all.
    var isWindingUp: Bool {
        guard hasSubscription, let current, postponed.contains(current) else { return false }
        return operations.allSatisfy { postponed.contains($0) || $0 == .leave }
    }

    mutating func valueRead(_ uuid: BluetoothUUID, _ bytes: [UInt8], _ latency: Interval) {
        switch current {
        case .readInformation(uuid): information(uuid, bytes)
        case .readFeature(uuid): feature(uuid, bytes)
        case .readClock(uuid): clockRead(uuid, bytes, latency)
        default: return
        }
        next()
    }

    mutating func readFailed(_ uuid: BluetoothUUID, _ error: LinkError) {
        switch current {
        case .readClock(uuid):
            if endsSession(error) { return close(after: error) }
            actions.append(.note(.clockUnreadable(error.summary)))
        case .readInformation(uuid), .readFeature(uuid):
            // The end of the link is told by itself.
            if isWindingUp, case .disconnected = error { return }
            if endsSession(error) { return close(after: error) }
            actions.append(.note(.refused(step: "read \(uuid)", error.summary)))
        default: return
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
        case .firmwareRevision:
            if let before = device.firmware, before != trimmed { askFeaturesAgain() }
            device.firmware = trimmed
        default: return
        }
        actions.append(.note(.information(device)))
    }

    /// Another firmware may be able to do other things; those that were passed over come at the end.
    private mutating func askFeaturesAgain() {
        featuresAreDue = true
        let passed = featureReads.filter { !operations.contains($0) }
        postponed += passed
        operations = passed + operations
    }

    private mutating func feature(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        do throws(DecodeError) {
            abilities += try DeviceAbilities.read(uuid, bytes).filter { !abilities.contains($0) }
        } catch {
            return actions.append(.note(.refused(step: "features \(uuid)", error.description)))
        }
        memory.abilities = abilities
        queue.memoryChanged = true
        actions.append(.note(.abilities(abilities)))
    }

    // MARK: writes and subscriptions

    mutating func written(_ uuid: BluetoothUUID) {
        if replyEnded(uuid, nil) { return }
        switch current {
        case .setClock(uuid, _):
            clockWasSet()
            actions.append(.note(.clockSet(at: now.utc)))
            next()
        case .write(uuid, _): next()
        case .compose(uuid, let parts):
            composedWasWritten(parts)
            next()
        case .procedure: procedureTakes(.written(uuid))
        default: break  // That of a control point is answered by an indication.
        }
    }

    mutating func writeFailed(_ uuid: BluetoothUUID, _ error: LinkError) {
        if replyEnded(uuid, error) { return }
        switch current {
        case .setClock(uuid, _):
            if case .refused = error { current = nil }
            if endsSession(error) { return close(after: error) }
            actions.append(.note(.clockSetFailed(error.summary)))
            next()
        case .procedure:
            if endsSession(error) { return close(after: error) }
            procedureTakes(.refused(uuid, error))
        case .write(uuid, _), .compose(uuid, _):
            if endsSession(error) { return close(after: error) }
            actions.append(.note(.refused(step: "write", error.summary)))
            next()
        case .recordAccess(let plan) where plan.controlPoint == uuid:
            if endsSession(error) { return close(after: error) }
            recordAccessRefused(error.summary)
        default: break
        }
    }

    mutating func subscribed(_ uuid: BluetoothUUID) {
        if procedureTakes(.subscribed(uuid)) { return hasSubscription = true }
        guard case .subscribe(uuid) = current else { return }
        hasSubscription = true
        if shortfall == Self.nothingSubscribed { shortfall = nil }
        next()
    }

    mutating func subscribeFailed(_ uuid: BluetoothUUID, _ error: LinkError) {
        if case .procedure = current {
            if endsSession(error) { return close(after: error) }
            procedureTakes(.refused(uuid, error))
            return
        }
        guard case .subscribe(uuid) = current else { return }
        if endsSession(error) { return close(after: error) }
        actions.append(.note(.refused(step: "subscribe \(uuid)", error.summary)))
        if !hasSubscription, shortfall == nil { shortfall = Self.nothingSubscribed }
        next()
    }

    private static let nothingSubscribed = "the device took no subscription"

    /// A refusal is the device's answer; everything else means that the link is of no use.
    func endsSession(_ error: LinkError) -> Bool {
        switch error {
        case .refused(let code, _): isBonded && Self.isAboutBond(code)
        case .noSuchCharacteristic: false
        default: true
        }
    }

    /// Insufficient Authentication and Insufficient Encryption, although a bond is there.
    static func isAboutBond(_ code: UInt8?) -> Bool { code == 0x05 || code == 0x0F }

    // MARK: timers

    mutating func timerFired(_ timer: SessionTimer) {
        switch (timer, phase) {
        case (.settle, .settling):
            phase = .running
            next()
        case (.settle, .running):
            if procedureTakes(.timeout) { return }
            if case .wait = current { next() }
        case (.quiet, .draining): close(.complete, disconnect: true)
        case (.response, .running):
            if procedureTakes(.timeout) { return }
            if case .expect(let plan) = current { return expectedIsLate(plan) }
            if case .recordAccess = current {
                close(
                    .interrupted("the device did not finish sending its records"), disconnect: true)
            }
        case (.join, _): flushJoins()
        default: break
        }
    }
}
