import DeviceProfile
import Measurement

/// Messages on their way to the store: decoded, dated, queued.
extension WireSession {
    mutating func decode(_ messages: [[UInt8]], request: [UInt8], isPushed: Bool) {
        let source: FrameSource = profile.transport == .serial ? .serial : .usb
        guard let layout = profile.layout(for: source) ?? profile.layouts.first else { return }
        var context = FrameContext()
        context.request = request
        let all = messages.map { (bytes: $0, readings: layout.readings($0, context)) }
        noteChanges(all.flatMap { $0.readings.compactMap(\.clockChange) })
        for (bytes, readings) in all {
            // What a message is read together with is kept in front of it.
            let kept = plan.procedure == .personalHealth ? request + bytes : bytes
            let frame = RawFrame(source: layout.source.description, bytes: kept)
            for reading in readings {
                if Self.learning.contains(plan.procedure) { learn(reading, request) }
                deliver(reading, frame, isPushed: isPushed)
            }
        }
    }

    /// What is stored was dated by a clock that the device says it changed since.
    private mutating func noteChanges(_ changes: [RecordedClockChange]) {
        for change in changes where !clock.changes.contains(change) { clock.changes.append(change) }
        clock.changes = RecordedClockChange.joined(clock.changes)
    }

    /// Procedures whose commands are the profile's, which says by their names what answers mean.
    private static let learning: Set<WirePlan.Procedure> = [.commands, .abbottSerial, .glucomen]

    /// What the answers to the profile's commands say of the device itself.
    private mutating func learn(_ reading: Reading, _ request: [UInt8]) {
        guard reading.outcome == .deviceState else { return }
        if let serial = reading.details.first(where: { $0.name == "serial" })?.value {
            device.serial = serial
        }
        if request == plan.command("clock"), let time = reading.deviceTime { clockRead(time) }
    }

    private mutating func deliver(_ reading: Reading, _ frame: RawFrame, isPushed: Bool) {
        guard weighing != nil else { return enqueue(reading, frame, isPushed: isPushed) }
        switch weighing?.take(reading, frame) {
        case .began(let plateau)?: actions.append(.startTimer(.pause, plateau))
        case .ended?: actions.append(.cancelTimer(.pause))
        case .report?: enqueue(reading, frame, isPushed: isPushed)
        case .same?, nil: break
        }
    }

    /// The value stood still for as long as the profile asks: it is the weighing's one record.
    mutating func standsStill() {
        guard let (reading, frame) = weighing?.settled() else { return }
        enqueue(reading, frame, isPushed: true)
    }

    private mutating func enqueue(_ reading: Reading, _ frame: RawFrame, isPushed: Bool) {
        let isLive = isPushed || plan.procedure == .listen
        let delivery: Delivery = isLive ? .pushed : .requested
        let evidence = TimeEvidence(delivery, clock)
        var entry = SessionEntry(
            reading: reading, frames: [frame], received: now,
            record: builder.record(
                reading, device: device, received: now, evidence: evidence),
            key: builder.key(reading, device: device, received: now))
        entry.evidence = evidence
        if !builder.hasOwnIdentity(reading), weighing == nil { entry.duplicateWindow = .seconds(5) }
        if let time = reading.deviceTime {
            memory.newestDeviceTime = max(memory.newestDeviceTime ?? time, time)
        }
        queue.append(entry)
    }
}
