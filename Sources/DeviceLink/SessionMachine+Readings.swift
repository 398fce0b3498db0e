import DeviceProfile
import Measurement

/// Frames on their way to the store: joined, dated, queued.
extension SessionMachine {
    static let joinTimeout = Interval.seconds(2)
    /// More than these are not kept waiting, be it for a context or for the clock.
    static let maximumHeld = 64

    mutating func notified(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        if phase == .draining { actions.append(.startTimer(.quiet, plan.quiet)) }
        clockNotified(uuid, bytes)
        if let state = recordAccess, uuid == state.plan.controlPoint {
            return recordAccessAnswered(bytes)
        }
        if procedureHears(uuid, bytes) { return }
        read(uuid, bytes)
        if !answers.isEmpty { answer(uuid, bytes) }
        expectedCame(uuid, bytes)
    }

    private mutating func read(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        guard let layout = profile.layout(for: .gatt(uuid)) else {
            return actions.append(.note(.ignored(uuid, byteCount: bytes.count)))
        }
        if let state = recordAccess {
            actions.append(.startTimer(.response, state.plan.timeout))
        }
        switch assembler.take(bytes, for: layout) {
        case .waiting: break
        case .broken(let error):
            actions.append(.note(.refused(step: "assembly", "\(error)")))
        case .whole(let whole): decode(whole, layout)
        }
    }

    /// Takes a value that may be stored already, where its record can be recognised.
    ///
    /// Bluetooth stacks confirm an indication before the gateway sees it, and the device forgets the
    /// record then: where the gateway was killed in between, the stack's memory is the only copy.
    mutating func leftOver(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        guard let layout = profile.layout(for: .gatt(uuid)), layout.assembly == nil,
            // Records that are asked for are all asked for again.
            !plan.steps.contains(where: { if case .recordAccess = $0 { true } else { false } }),
            layout.readings(bytes, context).allSatisfy({ builder.hasOwnIdentity($0) })
        else {
            return actions.append(
                .note(.refused(step: "left over", "a value that could be an old one")))
        }
        // The moment when it is found says nothing of the moment when it was measured.
        decode(bytes, layout, as: .requested)
    }

    /// A frame may hold several records; each one is stored for itself, with the whole frame.
    mutating func decode(
        _ bytes: [UInt8], _ layout: FrameLayout, as delivery: Delivery = .pushed,
        userSlot: Int? = nil
    ) {
        let frame = RawFrame(source: layout.source.description, bytes: bytes)
        for var reading in layout.readings(bytes, context) {
            context.remembered.merge(reading.remembered) { _, new in new }
            if let userSlot { reading.userSlot = userSlot }
            if asksForConsent { nameUser(&reading) }
            if case .glucoseMeasurementContext = layout.format, reading.outcome != .rejected {
                joinContext(reading, frame)
            } else if reading.part != nil {
                joinPart(entry(reading, frame), delivery)
            } else {
                deliver(entry(reading, frame), as: delivery)
            }
        }
    }

    /// A scale with users names the user beside the weight; the composition of the same weighing
    /// follows without a name. A guest is nobody, whoever owns the scale.
    private mutating func nameUser(_ reading: inout Reading) {
        if reading.isGuest {
            reading.userSlot = Record.guestSlot
            namedUser = Record.guestSlot
        } else if let user = reading.userSlot {
            namedUser = user
        } else if let namedUser, namedUser == consentedUser || namedUser == Record.guestSlot {
            reading.userSlot = namedUser
        }
    }

    private var asksForConsent: Bool {
        plan.steps.contains { if case .procedure(.userConsent) = $0 { true } else { false } }
    }

    private func entry(_ reading: Reading, _ frame: RawFrame) -> SessionEntry {
        SessionEntry(
            reading: reading, frames: [frame], received: now, record: nil,
            key: builder.key(reading, device: device, received: now))
    }

