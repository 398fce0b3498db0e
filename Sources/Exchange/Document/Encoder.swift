import Measurement

/// Writes records as one document of a format, grouped by person, in the order they are given.
///
/// Every record is written to a scratch buffer first and the document is put together from those
/// rows, so a record that does not fit leaves no trace. The buffers are kept for the next document.
package struct Encoder: Sendable {
    package let format: FormatDefinition
    package let options: EncoderOptions
    private var scratch = DocumentBuffer()
    private var document = DocumentBuffer()
    private var rows: [Row] = []
    private var people: [String] = []
    private var known: [Places] = []

    private struct Row {
        var record: Int
        var person: Int
        var table: Int
        var start: Int
        var end: Int
    }

    package init(format: FormatDefinition, options: EncoderOptions) {
        self.format = format
        self.options = options
    }

    /// Encodes a batch; each record's own outcome stands in the result.
    ///
    /// - Throws: what is wrong with the header, which makes every document impossible.
    package mutating func encode(
        records: [ExchangeRecord], header: DocumentHeader
    ) throws(FieldRefusal) -> EncodedBatch {
        try format.envelope.consortium.check(
            header.consortium, field: format.envelope.consortiumName)
        scratch.removeAll()
        document.removeAll()
        rows.removeAll(keepingCapacity: true)
        people.removeAll(keepingCapacity: true)
        var batch = EncodedBatch()
        batch.perRecord.reserveCapacity(records.count)
        let writer = RowWriter(
            options: options, consortium: header.consortium, sendTime: header.sendTime)
        let given = records.span
        for index in given.indices {
            batch.perRecord.append(add(given[index], index, writer, &batch.omissions))
        }
        guard !rows.isEmpty else { return batch }
        // The scratch order breaks ties, so records keep their order within a person's table.
        rows.sort { ($0.person, $0.table, $0.start) < ($1.person, $1.table, $1.start) }
        assemble(header)
        number(&batch)
        batch.bytes = document.bytes
        return batch
    }

    /// Whether the format has a place for the record, by kind, setting and extensions alone.
    package func hasTable(for record: ExchangeRecord) -> Bool {
        places(record.record.kind, at: record.setting ?? options.setting).contains {
            $0.isTold(by: record)
        }
    }

    // MARK: One record

    private enum Standing { case own, carried }

    /// A table that records of a kind belong into.
    private struct Place {
        var table: Int
        var standing: Standing
        /// One of these must be known, or the record has nothing to say there.
        var values: [QuantityName]

        func isTold(by record: borrowing ExchangeRecord) -> Bool {
            for name in values where record.record.quantity(name)?.number != nil { return true }
            return false
        }
    }

    /// The tables for a kind of record, found once.
    private struct Places {
        var kind: MeasurementKind
        var setting: GatewaySetting
        var tables: [Place]
    }

    private mutating func knownPlaces(
        _ kind: MeasurementKind, at setting: GatewaySetting
    ) -> [Place] {
        for known in known where known.kind == kind && known.setting == setting {
            return known.tables
        }
        let tables = places(kind, at: setting)
        known.append(Places(kind: kind, setting: setting, tables: tables))
        return tables
    }

    private func places(_ kind: MeasurementKind, at setting: GatewaySetting) -> [Place] {
        format.tables.enumerated().compactMap { number, table in
            let isOwn = table.kinds.contains(kind)
            guard isOwn || table.carriedBy.contains(kind), table.settings.contains(setting),
                table.extensionName.map(options.extensions.contains) ?? true
            else { return nil }
            let values = table.columns.compactMap { column -> QuantityName? in
                guard column.isRequired, case .quantity(let name, _) = column.source else {
                    return nil
                }
                return name
            }
            return Place(table: number, standing: isOwn ? .own : .carried, values: values)
        }
    }

    private mutating func add(
        _ record: borrowing ExchangeRecord, _ index: Int, _ writer: borrowing RowWriter,
        _ omissions: inout [Omission]
    ) -> RecordOutcome {
        let firstRow = rows.count
        var carried: [Omission] = []
        let setting = record.setting ?? options.setting
        for place in knownPlaces(record.record.kind, at: setting) where place.isTold(by: record) {
            let start = scratch.count
            do throws(FieldRefusal) {
                let person = try person(record.participant)
                try writer.write(format.tables[place.table], record, to: &scratch)
                rows.append(
                    Row(
                        record: index, person: person, table: place.table, start: start,
                        end: scratch.count))
            } catch {
                scratch.truncate(to: start)
                guard place.standing == .carried else {
                    rows.removeLast(rows.count - firstRow)
                    return .refused(error)
                }
                let table = format.tables[place.table].path
                carried.append(Omission(record: index, table: table, refusal: error))
            }
        }
        if rows.count > firstRow {
            omissions += carried
            return .encoded(0)
        }
        // With no row of its own, the carried value is all the record had to say.
        return carried.first.map { .refused($0.refusal) } ?? .noTable
    }

    /// The number of a person in this document; a code that may not stand there is refused.
    private mutating func person(_ participant: String) throws(FieldRefusal) -> Int {
        if let known = people.lastIndex(of: participant) { return known }
        try format.envelope.person.check(participant, field: format.envelope.personName)
        people.append(participant)
        return people.count - 1
    }

    // MARK: The document

    private mutating func assemble(_ header: DocumentHeader) {
        let envelope = format.envelope
        document.append("{")
        document.append(envelope.versionName)
        document.quoted(envelope.version)
        document.append(",")
        document.append(envelope.sendTimeName)
        document.quoted(options.zone.local(header.sendTime), width: envelope.sendTimeWidth)
        document.append(",")
        document.append(envelope.consortiumName)
        document.quoted(header.consortium)
        document.append(",")
        document.append(envelope.peopleName)
        document.append("[")
        for index in rows.indices { append(rows[index], after: index > 0 ? rows[index - 1] : nil) }
        if let last = rows.last { close(last, before: nil) }
        document.append("]")
        document.append("}")
    }

    /// Writes a row and the brackets between it and the one before.
    private mutating func append(_ row: Row, after previous: Row?) {
        if let previous { close(previous, before: row) }
        let isNewPerson = previous?.person != row.person
        let isNewGroup = isNewPerson || !sameGroup(previous?.table, row.table)
        if isNewPerson {
            document.append("{")
            document.append(format.envelope.personName)
            document.quoted(people[row.person])
            document.append(",")
        }
        if isNewGroup {
            document.append(format.tables[row.table].group)
            document.append("{")
        }
        if isNewGroup || previous?.table != row.table {
            document.append(format.tables[row.table].name)
            document.append("[")
        }
        document.append(contentsOf: scratch.bytes[row.start..<row.end])
    }

    /// Closes what the next row does not share with this one; one comma stands between them.
    private mutating func close(_ row: Row, before next: Row?) {
        let samePerson = next?.person == row.person
        let sameGroup = samePerson && sameGroup(next?.table, row.table)
        let sameTable = sameGroup && next?.table == row.table
        if !sameTable { document.append("]") }
        if !sameGroup { document.append("}") }
        if !samePerson { document.append("}") }
        if next != nil { document.append(",") }
    }

    private func sameGroup(_ one: Int?, _ other: Int) -> Bool {
        guard let one, one != other else { return one == other }
        return format.tables[one].group.text == format.tables[other].group.text
    }

    /// Tells each record the first place it has in the document.
    private func number(_ batch: inout EncodedBatch) {
        batch.rows = rows.map(\.record)
        for (place, row) in rows.enumerated().reversed() {
            batch.perRecord[row.record] = .encoded(place)
        }
    }
}
