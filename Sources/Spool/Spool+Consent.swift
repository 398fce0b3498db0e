import JSON
package import Measurement

/// A grant or a withdrawal as it lies in the store.
package struct StoredConsent: Sendable, Equatable {
    package var participant: String
    package var destination: String
    package var kinds: Set<MeasurementKind>
    package var isGrant: Bool
    package var until: Instant?
    package var at: Instant

    package init(
        participant: String, destination: String, kinds: Set<MeasurementKind>, isGrant: Bool,
        until: Instant? = nil, at: Instant
    ) {
        self.participant = participant
        self.destination = destination
        self.kinds = kinds
        self.isGrant = isGrant
        self.until = until
        self.at = at
    }
}

/// What a word of consent changed at once.
package struct ConsentEffect: Sendable, Equatable {
    /// Records that waited and are held from now on.
    package var held = 0
    /// Records that were held for want of consent and wait from now on.
    package var released = 0
    package init() {}
}

extension Spool {
    /// The reason with which records without consent are held.
    package static let noConsent = "no consent"
    /// The reason with which records from before or after a participation are held.
    package static let outsideParticipation = "outside the participation period"

    /// Writes a person's word down, with what follows from it, in one transaction.
    ///
    /// A withdrawal holds what waits. What is in a batch stays there, since its receiver may be
    /// answering at this moment: it is looked at again when the batch is encoded for another try.
    /// - Parameter sendsHeld: a grant lets go what was held for want of consent.
    package func note(
        _ word: StoredConsent, sendsHeld: Bool = false, by actor: LedgerActor
    ) throws(SpoolError) -> ConsentEffect {
        try writing { connection throws(SpoolError) in
            try connection.run(
                .insertConsent,
                [
                    .text(word.participant), .text(word.destination),
                    .text(RecordColumns.strings(word.kinds.map(\.rawValue).sorted())),
                    .flag(word.isGrant), .instant(word.until), .instant(word.at),
                ])
            var effect = ConsentEffect()
            for kind in word.kinds {
                let place: [SQLValue] = [
                    .text(word.participant), .text(word.destination), .text(kind.rawValue),
                ]
                if !word.isGrant {
                    effect.held += try connection.run(.holdWithoutConsent, place)
                } else if sendsHeld {
                    effect.released += try connection.run(
                        .releaseWithConsent, place + [.instant(word.at)])
                }
            }
            try connection.count("records_held", by: effect.held)
            let outcome = effect
            try connection.note(
                LedgerNote(.consentChanged, by: actor, on: word.participant) { writer in
                    writer.member("destination", word.destination)
                    writer.member("kinds", strings: word.kinds.map(\.rawValue).sorted())
                    writer.member("consent", word.isGrant ? "granted" : "withdrawn")
                    writer.member("until", word.until.map { Int($0.microseconds) })
                    writer.member("records_held", outcome.held)
                    writer.member("records_released", outcome.released)
                }, at: word.at)
            return effect
        }
    }

    /// Every word, in the order in which they were said.
    package func consents() throws(SpoolError) -> [StoredConsent] {
        try reading { connection throws(SpoolError) in
            try connection.all(.consents) { row throws(SpoolError) in
                StoredConsent(
                    participant: row.text(), destination: row.text(),
                    kinds: Set(
                        (RecordColumns.strings(row.text()) ?? [])
                            .compactMap { MeasurementKind(rawValue: $0) }),
                    isGrant: row.flag(), until: row.optionalInstant(), at: row.instant())
            }
        }
    }
}

extension SQL {
    static let insertConsent = SQL(
        """
        INSERT INTO consent(participant, destination, kinds, granted, until, at)
        VALUES(?,?,?,?,?,?)
        """)
    static let consents = SQL(
        "SELECT participant, destination, kinds, granted, until, at FROM consent ORDER BY id")
    static let holdWithoutConsent = SQL(
        """
        UPDATE delivery SET state = 'held', reason = 'no consent'
        WHERE destination = ?2 AND state = 'waiting' AND batch_id IS NULL AND record_id IN
        (SELECT id FROM record WHERE participant = ?1 AND kind = ?3)
        """)
    static let releaseWithConsent = SQL(
        """
        UPDATE delivery SET state = 'waiting', reason = NULL, waiting_since = ?4
        WHERE destination = ?2 AND state = 'held'
        AND reason IN ('no consent', 'outside the participation period') AND record_id IN
        (SELECT id FROM record WHERE participant = ?1 AND kind = ?3 AND quarantine IS NULL)
        """)
}
