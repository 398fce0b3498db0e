package import Exchange
package import Measurement

/// The store of records that wait for destinations, as the uplink needs it.
///
/// What a call has returned from is on disk. A batch keeps its records and its key over restarts
/// until it is resolved or split.
package protocol OutboxStore: Sendable {
    /// The batch that is under way, with the key of its first try; nil when there is none.
    func openBatch(_ destination: String) async throws -> OutboxBatch?

    /// A new batch of the oldest waiting records, per device oldest first; nil when none wait.
    func formBatch(
        _ destination: String, maximum: Int, at now: Instant
    ) async throws -> OutboxBatch?

    /// Writes down what became of records of a batch, in one transaction.
    ///
    /// The batch is closed when any record has a result; those without one wait on, for another
    /// batch under another key.
    ///
    /// - Parameter maximum: how many records the next batch may hold. It may be formed in the same
    ///   transaction, so that a drain waits for the disk once a batch.
    func resolve(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws

    /// The batch that goes after the one under way, formed while that one travels; nil when there is
    /// none or when another order has become right meanwhile.
    ///
    /// It may leave as soon as all of the first has arrived, and never before.
    func formFollower(
        of batch: OutboxBatch, _ destination: String, maximum: Int, at now: Instant
    ) async throws -> FormedBatch?

    /// Writes down that all of a batch has arrived, while its follower may travel already, and forms
    /// another batch in the same transaction.
    ///
    /// Calls are done in their order, also where one begins before the one before it has ended.
    ///
    /// - Returns: the batch behind the follower; the next one where there is no follower.
    func settle(
        _ batch: OutboxBatch, _ results: [OutboxResult], at now: Instant, next maximum: Int
    ) async throws -> FormedBatch?

    /// Whether a batch is still as it was given out, and so may leave: nobody has changed any of it.
    func leaves(_ batch: OutboxBatch, for destination: String) async -> Bool

    /// Divides a batch of two or more records into halves, each with a key of its own.
    func split(_ batch: OutboxBatch) async throws
}

/// Records that travel together under one `Idempotency-Key`.
package struct OutboxBatch: Sendable, Equatable {
    package var id: Int64
    package var idempotencyKey: String
    /// The document's send time on every try, so that its bytes never change.
    package var formedAt: Instant
    package var items: [OutboxItem]

    package init(
        id: Int64, idempotencyKey: String, formedAt: Instant, items: [OutboxItem]
    ) {
        self.id = id
        self.idempotencyKey = idempotencyKey
        self.formedAt = formedAt
        self.items = items
    }
}

/// A batch that was formed before its turn.
package struct FormedBatch: Sendable {
    package var batch: OutboxBatch
    /// The batch after which it goes; nil where it goes first.
    package var behind: Int64?

    package init(_ batch: OutboxBatch, behind: Int64?) {
        self.batch = batch
        self.behind = behind
    }
}

/// A record that waits for a destination.
package struct OutboxItem: Sendable, Equatable {
    package var id: Int64
    package var record: Record
    package var participant: String
    package var stored: Instant
    /// The update time that the receiver holds from an earlier delivery.
    package var heldUpdateTime: Instant?
    /// Where it was measured (`home`, `pharmacy`, `checkup`), where that was kept with it.
    package var setting: String?
    /// 検査機関ID, where that was kept with it.
    package var testLabID: String?
    /// 測定法コード, where somebody gave it.
    package var methodCode: String?

    package init(
        id: Int64, record: Record, participant: String, stored: Instant,
        heldUpdateTime: Instant? = nil
    ) {
        self.id = id
        self.record = record
        self.participant = participant
        self.stored = stored
        self.heldUpdateTime = heldUpdateTime
    }
}

extension OutboxItem {
    /// The record with nothing registered about its device yet.
    package var exchangeRecord: ExchangeRecord {
        ExchangeRecord(
            record: record, participant: participant, stored: stored,
            heldUpdateTime: heldUpdateTime)
    }
}

/// What became of one record at a destination.
package struct OutboxResult: Sendable, Equatable {
    package var item: Int64
    package var outcome: Outcome

    package init(item: Int64, _ outcome: Outcome) {
        self.item = item
        self.outcome = outcome
    }

    package enum Outcome: Sendable, Equatable {
        case accepted
        /// The receiver has it already.
        case duplicate
        /// The receiver will not have it as it is: a dead letter, with the answer kept and the document
        /// of this record alone.
        case rejected(reason: String, answer: String, document: String = "")
        /// A value does not fit into the format: a dead letter that never left, with the field's name.
        case doesNotFit(reason: String)
        /// Not to be sent: no consent, outside the period, simulated.
        case held(reason: String)
        /// The destination's format has no place for it.
        case noTable
    }
}

/// Whether a record may be sent at this moment, and with what is registered about it.
package enum Preparation: Sendable {
    case ready(ExchangeRecord)
    case held(reason: String)
}
