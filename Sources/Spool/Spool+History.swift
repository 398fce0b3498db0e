import JSON
package import Measurement

/// Records that a destination has not been told of, and how far the store was looked through.
package struct HistorySlice: Sendable {
    package var records: [StoredRecord]
    /// Where to go on; nil at the end.
    package var next: RowID?
}

extension Spool {
    /// Accepted records from a moment on that a destination knows nothing of, some at a time.
    ///
    /// Those in quarantine are left out: when one is released, it goes wherever it may.
    package func history(
        without destination: String, since: Instant, after row: RowID, limit: Int = 500
    ) throws(SpoolError) -> HistorySlice {
        try reading { connection throws(SpoolError) in
            let last = try connection.integer(.lastOfSlice, [.row(row), .integer(limit)])
            guard last > 0 else { return HistorySlice(records: [], next: nil) }
            let records = try connection.records(
                .historyWithout,
                [.row(row), .integer(last), .instant(since), .text(destination)])
            return HistorySlice(records: records, next: RowID(last))
        }
    }

    /// Lets records wait for a destination that was added after them; those that it knows stay as
    /// they are.
    ///
    /// - Parameter since: the day from which it takes them; remembered with the last row, so that the
    ///   next start goes on behind it.
    /// - Returns: how many wait now.
    package func addHistory(
        _ entries: [(row: RowID, state: EntryDestination.FirstState)], to destination: String,
        since: String, through last: RowID, at now: Instant
    ) throws(SpoolError) -> Int {
        try writing { connection throws(SpoolError) in
            var waiting = 0
            for (row, state) in entries {
                let found = try connection.first(.assignmentOf, [.row(row)]) {
                    reader throws(SpoolError) in
                    (
                        owner: reader.optionalText(), quarantine: reader.optionalText(),
                        observed: reader.optionalInstant(), rule: reader.optionalText()
                    )
                }
                guard let found, found.quarantine == nil else { continue }
                let unowned = found.rule == SpoolEntry.guestRule ? found.rule : "unassigned"
                let (word, reason): (DeliveryState, String?) =
                    switch state {
                    case .waiting:
                        found.owner == nil ? (.held, unowned) : (.waiting, nil)
                    case .held(let reason): (.held, reason)
                    case .noTable: (.noTable, nil)
                    }
                let added = try connection.run(
                    .insertHistory,
                    [
                        .row(row), .text(destination), .text(word.rawValue), .text(reason),
                        .instant(found.observed), .instant(now),
                    ])
                if word == .waiting { waiting += added }
            }
            try connection.remember("history \(destination)", "\(since) \(last.number)")
            if waiting > 0 {
                let count = waiting
                try connection.note(
                    LedgerNote(.historyTaken, on: destination) { writer in
                        writer.member("since", since)
                        writer.member("records", count)
                    }, at: now)
            }
            return waiting
        }
    }

    /// The last row that was looked at for a destination's history; 0 where it was another day's.
    package func historyTaken(
        _ destination: String, since: String
    ) throws(SpoolError) -> RowID {
        try reading { connection throws(SpoolError) in
            let words = try connection.remembered("history \(destination)")?.split(separator: " ")
            guard let words, words.count == 2, words[0] == since, let row = Int64(words[1]) else {
                return RowID(0)
            }
            return RowID(row)
        }
    }
}

extension SQL {
    static let lastOfSlice = SQL(
        "SELECT max(id) FROM (SELECT id FROM record WHERE id > ? ORDER BY id LIMIT ?)")
    static let insertHistory = SQL(
        """
        INSERT INTO delivery(record_id, destination, state, reason, observed_at, waiting_since)
        VALUES(?,?,?,?,?,?) ON CONFLICT(record_id, destination) DO NOTHING
        """)
}
