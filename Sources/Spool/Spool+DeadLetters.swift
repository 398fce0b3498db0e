import JSON
package import Measurement

extension Spool {
    /// Lets a dead letter wait for sending again; it is encoded anew, under a new batch key.
    ///
    /// The receiver may have remembered its refusal under the old key.
    package func retryDeadLetter(
        _ row: RowID, at destination: String, by actor: LedgerActor, now: Instant
    ) throws(SpoolError) -> DecisionResult {
        try writing { connection throws(SpoolError) in
            let letter: [SQLValue] = [.row(row), .text(destination)]
            guard try connection.run(.deleteDeadLetter, letter) == 1 else { return .decidedBefore }
            try connection.run(.sendOnceMore, [.instant(now)] + letter)
            try connection.note(
                LedgerNote(
                    .deadLetterRetried, by: actor, on: try connection.key(of: row),
                    details: { $0.member("destination", destination) }), at: now)
            return .done
        }
    }

    /// Gives up sending a dead letter to its destination; the record stays, held with the reason.
    package func discardDeadLetter(
        _ row: RowID, at destination: String, reason: String, by actor: LedgerActor, now: Instant
    ) throws(SpoolError) -> DecisionResult {
        try writing { connection throws(SpoolError) in
            let letter: [SQLValue] = [.row(row), .text(destination)]
            guard try connection.run(.deleteDeadLetter, letter) == 1 else { return .decidedBefore }
            try connection.run(.giveUpDelivery, [.text("discarded: \(reason)")] + letter)
            try connection.count("dead_letters_discarded", by: 1)
            try connection.note(
                LedgerNote(
                    .deadLetterDiscarded, by: actor, on: try connection.key(of: row),
                    details: { writer in
                        writer.member("destination", destination)
                        writer.member("reason", reason)
                    }), at: now)
            return .done
        }
    }
}

extension Connection {
    func key(of row: RowID) throws(SpoolError) -> String {
        try first(.keyOfRecord, [.row(row)]) { reader throws(SpoolError) in reader.text() } ?? ""
    }
}

extension SQL {
    static let sendOnceMore = SQL(
        """
        UPDATE delivery SET state = 'waiting', reason = NULL, waiting_since = ?, round = round + 1
        WHERE record_id = ? AND destination = ? AND state = 'dead'
        """)
    static let giveUpDelivery = SQL(
        """
        UPDATE delivery SET state = 'held', reason = ?
        WHERE record_id = ? AND destination = ? AND state = 'dead'
        """)
}
