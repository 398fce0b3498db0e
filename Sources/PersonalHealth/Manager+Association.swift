import Measurement

/// Association, release and abort.
extension Manager {
    mutating func associate(_ request: AssociationRequest, _ bytes: [UInt8]) {
        guard !isAssociated else {
            note(.unexpected("an association request within an association"))
            return abort(.undefined)
        }
        if let objection = request.objection { return reject(objection) }
        guard let agent = request.agent else { return reject(.rejectedNoCommonProtocol) }
        malformed = 0
        self.agent = agent
        associationAPDU = bytes
        builder = SampleBuilder(makerID: Array(agent.systemID.prefix(3)), isTest: agent.isTest)
        actions.append(.associated(systemID: agent.systemID, configuration: agent.configuration))
        let known = knownConfiguration(agent)
        let result: AssociationResult = known == nil ? .acceptedUnknownConfiguration : .accepted
        send(AssociationResponse.bytes(result, systemID: options.systemID))
        guard let known else {
            state = .waitingForConfiguration
            return expect(Self.configurationTimeout)
        }
        configuration = known
        operate()
    }

    private mutating func reject(_ result: AssociationResult) {
        note(.rejected(result))
        send(AssociationResponse.bytes(result, systemID: options.systemID))
    }

    /// A standard's own, or one that this very agent told before.
    private mutating func knownConfiguration(_ agent: AssociationInformation) -> Configuration? {
        if let standard = StandardConfigurations.find(agent.configuration) { return standard }
        guard Configuration.isExtended(agent.configuration) else { return nil }
        for known in options.known
        where known.id == agent.configuration && known.systemID == agent.systemID {
            guard let kept = try? Configuration(apdu: known.apdu), kept.id == known.id else {
                continue
            }
            configurationAPDU = known.apdu
            return kept
        }
        return nil
    }

    mutating func releaseRequested(_ reason: UInt16) {
        guard isAssociated else { return send(Self.abort(.undefined)) }
        note(.released(reason: reason))
        send(APDU.bytes(.releaseResponse) { $0.uint16(0) })
        disassociated()
        actions.append(.drained(isOver: false))
    }

    /// Asks for the release: the agent gave all that it has.
    mutating func release() {
        state = .releasing
        send(APDU.bytes(.releaseRequest) { $0.uint16(0) })
        expect(Self.responseTimeout)
    }

    mutating func released() {
        guard case .releasing = state else {
            if isAssociated { abortUnexpectedRelease() }
            return
        }
        note(.released(reason: 0))
        disassociated()
        actions.append(.drained(isOver: true))
    }

    private mutating func abortUnexpectedRelease() {
        note(.unexpected("a release response"))
        abort(.undefined)
    }

    mutating func abort(_ reason: AbortReason) {
        note(.aborted(reason, byAgent: false))
        send(Self.abort(reason))
        disassociated()
        countAbort()
    }

    /// Too many aborts end the session; before that the agent may associate again.
    mutating func countAbort() {
        aborts += 1
        guard aborts < Self.patience else {
            return end("the association was aborted \(aborts) times")
        }
        expect(Self.reassociationTimeout)
    }

    mutating func disassociated() {
        state = .unassociated
        isExpecting = false
        configuration = nil
        associationAPDU = []
        configurationAPDU = nil
        request = nil
        transfer = nil
        segments = []
        segmentsAPDU = nil
        stores = []
        afterStore = nil
        waiting = []
        system = MedicalSystem()
        malformed = 0
    }

    static func abort(_ reason: AbortReason) -> [UInt8] {
        APDU.bytes(.abort) { $0.uint16(reason.rawValue) }
    }
}
