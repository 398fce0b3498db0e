package import Measurement

/// A person's word on sending: one grant or one withdrawal.
package struct ConsentWord: Sendable, Equatable {
    package var participant: String
    package var destination: String
    package var kinds: Set<MeasurementKind>
    /// False for a withdrawal.
    package var isGrant: Bool
    package var at: Instant
    /// From this moment on the grant is over.
    package var until: Instant?

    package init(
        participant: String, destination: String, kinds: Set<MeasurementKind>, isGrant: Bool,
        at: Instant, until: Instant? = nil
    ) {
        self.participant = participant
        self.destination = destination
        self.kinds = kinds
        self.isGrant = isGrant
        self.at = at
        self.until = until
    }
}

/// Where one person's consent for one kind and destination stands at a moment.
package enum ConsentStanding: Sendable, Equatable {
    case granted(at: Instant?, until: Instant?)
    case never
    case withdrawn(at: Instant)
    case expired(at: Instant)

    package var permits: Bool { if case .granted = self { true } else { false } }

    package var word: String {
        switch self {
        case .granted: "granted"
        case .never: "none"
        case .withdrawn: "withdrawn"
        case .expired: "expired"
        }
    }
}

/// What every person has said; the newest word on a kind counts.
package struct ConsentBook: Sendable, Equatable {
    private struct Subject: Hashable {
        var participant: String
        var destination: String
    }
    private var newest: [Subject: [MeasurementKind: ConsentWord]] = [:]

    package init() {}

    /// Takes words in the order in which they were said.
    package mutating func add(_ word: ConsentWord) {
        let subject = Subject(participant: word.participant, destination: word.destination)
        for kind in word.kinds { newest[subject, default: [:]][kind] = word }
    }

    /// Where consent stands at a moment.
    ///
    /// - Parameter isConfigured: the configuration grants it, for whom nobody has said otherwise.
    package func standing(
        of participant: String, destination: String, kind: MeasurementKind, at now: Instant,
        isConfigured: Bool = false
    ) -> ConsentStanding {
        let subject = Subject(participant: participant, destination: destination)
        guard let word = newest[subject]?[kind] else {
            return isConfigured ? .granted(at: nil, until: nil) : .never
        }
        guard word.isGrant else { return .withdrawn(at: word.at) }
        if let until = word.until, until <= now { return .expired(at: until) }
        return .granted(at: word.at, until: word.until)
    }

    /// Every participant and destination that somebody has said anything about, sorted.
    package var subjects: [(participant: String, destination: String)] {
        newest.keys.map { ($0.participant, $0.destination) }.sorted { $0 < $1 }
    }
}
