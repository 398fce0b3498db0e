import Measurement

/// The agent's store (PM-store): what is in it, one segment after the other, and the agent's clock.
extension Manager {
    /// A segment on its way.
    struct Transfer {
        var store: UInt16
        var segment: SegmentInformation
        var nextIndex: UInt32 = 0
        var timeout: Interval
    }

    /// Asks the next store for its segments; without any left, sees to the clock.
    mutating func nextStore() {
        guard !stores.isEmpty else { return seeToClock() }
        let store = stores.removeFirst()
        ask(.segments(store: store.handle), choice: 0x0107) { body in
            body.uint16(store.handle)
            body.uint16(ActionCode.segmentInformation)
            body.lengthed { information in
                // All segments.
                information.uint16(1)
                information.octets([0, 0])
            }
        }
    }

    mutating func acted(
        _ invokeID: UInt16, _ type: UInt16, _ information: MDERReader, _ bytes: [UInt8]
    ) throws(APDUError) {
        guard isAnswer(invokeID), let what = request?.what else {
            return note(.unexpected("the result of an action that nobody asked for"))
        }
        switch what {
        case .segments(let store) where type == ActionCode.segmentInformation:
            let found = try SegmentInformation.list(information)
            request = nil
            segments = found.filter { $0.count != 0 }
            segmentsAPDU = bytes
            storeHandle = store
            nextSegment()
        case .transfer(let store, let instance) where type == ActionCode.transferSegment:
            try begin(store, instance, information)
        case .setTime where type == ActionCode.setTime || type == ActionCode.setBaseOffsetTime:
            request = nil
            actions.append(.clockSet)
            finishStore()
        default: note(.unexpected("the result of another action"))
        }
    }

    /// Starts the transfer of the next segment of this store.
    mutating func nextSegment() {
        transfer = nil
        guard let segment = segments.first else { return nextStore() }
        let store = storeHandle
        ask(.transfer(store: store, instance: segment.instance), choice: 0x0107) { body in
            body.uint16(store)
            body.uint16(ActionCode.transferSegment)
            body.lengthed { $0.uint16(segment.instance) }
        }
    }

    /// instance u16, result u16: 0 it begins, 1 no such segment, 2 later, 3 empty.
    private mutating func begin(
        _ store: UInt16, _ instance: UInt16, _ information: MDERReader
    ) throws(APDUError) {
        var reader = information
        _ = try reader.uint16("the segment's number")
        let result = try reader.uint16("the result of the transfer")
        try reader.finish("the result of the transfer")
        request = nil
        guard let segment = segments.first(where: { $0.instance == instance }) else { return }
        segments.removeAll { $0.instance == instance }
        guard result == 0 else {
            if result != 3 {
                note(.requestFailed("transfer of segment \(instance): result \(result)"))
            }
            return nextSegment()
        }
        let told =
            segment.transferMilliseconds
            ?? configuration?.object(store)?.transferMilliseconds ?? 0
        let timeout = max(Self.responseTimeout, .milliseconds(Int64(min(told, 600_000))))
        transfer = Transfer(store: store, segment: segment, timeout: timeout)
        expect(timeout)
    }

    /// A part of the segment: reported, stored, and only then confirmed.
    mutating func transferred(
        _ event: DataMessage.EventReport, _ invokeID: UInt16?, _ bytes: [UInt8]
    ) throws(APDUError) {
        let data = try SegmentData(parsing: event.information)
        guard let configuration, let current = transfer, data.instance == current.segment.instance
        else {
            note(.unexpected("data of segment \(data.instance)"))
            if let invokeID { send(Self.confirm(invokeID, event, data, status: 0x0008)) }
            return
        }
        if data.isAborted {
            note(.requestFailed("transfer of segment \(data.instance): the agent stopped it"))
            if let invokeID { send(Self.confirm(invokeID, event, data, status: 0x0080)) }
            return nextSegment()
        }
        // A part that was sent again because its confirmation was lost has known keys.
        guard data.index <= current.nextIndex else {
            note(
                .requestFailed(
                    "segment \(data.instance): entry \(current.nextIndex) is missing"))
            if let invokeID { send(Self.confirm(invokeID, event, data, status: 0x0008)) }
            return nextSegment()
        }
        let entries = try data.observations(current.segment, configuration)
        // Each entry is a moment of its own.
        let samples = entries.flatMap { builder.samples($0) }
        actions.append(
            .report(
                ManagerReport(
                    samples: samples, apdu: bytes, context: context, isStored: true,
                    relativeNow: event.relativeTime)))
        transfer?.nextIndex = max(current.nextIndex, data.index &+ data.count)
        afterStore = AfterStore(
            answer: invokeID.map { Self.confirm($0, event, data, status: 0x0080) },
            endsTransfer: data.isLast)
        actions.append(.store)
    }

    /// Which part was taken, with the manager's word: 0080 confirmed, 0008 stopped.
    private static func confirm(
        _ invokeID: UInt16, _ event: DataMessage.EventReport, _ data: SegmentData, status: UInt16
    ) -> [UInt8] {
        answer(invokeID, event) { information in
            information.uint16(data.instance)
            information.uint32(data.index)
            information.uint32(data.count)
            information.uint16(status)
        }
    }

    // MARK: the clock

    /// After the store is read, so that every stamp in it is of the clock as it was.
    private mutating func seeToClock() {
        guard options.setsClock, system.time?.canBeSet == true else { return finishStore() }
        actions.append(.askTime)
    }

    /// Leaves the agent's clock as it is.
    mutating func keepTime() {
        guard case .operating = state, request == nil, transfer == nil, options.setsClock else {
            return
        }
        finishStore()
    }

    /// Sets the agent's clock to what clocks around here show.
    mutating func setTime(_ local: LocalDateTime, utcOffsetMinutes minutes: Int) {
        guard case .operating = state, request == nil, options.setsClock else { return }
        let isBaseOffset = system.time?.hasBaseOffsetTime == true
        let stamp =
            isBaseOffset
            ? AgentTime.bytes(
                base: local.adding(.minutes(Int64(-minutes))), minutes: minutes)
            : AgentTime.bytes(local)
        ask(.setTime, choice: 0x0107) { body in
            body.uint16(0)
            body.uint16(isBaseOffset ? ActionCode.setBaseOffsetTime : ActionCode.setTime)
            body.lengthed { information in
                information.raw(stamp)
                // The accuracy, which is not known.
                information.uint32(0)
            }
        }
    }

    /// An agent with a store is let go; one without reports whenever it has something.
    mutating func finishStore() {
        let hasStore = options.readsStore && !(configuration?.stores.isEmpty ?? true)
        if hasStore { release() } else { expectNext() }
    }
}
