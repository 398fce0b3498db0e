import JSON
package import Measurement

/// One record that travelled to a destination, as the ledger tells of it.
package struct SentRecord: Sendable, Equatable {
    /// The ledger's row; several records of a batch share it.
    package var entry: Int64
    package var at: Instant
    package var destination: String
    /// `accepted`, `duplicate` or `rejected`.
    package var answer: String
    package var key: RecordKey
    package var kind: MeasurementKind?
    package var observed: Instant?
}

extension Spool {
    /// What went where and when of a participant's records, oldest first.
    ///
    /// It is told from the ledger, so each version of a record that was sent again stands for itself,
    /// and what retention removed since is still told of. After a purge nothing leads to the person.
    ///
    /// - Parameters:
    ///   - entry: the last row of the ledger that was told of.
    ///   - limit: at least so many records are given where there are as many; an answer is not divided.
    package func deliveries(
        of participant: String, after entry: Int64 = 0, limit: Int
    ) throws(SpoolError) -> [SentRecord] {
        try reading { connection throws(SpoolError) in
            let known = try connection.knownKeys(of: participant)
            guard !known.isEmpty else { return [] }
            var found: [SentRecord] = []
            var last = entry
            while found.count < limit {
                let page = try connection.all(.deliveryEntries, [.integer(last)]) {
                    row throws(SpoolError) in
                    (number: row.integer(), at: row.instant(), to: row.text(), text: row.text())
                }
                guard let newest = page.last else { break }
                last = newest.number
                for line in page where found.count < limit {
                    for (answer, key) in Self.keys(line.text) {
                        guard let record = known[key] else { continue }
                        found.append(
                            SentRecord(
                                entry: line.number, at: line.at, destination: line.to,
                                answer: answer, key: RecordKey(hex: key), kind: record.kind,
                                observed: record.observed))
                    }
                }
            }
            return found
        }
    }

    private static func keys(_ details: String) -> [(answer: String, key: String)] {
        guard let value = try? JSONValue.parse(details.utf8) else { return [] }
        return ["accepted", "duplicate", "rejected"].flatMap { answer in
            (value[answer]?.array ?? []).compactMap { $0.string.map { (answer, $0) } }
        }
    }

    /// Records of a participant after a row, oldest row first, quarantined and withdrawn ones too.
    package func records(
        of participant: String, after row: RowID = RowID(0), limit: Int
    ) throws(SpoolError) -> [StoredRecord] {
        try reading { connection throws(SpoolError) in
            try connection.records(
                .recordsOfPerson, [.text(participant), .row(row), .integer(limit)])
        }
    }
}

extension Connection {
    /// The records of a person that lie here or lay here once, by their keys.
    fileprivate func knownKeys(
        of participant: String
    ) throws(SpoolError) -> [String: (kind: MeasurementKind?, observed: Instant?)] {
        let rows = try all(.keysOfPerson, [.text(participant)]) { row throws(SpoolError) in
            (
                key: row.text(), kind: MeasurementKind(rawValue: row.text()),
                observed: row.optionalInstant()
            )
        }
        return Dictionary(
            rows.map { ($0.key, (kind: $0.kind, observed: $0.observed)) },
            uniquingKeysWith: { first, _ in first })
    }
}

extension SQL {
    static let keysOfPerson = SQL(
        """
        SELECT record_key, kind, observed_at FROM record WHERE participant = ?1 UNION ALL
        SELECT record_key, kind, observed_at FROM spent_key WHERE participant = ?1
        """)
    static let deliveryEntries = SQL(
        """
        SELECT id, at, subject, details FROM ledger WHERE id > ? AND event = 'delivery'
        ORDER BY id LIMIT 500
        """)
}