    /// Keeps a frame for the other half of its measurement, or makes the whole of both.
    private mutating func joinPart(_ entry: SessionEntry, _ delivery: Delivery) {
        var alone: [(SessionEntry, Delivery)] = []
        let step = halves.take(entry.reading, (entry, delivery), limit: Self.maximumHeld) {
            alone.append($0.entry)
        }
        for (half, delivery) in alone { giveUp(half, delivery) }
        switch step {
        case .cameBefore:
            actions.append(.note(.refused(step: "join", "a half that came before")))
        case .waits:
            if isClosing { return flushHalves() }
            actions.append(.startTimer(.join, entry.reading.part?.within ?? Self.joinTimeout))
        case .whole(let reading, (var whole, let delivery)):
            whole.reading = reading
            whole.frames += entry.frames
            whole.key = builder.key(reading, device: device, received: whole.received)
            deliver(whole, as: delivery)
        }
    }

    /// Takes what has no other half as what it is alone: half a record waits for a person.
    private mutating func giveUp(_ half: SessionEntry, _ delivery: Delivery) {
        var alone = half
        alone.reading = half.reading.withoutCompanion()
        alone.key = builder.key(alone.reading, device: device, received: alone.received)
        if half.reading.part?.isHalf ?? false {
            actions.append(
                .note(.refused(step: "join", "half a measurement, the rest did not come")))
        }
        deliver(alone, as: delivery)
    }

    mutating func flushHalves() {
        var late: [(SessionEntry, Delivery)] = []
        halves.giveUp { late.append($0.entry) }
        for (half, delivery) in late { giveUp(half, delivery) }
    }

    private mutating func deliver(_ entry: SessionEntry, as delivery: Delivery) {
        let reading = entry.reading
        if recordAccess != nil {
            recordAccess?.append(entry)
            if recordAccess?.entries.count ?? 0 >= RecordAccessState.maximumEntries {
                storePart()
            }
        } else if reading.contextFollows, let sequence = reading.sequenceNumber, !isClosing {
            if joins.count >= Self.maximumHeld || joins[sequence] != nil { flushJoins() }
            joins[sequence] = entry
            actions.append(.startTimer(.join, Self.joinTimeout))
        } else {
            enqueue(entry, delivery)
        }
    }

    private var isClosing: Bool { if case .closing = phase { true } else { false } }

    private mutating func joinContext(_ context: Reading, _ frame: RawFrame) {
        guard let sequence = context.sequenceNumber else { return }
        if let index = recordAccess?.entries.lastIndex(where: {
            $0.reading.sequenceNumber == sequence
        }) {
            recordAccess?.entries[index].join(context, frame)
        } else if var entry = joins.removeValue(forKey: sequence) {
            entry.join(context, frame)
            enqueue(entry, .pushed)
        } else if recordAccess != nil {
            recordAccess?.contexts[sequence] = .init(reading: context, frame: frame)
        } else {
            noteLostContexts(1)
        }
    }

    private mutating func noteLostContexts(_ count: Int) {
        guard count > 0 else { return }
        actions.append(
            .note(.refused(step: "join", "\(count) contexts whose measurement did not come")))
    }

    mutating func flushJoins() {
        flushHalves()
        let waiting = joins.values.sorted {
            ($0.received.utc.microseconds, $0.reading.sequenceNumber ?? 0)
                < ($1.received.utc.microseconds, $1.reading.sequenceNumber ?? 0)
        }
        joins = [:]
        for entry in waiting { enqueue(entry, .pushed) }
    }

    /// Gives on what came before the clock was read.
    mutating func flushHeld() {
        let waiting = held
        held = []
        for (entry, delivery) in waiting { date(entry, TimeEvidence(delivery, clock)) }
    }

    private mutating func enqueue(_ entry: SessionEntry, _ delivery: Delivery) {
        if isClockDue, held.count < Self.maximumHeld {
            held.append((entry, delivery))
        } else {
            date(entry, TimeEvidence(delivery, clock))
        }
    }

    /// Dates and codes a reading and puts it into the next commit.
    private mutating func date(_ entry: SessionEntry, _ evidence: TimeEvidence) {
        var entry = entry
        entry.record = builder.record(
            entry.reading, device: device, received: entry.received, evidence: evidence)
        entry.evidence = evidence
        if !builder.hasOwnIdentity(entry.reading) { entry.duplicateWindow = .seconds(60) }
        if let time = entry.reading.deviceTime {
            memory.newestDeviceTime = max(memory.newestDeviceTime ?? time, time)
        }
        queue.append(entry)
    }

