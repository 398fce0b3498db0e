package import Measurement

extension Spool {
    /// Stored records after a row, oldest row first.
    package func records(
        after row: RowID = RowID(0), limit: Int, filter: RecordFilter = .all
    ) throws(SpoolError) -> [StoredRecord] {
        let page: [SQLValue] = [.row(row), .integer(limit)]
        return try reading { connection throws(SpoolError) in
            switch filter {
            case .all: try connection.records(.recordsAfter, page)
            case .unassigned: try connection.records(.recordsUnassigned, page)
            case .guest: try connection.records(.recordsOfGuests, page)
            case .quarantined: try connection.records(.recordsQuarantined, page)
            case .discarded: try connection.records(.recordsDiscarded, page)
            case .withdrawn: try connection.records(.recordsWithdrawn, page)
            case .waiting: try connection.records(page, .waiting)
            case .held: try connection.records(page, .held)
            case .deadLetters: try connection.records(page, .dead)
            case .delivered: try connection.records(page, .delivered)
            }
        }
    }

    /// The row of the newest record; 0 while there is none.
    package func newestRow() throws(SpoolError) -> RowID {
        try reading { connection throws(SpoolError) in
            RowID(try connection.integer(.newestRow))
        }
    }

    package func record(_ row: RowID) throws(SpoolError) -> StoredRecord? {
        try reading { connection throws(SpoolError) in
            try connection.records(.record, [.row(row)]).first
        }
    }

    package func record(_ key: RecordKey) throws(SpoolError) -> StoredRecord? {
        try reading { connection throws(SpoolError) in
            let row = try connection.first(.recordByKey, [.text(key.hex)]) {
                reader throws(SpoolError) in reader.row()
            }
            guard let row else { return nil }
            return try connection.records(.record, [.row(row)]).first
        }
    }

    /// The bytes that a record was decoded from; empty after their retention.
    package func frames(of row: RowID) throws(SpoolError) -> [RawFrame] {
        try reading { connection throws(SpoolError) in
            try connection.frames(of: row)
        }
    }

    /// Records whose time or value a person has to look at.
    package func quarantine(
        after row: RowID = RowID(0), limit: Int = 1_000
    ) throws(SpoolError) -> [StoredRecord] {
        try records(after: row, limit: limit, filter: .quarantined)
    }

    /// Records that a receiver refused for good, with its answer.
    package func deadLetters(
        after row: RowID = RowID(0), limit: Int = 1_000
    ) throws(SpoolError) -> [DeadLetter] {
        try reading { connection throws(SpoolError) in
            try connection.deadLetters(after: row, limit: limit)
        }
    }
}

extension Connection {
    /// Records with a delivery in a state.
    func records(
        _ page: [SQLValue], _ state: DeliveryState
    ) throws(SpoolError) -> [StoredRecord] {
        let many = try tally(state) > Self.manyDeliveries
        return try records(
            many ? .recordsByManyDeliveries : .recordsByDelivery, page + [.text(state.rawValue)])
    }

    func records(_ sql: SQL, _ values: [SQLValue]) throws(SpoolError) -> [StoredRecord] {
        let path = database.path
        var records = try all(sql, values) { row throws(SpoolError) in
            let id = row.row()
            do throws(UnreadableColumn) {
                return try StoredRecord(storedAt: id, &row, self)
            } catch {
                throw .failed(
                    SpoolFault(path: path, text: "row \(id.number): unreadable \(error.column)"))
            }
        }
        for index in records.indices {
            records[index].deliveries = try deliveries(of: records[index].rowID)
            records[index].context = try context(of: records[index].rowID)
        }
        return records
    }

    func deliveries(of row: RowID) throws(SpoolError) -> [Delivery] {
        try all(.deliveriesOfRecord, [.row(row)]) { reader throws(SpoolError) in
            Delivery(
                destination: reader.text(),
                state: DeliveryState(rawValue: reader.text()) ?? .held,
                reason: reader.optionalText(), deliveredAt: reader.optionalInstant(),
                isOnItsWay: reader.flag())
        }
    }
}

extension StoredRecord {
    /// Reads the columns that follow the row id, and opens what is sealed.
    init(
        storedAt id: RowID, _ row: inout RowReader, _ connection: Connection
    ) throws(UnreadableColumn) {
        let participant = row.optionalText()
        let rule = row.optionalText()
        let storedAt = row.instant()
        let revision = row.count()
        let updatedAt = row.optionalInstant()
        let discardedAt = row.optionalInstant()
        let reason = row.text()
        let keyID = row.optionalInteger()
        let sealed = row.blob()
        let record = try RecordColumns.read(&row) { key throws(UnreadableColumn) in
            guard let keyID else { return nil }
            let bytes = try? connection.open(sealed, by: keyID, at: RecordColumns.place(key))
            guard let bytes = bytes ?? nil else { throw UnreadableColumn("sealed values") }
            return String(decoding: bytes, as: UTF8.self)
        }
        self.init(
            rowID: id, record: record, participant: participant,
            participantRule: rule, storedAt: storedAt, deliveries: [], revision: revision,
            updatedAt: updatedAt,
            discarded: discardedAt.map { Discarded(at: $0, reason: reason) })
    }
}
