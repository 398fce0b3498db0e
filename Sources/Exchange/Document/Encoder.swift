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
        let envelope = format.envelope
        try envelope.consortium.check(header.consortium, field: envelope.consortiumName.text)
        scratch.removeAll()
        document.removeAll()
        rows.removeAll(keepingCapacity: true)
        people.removeAll(keepingCapacity: true)
        var batch = EncodedBatch()
        batch.perRecord.reserveCapacity(records.count)
        let writer = RowWriter(
            options: options, consortium: header.consortium, sendTime: header.sendTime)
        for (index, record) in records.enumerated() {
            batch.perRecord.append(add(record, index, writer, &batch.omissions))
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
        format.tables.contains { place(of: record, in: $0) != nil }
    }

    // MARK: One record

    private enum Place { case own, carried }

    /// How a record belongs into a table; nil when it has nothing to say there.
    private func place(of record: ExchangeRecord, in table: TableDefinition) -> Place? {
        let kind = record.record.kind
        let isOwn = table.kinds.contains(kind)
        guard isOwn || table.carriedBy.contains(kind),
            table.settings.contains(record.setting ?? options.setting),
            table.extensionName.map(options.extensions.contains) ?? true
        else { return nil }
        let hasValue = table.columns.contains { column in
            guard column.isRequired, case .quantity(let name, _) = column.source else {
                return false
            }
            return record.record.quantity(name)?.number != nil
        }
        return hasValue ? (isOwn ? .own : .carried) : nil
    }

    private mutating func add(
        _ record: ExchangeRecord, _ index: Int, _ writer: RowWriter, _ omissions: inout [Omission]
    ) -> RecordOutcome {
        let firstRow = rows.count
        var carried: [Omission] = []
        for (number, table) in format.tables.enumerated() {
            guard let place = place(of: record, in: table) else { continue }
            let start = scratch.count
            do throws(FieldRefusal) {
                try write(record, table, writer)
                let person = person(record.participant)
                rows.append(
                    Row(
                        record: index, person: person, table: number, start: start,
                        end: scratch.count))
            } catch {
                scratch.truncate(to: start)
                guard place == .carried else {
                    rows.removeLast(rows.count - firstRow)
                    return .refused(error)
                }
                carried.append(Omission(record: index, table: table.path, refusal: error))
            }
        }
        if rows.count > firstRow {
            omissions += carried
            return .encoded(0)
        }
        // With no row of its own, the carried value is all the record had to say.
        return carried.first.map { .refused($0.refusal) } ?? .noTable
    }

    private mutating func write(
        _ record: ExchangeRecord, _ table: TableDefinition, _ writer: RowWriter
    ) throws(FieldRefusal) {
        let envelope = format.envelope
        try envelope.person.check(record.participant, field: envelope.personName.text)
        try writer.write(table, record, to: &scratch)
    }

    private mutating func person(_ participant: String) -> Int {
        if let known = people.lastIndex(of: participant) { return known }
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
        let table = format.tables[row.table]
        let isNewPerson = previous?.person != row.person
        let previousGroup = previous.map { format.tables[$0.table].group }
        let isNewGroup = isNewPerson || previousGroup != table.group
        if isNewPerson {
            document.append("{")
            document.append(format.envelope.personName)
            document.quoted(people[row.person])
            document.append(",")
        }
        if isNewGroup {
            document.append(table.group)
            document.append("{")
        }
        if isNewGroup || previous?.table != row.table {
            document.append(table.name)
            document.append("[")
        }
        document.append(contentsOf: scratch.bytes[row.start..<row.end])
    }

    /// Closes what the next row does not share with this one; one comma stands between them.
    private mutating func close(_ row: Row, before next: Row?) {
        let samePerson = next?.person == row.person
        let sameGroup =
            samePerson
            && next.map { format.tables[$0.table].group } == format.tables[row.table].group
        let sameTable = sameGroup && next?.table == row.table
        if !sameTable { document.append("]") }
        if !sameGroup { document.append("}") }
        if !samePerson { document.append("}") }
        if next != nil { document.append(",") }
    }

    /// Tells each record the first place it has in the document.
    private func number(_ batch: inout EncodedBatch) {
        batch.rows = rows.map(\.record)
        for (place, row) in rows.enumerated().reversed() {
            batch.perRecord[row.record] = .encoded(place)
        }
    }
}