    // MARK: record access

    mutating func startRecordAccess(_ plan: RecordAccessPlan) {
        requestRecords(RecordAccessState(plan: plan, from: memory.nextSequence))
    }

    private mutating func requestRecords(_ state: RecordAccessState) {
        recordAccess = state
        actions.append(.startTimer(.response, state.plan.timeout))
        actions.append(.write(state.plan.controlPoint, state.request))
    }

    private mutating func recordAccessAnswered(_ bytes: [UInt8]) {
        guard var state = recordAccess else { return }
        let response: RecordAccess.Response
        do throws(DecodeError) {
            response = try RecordAccess.response(bytes)
        } catch {
            return recordAccessRefused("an answer that is none: \(error)")
        }
        switch response {
        case .count(let count):
            actions.append(.note(.recordAccess("the device holds \(count) records")))
        case .code(_, .success), .code(_, .noRecords): finishRecordAccess()
        case .code(_, let code) where code.meansUnsupportedFilter && state.from != nil:
            actions.append(.note(.recordAccess("no filter by number: all records are read")))
            state.from = nil
            requestRecords(state)
        case .code(_, let code):
            recordAccessRefused(
                "response code \(code.rawValue)",
                forGood: code == .opcodeUnsupported || code.meansUnsupportedFilter)
        }
    }

    /// The records did not come; unless the device cannot give them at all, the next session asks
    /// again.
    mutating func recordAccessRefused(_ why: String, forGood: Bool = false) {
        actions.append(.note(.refused(step: "record-access", why)))
        if !forGood { shortfall = "the device did not give its records: \(why)" }
        endRecordAccess()
    }

    /// The device said that it sent all: whatever the order was, nothing is missing.
    private mutating func finishRecordAccess() {
        let highest = recordAccess?.numbers.highest
        storeCollected(next: highest.map { $0 + 1 })
        endRecordAccess()
    }

    private mutating func endRecordAccess() {
        actions.append(.cancelTimer(.response))
        flushRecordAccess()
        next()
    }

    /// Stores what came, also where the device left in the middle.
    mutating func flushRecordAccess() {
        storeCollected(next: recordAccess?.safeNext)
        noteLostContexts(recordAccess?.contexts.count ?? 0)
        recordAccess = nil
    }

    /// The context of the last record may come yet, so that one waits for the next part.
    private mutating func storePart() {
        var kept: [SessionEntry] = []
        if let last = recordAccess?.entries.last, last.reading.contextFollows,
            last.frames.count == 1
        {
            kept = [last]
            recordAccess?.entries.removeLast()
        }
        let isAscending = recordAccess?.numbers.isAscending ?? false
        let keptNumber = isAscending ? kept.first?.reading.sequenceNumber : nil
        storeCollected(next: kept.isEmpty ? recordAccess?.safeNext : keptNumber)
        recordAccess?.entries = kept
    }

    private mutating func storeCollected(next: Int?) {
        guard let state = recordAccess, !state.entries.isEmpty else { return }
        recordAccess?.entries = []
        let isCurrent = DumpTimeline.isCurrent(
            state.entries.map(\.reading), tolerance: builder.engine.tolerance(latency: .zero))
        for (index, entry) in state.entries.enumerated() {
            var entry = entry
            if let sequence = entry.reading.sequenceNumber,
                let context = recordAccess?.contexts.removeValue(forKey: sequence)
            {
                entry.join(context.reading, context.frame)
            }
            date(entry, TimeEvidence(.requested, clock, isCurrent: isCurrent[index]))
        }
        guard let next, let highest = state.numbers.highest else { return }
        memory.nextSequence = max(memory.nextSequence ?? 0, next)
        memory.newestSequence = max(memory.newestSequence ?? 0, highest)
        queue.memoryChanged = true
    }
}

extension SessionEntry {
    fileprivate mutating func join(_ context: Reading, _ frame: RawFrame) {
        reading.join(context: context)
        frames.append(frame)
    }
}
