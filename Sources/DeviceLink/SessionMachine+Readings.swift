import DeviceProfile
import Measurement

/// Records that were asked for and wait for the end of the request.
struct RecordAccessState: Sendable {
    var plan: RecordAccessPlan
    var request: [UInt8]
    var entries: [SessionEntry] = []
    /// Context frames whose measurement has not come (a meter sends them after it).
    var contexts: [Int: Reading] = [:]
    /// Dumps longer than this are stored in parts, so that memory stays bounded.
    static let maximumEntries = 2_000
}

extension SessionMachine {
    static let joinTimeout = Interval.seconds(2)

    mutating func notified(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        if phase == .draining { actions.append(.startTimer(.quiet, plan.quiet)) }
        if let state = recordAccess, uuid == state.plan.controlPoint {
            return recordAccessAnswered(bytes)
        }
        guard let layout = profile.layout(for: .gatt(uuid)) else {
            return actions.append(.note(.ignored(uuid, byteCount: bytes.count)))
        }
        if recordAccess != nil {
            actions.append(.startTimer(.response, recordAccess?.plan.timeout ?? .seconds(30)))
        }
        switch assembler.take(bytes, for: layout) {
        case .waiting: break
        case .broken(let error):
            actions.append(.note(.refused(step: "assembly", "\(error)")))
        case .whole(let whole): decode(whole, layout)
        }
    }

    /// A frame may hold several records; each one is stored for itself, with the whole frame.
    private mutating func decode(_ bytes: [UInt8], _ layout: FrameLayout) {
        let frame = RawFrame(source: layout.source.description, bytes: bytes)
        for reading in layout.readings(bytes) {
            if case .glucoseMeasurementContext = layout.format, reading.outcome != .rejected {
                joinContext(reading, frame)
            } else {
                deliver(reading, frame)
            }
        }
    }

    private mutating func deliver(_ reading: Reading, _ frame: RawFrame) {
        let entry = SessionEntry(
            reading: reading, frames: [frame], received: now, record: nil,
            key: builder.key(reading, device: device.id, received: now))
        if recordAccess != nil {
            recordAccess?.entries.append(entry)
            if recordAccess?.entries.count ?? 0 >= RecordAccessState.maximumEntries {
                storeCollected()
            }
        } else if reading.contextFollows, let sequence = reading.sequenceNumber {
            joins[sequence] = entry
            actions.append(.startTimer(.join, Self.joinTimeout))
        } else {
            enqueue(entry, .pushed)
        }
    }

    private mutating func joinContext(_ context: Reading, _ frame: RawFrame) {
        guard let sequence = context.sequenceNumber else { return }
        if let index = recordAccess?.entries.lastIndex(where: {
            $0.reading.sequenceNumber == sequence
        }) {
            recordAccess?.entries[index].reading.join(context: context)
            recordAccess?.entries[index].frames.append(frame)
        } else if var entry = joins.removeValue(forKey: sequence) {
            entry.reading.join(context: context)
            entry.frames.append(frame)
            enqueue(entry, .pushed)
        } else if recordAccess != nil {
            recordAccess?.contexts[sequence] = context
        } else {
            actions.append(
                .note(.refused(step: "join", "a context whose measurement did not come")))
        }
    }

    mutating func flushJoins() {
        for entry in joins.values.sorted(by: { $0.received.utc < $1.received.utc }) {
            enqueue(entry, .pushed)
        }
        joins = [:]
    }

    /// Dates and codes a reading and puts it into the next commit.
    private mutating func enqueue(_ entry: SessionEntry, _ delivery: Delivery) {
        var entry = entry
        entry.record = builder.record(
            entry.reading, device: device, received: entry.received, delivery: delivery,
            clock: clock)
        if !builder.hasOwnIdentity(entry.reading) { entry.duplicateWindow = .seconds(60) }
        if let time = entry.reading.deviceTime {
            memory.newestDeviceTime = max(memory.newestDeviceTime ?? time, time)
        }
        queue.append(entry)
    }

    // MARK: record access

    mutating func startRecordAccess(_ plan: RecordAccessPlan) {
        let request = memory.nextSequence.map { RecordAccess.report(from: $0) }
        request.map { requestRecords(plan, $0) } ?? requestRecords(plan, RecordAccess.reportAll)
    }

    private mutating func requestRecords(_ plan: RecordAccessPlan, _ request: [UInt8]) {
        recordAccess = RecordAccessState(plan: plan, request: request)
        actions.append(.startTimer(.response, plan.timeout))
        actions.append(.write(plan.controlPoint, request))
    }

    private mutating func recordAccessAnswered(_ bytes: [UInt8]) {
        guard let state = recordAccess else { return }
        let response: RecordAccess.Response
        do throws(DecodeError) {
            response = try RecordAccess.response(bytes)
        } catch {
            return recordAccessRefused("an answer that is none: \(error)")
        }
        switch response {
        case .count(let count):
            actions.append(.note(.recordAccess("the device holds \(count) records")))
        case .code(_, .success), .code(_, .noRecords):
            finishRecordAccess()
        case .code(_, let code)
        where code.meansUnsupportedFilter && state.request != RecordAccess.reportAll:
            actions.append(.note(.recordAccess("no filter by number: all records are read")))
            requestRecords(state.plan, RecordAccess.reportAll)
        case .code(_, let code): recordAccessRefused("response code \(code.rawValue)")
        }
    }

    mutating func recordAccessRefused(_ why: String) {
        actions.append(.note(.refused(step: "record-access", why)))
        finishRecordAccess()
    }

    private mutating func finishRecordAccess() {
        actions.append(.cancelTimer(.response))
        flushRecordAccess()
        next()
    }

    /// Stores what came, also where the device left in the middle.
    mutating func flushRecordAccess() {
        storeCollected()
        recordAccess = nil
    }

    private mutating func storeCollected() {
        guard let state = recordAccess, !state.entries.isEmpty else { return }
        recordAccess?.entries = []
        for var entry in state.entries {
            if let sequence = entry.reading.sequenceNumber, let context = state.contexts[sequence] {
                entry.reading.join(context: context)
            }
            enqueue(entry, .requested)
        }
        let numbers = state.entries.compactMap(\.reading.sequenceNumber)
        // Only an ascending dump proves that nothing below its last number is missing.
        let isAscending = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
        if isAscending, let last = numbers.last {
            memory.nextSequence = max(memory.nextSequence ?? 0, last + 1)
            memory.newestSequence = max(memory.newestSequence ?? 0, last)
            queue.memoryChanged = true
        }
    }
}
