package import Measurement

/// What a manager is told.
package enum ManagerInput: Sendable, Equatable {
    /// Bytes of the agent as they came: a part of an APDU, one, or several.
    case received([UInt8])
    /// The time that the last `.expect` gave is over.
    case timedOut
    /// Everything that was reported before `.store` is on disk.
    case stored
    /// The answer to `.askTime`: what clocks around here show now.
    case time(LocalDateTime, utcOffsetMinutes: Int)
    /// The answer to `.askTime` where nobody knows the time well enough to set a clock.
    case timeUnknown
}

/// What a manager wants done, in order.
package enum ManagerAction: Sendable {
    case send([UInt8])
    /// Without bytes of the agent within this time, `.timedOut` comes.
    case expect(Interval)
    /// An agent was accepted: who it is, before its attributes are known.
    case associated(systemID: [UInt8], configuration: UInt16)
    /// What the agent says of itself.
    case system(MedicalSystem)
    /// An agent's own configuration, worth keeping for its next association.
    case remember(KnownConfiguration)
    /// What was kept does not hold any more: the agent is asked anew.
    case forget(KnownConfiguration)
    case report(ManagerReport)
    /// Put all reports so far on disk, then tell `.stored`; nothing is confirmed before.
    case store
    /// Tell the time with `.time`: the agent's clock is to be set.
    case askTime
    case clockSet
    case note(ManagerNote)
    /// The agent gave all that it has; `isOver`: and will give nothing more, its store was read.
    case drained(isOver: Bool)
    /// The agent does not do what it must; the manager takes nothing more.
    case broken(String)
}

/// Measurements of one APDU, with the bytes they can be decoded from again.
package struct ManagerReport: Sendable {
    package var samples: [Sample]
    package var apdu: [UInt8]
    /// The APDUs before it that say how it is laid out: association, configuration, segments.
    package var context: [UInt8]
    /// Out of the agent's store, not sent at the moment of measuring.
    package var isStored: Bool
    /// What the agent's relative clock counted when it sent this.
    package var relativeNow: UInt32?
}

/// What a person or a counter may want to know of a session.
package enum ManagerNote: Sendable, Equatable {
    /// Bytes that are no APDU, or an APDU that is malformed: nothing of it was used.
    case refused(APDUError)
    case dropped(bytes: Int)
    case rejected(AssociationResult)
    case aborted(AbortReason, byAgent: Bool)
    case released(reason: UInt16)
    /// The agent answered one of our requests with an error.
    case requestFailed(String)
    /// An answer to nothing that was asked.
    case unexpected(String)
}

/// What a manager is run with.
package struct ManagerOptions: Sendable {
    /// The EUI-64 that the manager names itself with.
    package var systemID: [UInt8]
    package var known: [KnownConfiguration]
    /// The clock of the agent may be set after its store was read.
    package var setsClock: Bool
    /// The store of the agent is read.
    package var readsStore: Bool

    /// Locally administered: no maker's number.
    package static let ownSystemID: [UInt8] = [0x02, 0x48, 0x41, 0x4B, 0x41, 0x52, 0x55, 0x01]

    package init(
        systemID: [UInt8] = ownSystemID, known: [KnownConfiguration] = [], setsClock: Bool = false,
        readsStore: Bool = true
    ) {
        self.systemID = systemID
        self.known = known
        self.setsClock = setsClock
        self.readsStore = readsStore
    }
}
