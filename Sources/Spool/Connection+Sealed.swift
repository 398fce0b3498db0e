import Measurement

// Reading and writing of what may be sealed beside a record: frames, evidence, answers.

extension Connection {
    func frames(of row: RowID) throws(SpoolError) -> [RawFrame] {
        try all(.framesOfRecord, [.row(row)]) { reader throws(SpoolError) in
            let source = reader.text()
            let bytes = reader.blob()
            let place = "frame \(row.number) \(reader.count())"
            return RawFrame(
                source: source, bytes: try opened(bytes, by: reader.optionalInteger(), at: place))
        }
    }

    func evidence(of row: RowID) throws(SpoolError) -> StoredEvidence? {
        try first(.evidenceOf, [.row(row)]) { reader throws(SpoolError) in
            var found = StoredEvidence(
                boot: reader.text(), text: reader.text(), note: reader.optionalText())
            if let keyID = reader.optionalInteger() {
                let bytes = try opened(reader.blob(), by: keyID, at: "evidence \(row.number)")
                found.text = String(decoding: bytes, as: UTF8.self)
            }
            return found
        }
    }

    func save(
        _ evidence: StoredEvidence, _ row: RowID, of owner: String?, at now: Instant
    ) throws(SpoolError) {
        let sealed = try seal(
            Array(evidence.text.utf8), for: owner, at: "evidence \(row.number)", now: now)
        try run(
            .saveEvidence,
            [
                .row(row), .text(evidence.boot), .text(sealed == nil ? evidence.text : ""),
                .text(evidence.note),
            ] + SQLValue.sealed(sealed))
    }

    func deadLetters(after row: RowID, limit: Int) throws(SpoolError) -> [DeadLetter] {
        try all(.deadLetters, [.row(row), .integer(limit)]) { reader throws(SpoolError) in
            var letter = DeadLetter(
                rowID: reader.row(), destination: reader.text(), reason: reader.text(),
                answer: reader.text(), at: reader.instant(), key: RecordKey(hex: reader.text()))
            guard let keyID = reader.optionalInteger() else {
                _ = reader.blob()
                letter.document = reader.text()
                return letter
            }
            letter.answer = try text(
                reader.blob(), keyID, at: Self.place(ofAnswer: letter.rowID, letter.destination))
            _ = reader.text()
            let document = reader.blob()
            if !document.isEmpty {
                letter.document = try text(
                    document, keyID, at: Self.place(ofDocument: letter.rowID, letter.destination))
            }
            return letter
        }
    }

    private func text(
        _ sealed: [UInt8], _ keyID: Int64, at place: String
    ) throws(SpoolError) -> String {
        String(decoding: try opened(sealed, by: keyID, at: place), as: UTF8.self)
    }

    /// Keeps a receiver's answer, which may repeat the values, and what was sent, as a dead letter.
    func keep(
        _ refusal: Refusal, of row: RowID, _ destination: String, _ now: Instant
    ) throws(SpoolError) {
        let owner = try first(.assignmentOf, [.row(row)]) { reader throws(SpoolError) in
            reader.text()
        }
        try run(
            .insertDeadLetter,
            [.row(row), .text(destination), .text(refusal.reason), .instant(now)]
                + (try columns(of: refusal, row, destination, owner, now)))
    }

    /// `answer`, `sealed_by`, `sealed`, `document`, `document_sealed`.
    private func columns(
        of refusal: Refusal, _ row: RowID, _ destination: String, _ owner: String?, _ now: Instant
    ) throws(SpoolError) -> [SQLValue] {
        let sealed = try seal(
            Array(refusal.answer.utf8), for: owner, at: Self.place(ofAnswer: row, destination),
            now: now)
        guard let sealed else {
            return [.text(refusal.answer), .null, .null, .text(refusal.document), .null]
        }
        let document = try seal(
            Array(refusal.document.utf8), for: owner,
            at: Self.place(ofDocument: row, destination), now: now)
        return ["", .integer(sealed.keyID), .blob(sealed.bytes), ""]
            + [document.map { .blob($0.bytes) } ?? .null]
    }

    static func place(ofDocument row: RowID, _ destination: String) -> String {
        "document \(row.number) \(destination)"
    }

    static func place(ofAnswer row: RowID, _ destination: String) -> String {
        "answer \(row.number) \(destination)"
    }

    /// A record by its row; nil where there is none or its values cannot be opened any more.
    func readable(_ row: RowID) throws(SpoolError) -> StoredRecord? {
        let found = try first(.record, [.row(row)]) {
            reader throws(SpoolError) -> StoredRecord? in
            let id = reader.row()
            return try? StoredRecord(storedAt: id, &reader, self)
        }
        return found ?? nil
    }

    func opened(
        _ bytes: [UInt8], by keyID: Int64?, at place: String
    ) throws(SpoolError) -> [UInt8] {
        guard let keyID else { return bytes }
        guard let plain = try open(bytes, by: keyID, at: place) else {
            throw .failed(
                SpoolFault(path: database.path, text: "\(place) cannot be opened any more"))
        }
        return plain
    }

    // MARK: sealing what lies there

    /// Seals a record and all that belongs to it under its owner's key; false where nothing is sealed.
    func reseal(_ row: RowID, at now: Instant) throws(SpoolError) -> Bool {
        guard vault.seals, let stored = try readable(row) else { return false }
        let sealed = try seal(
            RecordColumns.secret(stored.record), for: stored.participant,
            at: RecordColumns.place(stored.record.key), now: now)
        try run(.sealRecord, SQLValue.sealed(sealed) + [.row(row)])
        try resealBelongings(of: row, for: stored.participant, at: now)
        return true
    }

    func resealBelongings(
        of row: RowID, for owner: String?, at now: Instant
    ) throws(SpoolError) {
        guard vault.seals else { return }
        let frames = try frames(of: row)
        if !frames.isEmpty {
            try run(.deleteFrames, [.row(row)])
            try Appender(connection: self, now: now).insertFrames(frames, row, of: owner)
        }
        try resealVersions(of: row, for: owner, at: now)
        if let evidence = try evidence(of: row) { try save(evidence, row, of: owner, at: now) }
        // Letters of this row only: they are listed after the row before it.
        let letters = try deadLetters(after: RowID(row.number - 1), limit: 100)
        for letter in letters where letter.rowID == row {
            let refusal = Refusal(
                reason: letter.reason, answer: letter.answer, document: letter.document)
            try run(
                .sealDeadLetter,
                (try columns(of: refusal, row, letter.destination, owner, now))
                    + [.row(row), .text(letter.destination)])
        }
    }
}

/// What is kept of a record that a receiver refused.
struct Refusal {
    var reason: String
    var answer: String
    var document: String
}

extension SQL {
    static let sealRecord = SQL(
        """
        UPDATE record SET quantities = '', flags = '', sealed_by = ?, sealed = ?,
        fingerprint = CASE WHEN sealed_by IS NULL THEN NULL ELSE fingerprint END
        WHERE id = ?
        """)
    static let sealDeadLetter = SQL(
        """
        UPDATE dead_letter SET answer = ?, sealed_by = ?, sealed = ?, document = ?,
        document_sealed = ?
        WHERE record_id = ? AND destination = ?
        """)
    static let plainRecords = SQL(
        "SELECT id FROM record WHERE id > ? AND sealed_by IS NULL ORDER BY id LIMIT ?")
}
