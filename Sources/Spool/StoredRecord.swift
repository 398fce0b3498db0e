package import Measurement

/// Where a record stands at one destination.
package enum DeliveryState: String, Sendable, CaseIterable {
    case waiting
    case held
    /// The destination's format has no place for this kind of value.
    case noTable = "no-table"
    case delivered
    /// Refused by the receiver; kept with its answer until a person decides.
    case dead
}

/// One destination of a stored record.
package struct Delivery: Sendable, Equatable {
    package var destination: String
    package var state: DeliveryState
    /// Why it is held or dead; `duplicate` where the receiver had the record already.
    package var reason: String?
    package var deliveredAt: Instant?
    /// In a batch under way: it may have arrived already.
    package var isOnItsWay = false
}

/// A record as it lies in the store.
package struct StoredRecord: Sendable, Equatable {
    package var rowID: RowID
    package var record: Record
    package var participant: String?
    package var participantRule: String?
    /// When it was first stored here (`update_time`).
    package var storedAt: Instant
    package var deliveries: [Delivery]
    /// 1 when stored; one more each time when it was released, decoded again, edited or has grown.
    package var revision = 1
    /// When its values changed last after it was accepted.
    package var updatedAt: Instant?
    /// A person decided that it is never to be sent, or took it back.
    package var discarded: Discarded?
    /// Under what circumstances it was measured; nil for one from before they were kept.
    package var context: RecordContext?

    package struct Discarded: Sendable, Equatable {
        package var at: Instant
        package var reason: String
    }
}

/// A record that is to be sent.
package struct OutboxItem: Sendable, Equatable {
    package var rowID: RowID
    /// The row of this record at this destination.
    package var delivery: Int64
    package var record: Record
    package var participant: String
    /// When it was first stored here (`update_time`).
    package var storedAt: Instant
    package var revision = 1
    package var updatedAt: Instant?
    /// How often a person sent it to this destination again.
    package var round = 0
    /// The update time (更新日時) that the destination holds from an earlier delivery.
    package var heldUpdate: Instant?
    /// Where it was measured, and the 検査機関ID behind it, where that was kept.
    package var setting: String?
    package var testLabID: String?
    /// 測定法コード, where somebody gave it.
    package var methodCode: String?
}

/// Records that travel together under one `Idempotency-Key`, until each of them is resolved.
package struct Batch: Sendable, Equatable {
    package var id: Int64
    package var destination: String
    /// Made from the destination and the records, so the same records always have the same key.
    package var idempotencyKey: String
    package var formedAt: Instant
    package var items: [OutboxItem]
}

/// The receiver's word on one record of a batch.
package struct RecordResult: Sendable, Equatable {
    package var rowID: RowID
    package var outcome: Outcome

    package init(_ rowID: RowID, _ outcome: Outcome) {
        self.rowID = rowID
        self.outcome = outcome
    }

    package enum Outcome: Sendable, Equatable {
        case accepted
        /// The receiver has it already, which is as good as accepted.
        case duplicate
        /// Never to be accepted as it is; the answer and what was sent are kept for a person.
        case rejected(reason: String, answer: String, document: String = "")
        /// Not to be sent until a rule or a person says so: no consent.
        case held(reason: String)
        /// The destination's format has no place for it.
        case noTable
        /// Not now; it waits on.
        case retry
    }
}

/// A record that a receiver refused for good.
package struct DeadLetter: Sendable, Equatable {
    package var rowID: RowID
    package var destination: String
    package var reason: String
    /// The receiver's answer.
    package var answer: String
    package var at: Instant
    package var key: RecordKey
    /// What was sent of this record; empty where it never left.
    package var document = ""
}

/// Which records a list holds.
package enum RecordFilter: String, Sendable, CaseIterable {
    case all
    case waiting
    case held
    case unassigned
    /// A guest's: shown, never sent.
    case guest
    case quarantined
    case discarded
    /// Accepted, and taken back by a person.
    case withdrawn
    case deadLetters = "dead-letters"
    case delivered
}
