import Measurement

/// Writes records as one document of a format, grouped by person, in the order they are given.
///
/// Every record is written to a scratch buffer first and the document is put together from those
/// rows, so a record that does not fit leaves no trace. The buffers are kept for the next document.
package struct Encoder: Sendable {
    package let format: FormatDefinition
    package let options: EncoderOptions
    private var scratch = RowBuffer()
    private var document = DocumentBuffer()
    private var rows: [Row] = []
    private var people: [String] = []
    private let plan: EncodingPlan

    private struct Row: Comparable {
        var record: Int
        var person: Int
        var table: Int
        var start: Int
        var end: Int

        static func < (a: Row, b: Row) -> Bool {
            if a.person != b.person { return a.person < b.person }
            return a.table != b.table ? a.table < b.table : a.start < b.start
        }
    }

    package init(format: FormatDefinition, options: EncoderOptions) {
        self.format = format
        self.options = options
        plan = EncodingPlan(format, extensions: options.extensions)
    }

    /// Encodes a batch; each record's own outcome stands in the result.
    ///
    /// - Throws: what is wrong with the header, which makes every document impossible.
    package mutating func encode(
        records: [ExchangeRecord], header: DocumentHeader
    ) throws(FieldRefusal) -> EncodedBatch {
        let envelope = format.envelope
        do throws(FieldRefusal.Reason) {
            try envelope.consortium.check(header.consortium)
        } catch {
            throw FieldRefusal(envelope.consortiumName.text, error)
        }
        scratch.removeAll()
        document.removeAll()
        rows.removeAll(keepingCapacity: true)
        people.removeAll(keepingCapacity: true)
        var batch = EncodedBatch()
        batch.perRecord.reserveCapacity(records.count)
        let writer = RowWriter(
            plan: plan, options: options, consortium: header.consortium, sendTime: header.sendTime)
        for index in records.indices {
            batch.perRecord.append(add(records, index, writer, &batch.omissions))
        }
        guard !rows.isEmpty else { return batch }
        // The scratch order breaks ties, so records keep their order within a person's table.
        rows.sort()
        assemble(header)
        number(&batch)
        batch.bytes = document.bytes
        return batch
    }

    /// Whether the format has a place for the record, by kind, setting and extensions alone.
    package func hasTable(for record: ExchangeRecord) -> Bool {
        plan.places(record.record.kind, at: record.setting ?? options.setting).contains {
            plan.isTold(plan.place($0), by: record.record.quantities)
        }
    }

    // MARK: One record

    private mutating func add(
        _ records: [ExchangeRecord], _ index: Int, _ writer: borrowing RowWriter,
        _ omissions: inout [Omission]
    ) -> RecordOutcome {
        let firstRow = rows.count
        var carried: [Omission] = []
        let setting = records[index].setting ?? options.setting
        for number in plan.places(records[index].record.kind, at: setting) {
            let place = plan.place(number)
            guard plan.isTold(place, by: records[index].record.quantities) else { continue }
            let start = scratch.count
            do throws(FieldRefusal) {
                let person = try person(records[index].participant)
                try write(place.table, records, index, writer)
                rows.append(
                    Row(
                        record: index, person: person, table: place.table, start: start,
                        end: scratch.count))
            } catch {
                guard !place.isOwn else {
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

    private mutating func write(
        _ table: Int, _ records: [ExchangeRecord], _ index: Int,
        _ writer: borrowing RowWriter
    ) throws(FieldRefusal) {
        do throws(ColumnFault) {
            try writer.write(table, records, index, to: &scratch)
        } catch {
            let column = error.column - plan.tables[table].columns.lowerBound
            throw FieldRefusal(format.tables[table].columns[column].name.text, error.reason)
        }
    }

    /// The number of a person in this document; a code that may not stand there is refused.
    private mutating func person(_ participant: String) throws(FieldRefusal) -> Int {
        if let known = people.lastIndex(of: participant) { return known }
        do throws(FieldRefusal.Reason) {
            try format.envelope.person.check(participant)
        } catch {
            throw FieldRefusal(format.envelope.personName.text, error)
        }
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
        let sent = scratch.date(
            localMicroseconds: options.zone.localMicroseconds(header.sendTime),
            width: envelope.sendTimeWidth)
        document.append(contentsOf: scratch.bytes[sent])
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
        return plan.tables[one].group == plan.tables[other].group
    }

    /// Tells each record the first place it has in the document.
    private func number(_ batch: inout EncodedBatch) {
        batch.rows = rows.map(\.record)
        for (place, row) in rows.enumerated().reversed() {
            batch.perRecord[row.record] = .encoded(place)
        }
    }
}
