import DeviceProfile
import Measurement

/// Messages on their way to the store: decoded, dated, queued.
extension WireSession {
    mutating func decode(_ bytes: [UInt8], request: [UInt8]) {
        let source: FrameSource = profile.transport == .serial ? .serial : .usb
        guard let layout = profile.layout(for: source) ?? profile.layouts.first else { return }
        var context = FrameContext()
        context.request = request
        for reading in layout.readings(bytes, context) {
            deliver(reading, RawFrame(source: layout.source.description, bytes: bytes))
        }
    }

    private mutating func deliver(_ reading: Reading, _ frame: RawFrame) {
        guard weighing != nil else { return enqueue(reading, frame) }
        switch weighing?.take(reading, frame) {
        case .began(let plateau)?: actions.append(.startTimer(.pause, plateau))
        case .ended?: actions.append(.cancelTimer(.pause))
        case .report?: enqueue(reading, frame)
        case .same?, nil: break
        }
    }

    /// The value stood still for as long as the profile asks: it is the weighing's one record.
    mutating func standsStill() {
        guard let (reading, frame) = weighing?.settled() else { return }
        enqueue(reading, frame)
    }

    private mutating func enqueue(_ reading: Reading, _ frame: RawFrame) {
        let delivery: Delivery = plan.procedure == .listen ? .pushed : .requested
        let evidence = TimeEvidence(delivery, clock)
        var entry = SessionEntry(
            reading: reading, frames: [frame], received: now,
            record: builder.record(
                reading, device: device, received: now, evidence: evidence),
            key: builder.key(reading, device: device.id, received: now))
        entry.evidence = evidence
        if !builder.hasOwnIdentity(reading), weighing == nil { entry.duplicateWindow = .seconds(5) }
        if let time = reading.deviceTime {
            memory.newestDeviceTime = max(memory.newestDeviceTime ?? time, time)
        }
        queue.append(entry)
    }
}
