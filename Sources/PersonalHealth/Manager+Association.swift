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
            remembered = known
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
        remembered = nil
        learnt = nil
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

    /// Keeps what the agent told, together with the firmware that told it.
    mutating func keepLearnt() {
        guard var kept = learnt else { return }
        learnt = nil
        kept.firmware = system.firmware
        options.known.removeAll { $0.systemID == kept.systemID && $0.id == kept.id }
        // An agent that associates again is not asked for what it told before.
        options.known = options.known.suffix(Self.mostKnown - 1) + [kept]
        actions.append(.remember(kept))
    }

    private static let mostKnown = 16

    /// What was kept of the agent does not fit it any more: it is asked anew when it comes back.
    ///
    /// Nothing of the report at which this showed was used or confirmed.
    mutating func mistrust(_ known: KnownConfiguration, _ why: String) {
        options.known.removeAll { $0.systemID == known.systemID && $0.id == known.id }
        actions.append(.forget(known))
        note(.unexpected(why))
        abort(.undefined)
    }

    static func abort(_ reason: AbortReason) -> [UInt8] {
        APDU.bytes(.abort) { $0.uint16(reason.rawValue) }
    }
}
