package import Measurement

// What a person, or a rule that has changed, decides about records that lie in the store.

extension Spool {
    /// Replaces a quarantined record by a better reading of the same frames, under the same key.
    ///
    /// For a corrected profile, a clock that is known by now, or a person's release. Records out of
    /// quarantine stay as they were accepted: a second time for one measurement would be a second
    /// measurement at the receiver.
    package func reconsider(
        _ row: RowID, as entry: SpoolEntry, at now: Instant, note: LedgerNote? = nil
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            let found = try connection.first(.quarantineOf, [.row(row)]) {
                reader throws(SpoolError) in
                (
                    key: reader.text(), reason: reader.optionalText(),
                    discarded: reader.optionalInstant()
                )
            }
            guard let found else { throw .refused("there is no record \(row.number)") }
            guard found.reason != nil else {
                throw .refused("record \(row.number) is not in quarantine")
            }
            guard found.key == entry.record.key.hex else {
                throw .refused("record \(row.number) has another key")
            }
            guard found.discarded == nil else {
                throw .refused("record \(row.number) was discarded")
            }
            try connection.reconsider(row, as: entry, at: now)
            if let note { try connection.note(note, at: now) }
        }
    }

    /// Says whose an unassigned record is, and where it may go.
    ///
    /// Refused for a record that is somebody's already: it may have been sent.
    package func assign(
        _ row: RowID, to participant: String, rule: String, destinations: [EntryDestination],
        at now: Instant, note: LedgerNote? = nil
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            let found = try connection.first(.assignmentOf, [.row(row)]) {
                reader throws(SpoolError) in
                (
                    owner: reader.optionalText(), quarantine: reader.optionalText(),
                    observed: reader.optionalInstant(), rule: reader.optionalText(),
                    discarded: reader.optionalInstant()
                )
            }
            guard let found else { throw .refused("there is no record \(row.number)") }
            guard found.owner == nil else {
                throw .refused("record \(row.number) is assigned already")
            }
            guard found.rule != SpoolEntry.guestRule else {
                throw .refused("record \(row.number) is a guest's")
            }
            guard found.discarded == nil else {
                throw .refused("record \(row.number) was withdrawn or discarded")
            }
            try connection.run(
                .assignParticipant, [.text(participant), .text(rule), .row(row)])
            _ = try connection.reseal(row, at: now)
            try connection.run(.deleteOpenDeliveries, [.row(row)])
            try Appender(connection: connection, now: now).insertDeliveries(
                destinations, row, observed: found.observed, since: now,
                obstacle: found.quarantine.map { "quarantined: \($0)" })
            if let note { try connection.note(note, at: now) }
        }
    }

    /// Keeps waiting records from being sent, as after a consent was withdrawn.
    ///
    /// A batch that held one of them is taken apart: its remaining records travel under a new key.
    /// - Returns: how many were waiting.
    @discardableResult
    package func hold(
        _ rows: [RowID], at destination: String, reason: String
    ) throws(SpoolError) -> Int {
        try writing { connection throws(SpoolError) in
            var held = 0
            for row in rows {
                try connection.dissolveBatch(of: row, at: destination)
                held += try connection.run(
                    .holdDelivery, [.text(reason), .row(row), .text(destination)])
            }
            try connection.count("records_held", by: held)
            return held
        }
    }

    /// Lets a held record or a dead letter wait for sending again; false when it was neither.
    @discardableResult
    package func release(
        _ row: RowID, to destination: String, at now: Instant
    ) throws(SpoolError) -> Bool {
        try writing { connection throws(SpoolError) in
            let found = try connection.first(.assignmentOf, [.row(row)]) {
                reader throws(SpoolError) in
                let owner = reader.optionalText()
                let quarantine = reader.optionalText()
                (_, _) = (reader.optionalInstant(), reader.optionalText())
                return (owner: owner, quarantine: quarantine, discarded: reader.optionalInstant())
            }
            guard let found else { throw .refused("there is no record \(row.number)") }
            guard found.owner != nil, found.quarantine == nil, found.discarded == nil else {
                throw .refused("record \(row.number) is unassigned, in quarantine or withdrawn")
            }
            try connection.run(.deleteDeadLetter, [.row(row), .text(destination)])
            return try connection.run(
                .releaseDelivery, [.instant(now), .row(row), .text(destination)]) == 1
        }
    }
}

extension Connection {
    fileprivate func dissolveBatch(of row: RowID, at destination: String) throws(SpoolError) {
        let id = try first(.batchOfDelivery, [.row(row), .text(destination)]) {
            reader throws(SpoolError) in reader.integer()
        }
        if let id { try dissolve(batch: id) }
    }
}
