import Measurement

/// The manager of IEEE 11073-20601 as a pure state machine: inputs in, actions out.
///
/// An agent associates, tells its configuration where it is not known, is asked for its attributes
/// and its store, and reports. Whatever lets the agent forget (the answer to a confirmed report, the
/// confirmation of a segment) is sent only after `.stored`.
package struct Manager: Sendable {
    enum State {
        case unassociated
        /// Accepted, and the configuration is still to come.
        case waitingForConfiguration
        case operating
        /// The manager asked for the release.
        case releasing
        /// Nothing more is taken.
        case over
    }

    /// A request of the manager that the agent has not answered yet.
    enum Request: Equatable {
        case attributes
        case segments(store: UInt16)
        case transfer(store: UInt16, instance: UInt16)
        case setTime
    }

    static let configurationTimeout = Interval.seconds(10)
    static let responseTimeout = Interval.seconds(3)
    /// How long an agent may take to associate again after an abort.
    static let reassociationTimeout = Interval.seconds(30)
    /// So many aborts, or malformed APDUs in one association, and the session is given up.
    static let patience = 3
    /// APDUs that wait while the store is busy; more than that is an agent that does not wait.
    static let maximumWaiting = 16

    package var options: ManagerOptions
    var state = State.unassociated
    var framer = APDUFramer()
    var configuration: Configuration?
    var associationAPDU: [UInt8] = []
    var configurationAPDU: [UInt8]?
    /// What this association goes by without having been told it.
    var remembered: KnownConfiguration?
    /// What the agent told in this association, until its firmware is known too.
    var learnt: KnownConfiguration?
    var agent: AssociationInformation?
    var builder = SampleBuilder()
    var system = MedicalSystem()
    var nextInvokeID: UInt16 = 0
    var request: (id: UInt16, what: Request)?
    var transfer: Transfer?
    var segments: [SegmentInformation] = []
    var segmentsAPDU: [UInt8]?
    var storeHandle: UInt16 = 0
    var stores: [AgentObject] = []
    /// What is sent once the reports are on disk.
    var afterStore: AfterStore?
    var waiting: [[UInt8]] = []
    var aborts = 0
    var malformed = 0
    var isExpecting = false
    var actions: [ManagerAction] = []

    struct AfterStore {
        var answer: [UInt8]?
        /// The segment ends with this answer.
        var endsTransfer = false
    }

    package init(_ options: ManagerOptions = ManagerOptions()) {
        self.options = options
    }

    /// No agent is associated, and nothing of one is half done.
    package var isAtRest: Bool {
        if case .unassociated = state { !framer.isInside } else { false }
    }

    /// Takes one input and says what to do.
    package mutating func take(_ input: ManagerInput) -> [ManagerAction] {
        actions = []
        if case .over = state { return [] }
        switch input {
        case .received(let bytes): received(bytes)
        case .timedOut: timedOut()
        case .stored: stored()
        case .time(let local, let minutes): setTime(local, utcOffsetMinutes: minutes)
        case .timeUnknown: keepTime()
        }
        return actions
    }

    // MARK: bytes

    private mutating func received(_ bytes: [UInt8]) {
        let cut = framer.take(bytes)
        for apdu in cut.apdus { enqueue(apdu) }
        if framer.isInside, !isExpecting { actions.append(.expect(Self.responseTimeout)) }
        guard let error = cut.error else { return }
        note(.refused(error))
        note(.dropped(bytes: cut.dropped))
        countMalformed()
    }

    private mutating func enqueue(_ apdu: [UInt8]) {
        guard afterStore != nil else { return handle(apdu) }
        guard waiting.count < Self.maximumWaiting else {
            note(.dropped(bytes: apdu.count))
            return abort(.bufferOverflow)
        }
        waiting.append(apdu)
    }

    private mutating func handle(_ bytes: [UInt8]) {
        if case .over = state { return }
        do throws(APDUError) {
            try handle(try APDU(bytes), bytes)
        } catch {
            refuse(bytes, error)
        }
    }

    /// Nothing of a malformed APDU is used; the agent is told where the protocol has a way.
    private mutating func refuse(_ bytes: [UInt8], _ error: APDUError) {
        note(.refused(error))
        if let id = DataMessage.invocationID(of: bytes), isAssociated {
            send(Self.reject(id, problem: 2))
        }
        countMalformed()
    }

    private mutating func countMalformed() {
        malformed += 1
        if isAssociated, malformed >= Self.patience { abort(.undefined) }
        if !isAssociated, malformed >= Self.patience { end("the agent sends what is no APDU") }
    }

    /// What a report has to be read together with.
    var context: [UInt8] {
        let segments = transfer == nil ? [] : segmentsAPDU ?? []
        return associationAPDU + (configurationAPDU ?? []) + segments
    }

    var isAssociated: Bool {
        switch state {
        case .waitingForConfiguration, .operating, .releasing: true
        case .unassociated, .over: false
        }
    }

    private mutating func handle(_ apdu: APDU, _ bytes: [UInt8]) throws(APDUError) {
        switch apdu {
        case .associationRequest(let request): associate(request, bytes)
        case .associationResponse: abortUnlessAtRest("an association response")
        case .releaseRequest(let reason): releaseRequested(reason)
        case .releaseResponse: released()
        case .abort(let reason):
            guard isAssociated else { return }
            note(.aborted(AbortReason(rawValue: reason) ?? .undefined, byAgent: true))
            disassociated()
            countAbort()
        case .data(let message):
            guard isAssociated else { return send(Self.abort(.undefined)) }
            try handle(message, bytes)
        }
    }

    private mutating func abortUnlessAtRest(_ what: String) {
        note(.unexpected(what))
        if isAssociated { abort(.undefined) } else { send(Self.abort(.undefined)) }
    }

    // MARK: storing

    private mutating func stored() {
        guard let after = afterStore else { return }
        afterStore = nil
        if let answer = after.answer { send(answer) }
        if after.endsTransfer { nextSegment() } else { expectNext() }
        while afterStore == nil, !waiting.isEmpty { handle(waiting.removeFirst()) }
    }

    // MARK: time-outs

    private mutating func timedOut() {
        // The rest of an APDU never came: the next one must not be joined to it.
        if framer.isInside {
            note(.dropped(bytes: framer.count))
            framer.reset()
        }
        guard isExpecting, afterStore == nil else { return }
        isExpecting = false
        switch state {
        case .over: return
        case .unassociated: end("the agent does not associate again: unplug it and plug it in")
        case .waitingForConfiguration: abort(.configurationTimeout)
        case .operating: abort(.responseTimeout)
        case .releasing: abort(.undefined)
        }
    }

    // MARK: what every part uses

    mutating func note(_ note: ManagerNote) { actions.append(.note(note)) }

    mutating func send(_ bytes: [UInt8]) { actions.append(.send(bytes)) }

    mutating func expect(_ time: Interval) {
        isExpecting = true
        actions.append(.expect(time))
    }

    mutating func end(_ why: String) {
        state = .over
        actions.append(.broken(why))
    }
}
