import Measurement

/// Configuration, reports and the answers to the manager's requests.
extension Manager {
    mutating func handle(_ message: DataMessage, _ bytes: [UInt8]) throws(APDUError) {
        switch message.body {
        case .eventReport(let event, let isConfirmed):
            try handle(event, isConfirmed ? message.invokeID : nil, bytes)
        case .otherInvocation(let choice):
            note(.unexpected("an invocation of kind \(shownCode(choice))"))
            send(Self.reject(message.invokeID, problem: 101))
        case .getResult(_, let attributes): try answered(message.invokeID, attributes)
        case .actionResult(_, let type, let information):
            try acted(message.invokeID, type, information, bytes)
        case .error(let code): failed(message.invokeID, "error \(code)")
        case .reject(let problem): failed(message.invokeID, "rejected with problem \(problem)")
        case .eventResult, .setResult: note(.unexpected("an answer to nothing that was asked"))
        }
    }

    // MARK: events

    private mutating func handle(
        _ event: DataMessage.EventReport, _ invokeID: UInt16?, _ bytes: [UInt8]
    ) throws(APDUError) {
        switch (state, event.type) {
        case (.waitingForConfiguration, EventCode.configuration):
            try configured(event, invokeID, bytes)
        // Accepted as known, and it tells all the same: what it says now counts.
        case (.operating, EventCode.configuration) where remembered != nil:
            try configured(event, invokeID, bytes)
        case (.operating, EventCode.segmentData): try transferred(event, invokeID, bytes)
        case (.operating, _): try reported(event, invokeID, bytes)
        // What was under way when the release was asked for still counts.
        case (.releasing, _) where event.type != EventCode.segmentData:
            try reported(event, invokeID, bytes)
        default:
            note(.unexpected("event \(shownCode(event.type)) before the configuration"))
            if let invokeID { send(Self.reject(invokeID, problem: 101)) }
        }
    }

    private mutating func configured(
        _ event: DataMessage.EventReport, _ invokeID: UInt16?, _ bytes: [UInt8]
    ) throws(APDUError) {
        let told = try Configuration(parsing: event.information)
        configuration = told
        configurationAPDU = bytes
        if let invokeID {
            send(
                Self.answer(invokeID, event) { information in
                    information.uint16(told.id)
                    information.uint16(0)
                })
        }
        remembered = nil
        if Configuration.isExtended(told.id), let agent {
            learnt = KnownConfiguration(systemID: agent.systemID, id: told.id, apdu: bytes)
        }
        operate()
    }

    private mutating func reported(
        _ event: DataMessage.EventReport, _ invokeID: UInt16?, _ bytes: [UInt8]
    ) throws(APDUError) {
        guard let configuration else { return }
        let found: [Observation]?
        do throws(APDUError) {
            found = try ScanReport.observations(event, configuration)
        } catch {
            guard let remembered else { throw error }
            return mistrust(
                remembered, "a report that its known configuration does not fit: \(error)")
        }
        guard let observations = found else {
            note(.unexpected("event \(shownCode(event.type))"))
            if let invokeID { send(Self.reject(invokeID, problem: 101)) }
            return
        }
        actions.append(
            .report(
                ManagerReport(
                    samples: builder.samples(observations), apdu: bytes, context: context,
                    isStored: false, relativeNow: event.relativeTime)))
        guard let invokeID else { return expectNext() }
        afterStore = AfterStore(answer: Self.answer(invokeID, event) { _ in })
        actions.append(.store)
    }

    // MARK: requests

    /// The association stands and the configuration is known: ask who the agent is.
    mutating func operate() {
        state = .operating
        stores = options.readsStore ? configuration?.stores ?? [] : []
        let handle: UInt16 = 0
        ask(.attributes, choice: 0x0103) { body in
            body.uint16(handle)
            // No ids: all attributes.
            body.uint32(0)
        }
    }

    mutating func ask(
        _ what: Request, choice: UInt16, timeout: Interval = responseTimeout,
        _ body: (inout MDERWriter) -> Void
    ) {
        let id = nextInvokeID
        nextInvokeID &+= 1
        request = (id, what)
        send(Self.message(id, choice, body))
        expect(timeout)
    }

    func isAnswer(_ invokeID: UInt16) -> Bool { request?.id == invokeID }

    private mutating func answered(
        _ invokeID: UInt16, _ attributes: [Attribute]
    ) throws(APDUError) {
        guard isAnswer(invokeID), request?.what == .attributes else {
            return note(.unexpected("attributes that nobody asked for"))
        }
        system = try MedicalSystem(attributes)
        request = nil
        if system.systemID.isEmpty { system.systemID = agent?.systemID ?? [] }
        actions.append(.system(system))
        if let remembered, remembered.firmware != system.firmware {
            return mistrust(remembered, "other firmware than when it told its configuration")
        }
        keepLearnt()
        nextStore()
    }

    private mutating func failed(_ invokeID: UInt16, _ how: String) {
        guard isAnswer(invokeID), let what = request?.what else {
            return note(.unexpected("a refusal of nothing that was asked"))
        }
        request = nil
        switch what {
        case .attributes:
            note(.requestFailed("attributes: \(how)"))
            keepLearnt()
            nextStore()
        case .segments:
            note(.requestFailed("segments: \(how)"))
            nextStore()
        case .transfer(_, let instance):
            note(.requestFailed("transfer of segment \(instance): \(how)"))
            nextSegment()
        case .setTime:
            note(.requestFailed("set time: \(how)"))
            finishStore()
        }
    }

    /// Nothing is asked any more: the agent reports by itself, whenever it has something.
    mutating func expectNext() {
        guard request != nil || transfer != nil else {
            isExpecting = false
            return
        }
        expect(transfer?.timeout ?? Self.responseTimeout)
    }

    // MARK: messages

    static func message(
        _ invokeID: UInt16, _ choice: UInt16, _ body: (inout MDERWriter) -> Void
    ) -> [UInt8] {
        APDU.bytes(.presentation) { apdu in
            apdu.lengthed { message in
                message.uint16(invokeID)
                message.uint16(choice)
                message.lengthed(body)
            }
        }
    }

    /// The result of a confirmed event report; the manager has no relative clock.
    static func answer(
        _ invokeID: UInt16, _ event: DataMessage.EventReport,
        _ information: (inout MDERWriter) -> Void
    ) -> [UInt8] {
        message(invokeID, 0x0201) { body in
            body.uint16(event.handle)
            body.uint32(0)
            body.uint16(event.type)
            body.lengthed(information)
        }
    }

    static func reject(_ invokeID: UInt16, problem: UInt16) -> [UInt8] {
        message(invokeID, 0x0400) { $0.uint16(problem) }
    }
}
