import EventLoop
import Exchange
import Measurement

/// One try: a batch from the store to the receiver and its answer back into the store.
extension DestinationWorker {
    typealias Outcome = DestinationScheduler.Outcome

    func attempt() async -> Outcome {
        do {
            guard let batch = try await nextBatch() else {
                unwritten = [:]
                return .nothingWaiting
            }
            if let results = unwrittenResults(for: batch) {
                return try await resolve(results, batch, pause: nil)
            }
            lookAhead(behind: batch)
            return try await send(batch)
        } catch {
            return trouble("store: \(error)", after: nil)
        }
    }

    private func nextBatch() async throws -> OutboxBatch? {
        if let follower = await takeFollower() { return follower }
        try await settled()
        if let open = try await store.openBatch(destination.name) { return open }
        return try await store.formBatch(
            destination.name, maximum: learnedMaximum, at: Self.now())
    }

    /// What the receiver has said of this batch already, while the disk was full for example.
    private func unwrittenResults(for batch: OutboxBatch) -> [OutboxResult]? {
        guard let words = unwritten.removeValue(forKey: batch.id) else { return nil }
        let items = Set(batch.items.map(\.id))
        let results = words.filter { items.contains($0.item) }
        return results.isEmpty ? nil : results
    }

    private func send(_ batch: OutboxBatch) async throws -> Outcome {
        let document: EncodedBatch
        switch try await encode(batch) {
        case .failure(let outcome): return outcome
        case .excluded(let results): return try await exclude(results, from: batch)
        case .document(let encoded): document = encoded
        }
        counters.omittedValues += document.omissions.count
        switch destination.place {
        case .directory(let directory): return try await write(batch, document.bytes, directory)
        case .https(let url): return try await post(batch, document, url)
        }
    }

    private func post(
        _ batch: OutboxBatch, _ encoded: EncodedBatch, _ url: DestinationURL
    ) async throws -> Outcome {
        let compressed = usesGzip ? Gzip.compress(encoded.bytes) : nil
        guard
            let request = request(
                batch, compressed ?? encoded.bytes, url, isCompressed: compressed != nil)
        else { return .notLetIn }
        counters.attempts += 1
        lastExcluded = []
        switch await client.post(request) {
        case .failure(let failure): return trouble(failure.description, after: nil)
        case .answer(let answer):
            if compressed != nil, answer.status == 415 {
                // The same document as it is, at once.
                takesGzip = false
                return .rearranged
            }
            noteEncodings(answer)
            let verdict = Answer.verdict(answer, rowCount: encoded.rows.count, now: Self.now())
            return try await apply(verdict, answer, batch, encoded)
        }
    }

    private var usesGzip: Bool {
        switch destination.compression {
        case .none: false
        case .automatic: takesGzip ?? false
        case .gzip: takesGzip ?? true
        }
    }

    /// What a receiver once refused is not offered again before a restart.
    private func noteEncodings(_ answer: HTTPAnswer) {
        guard takesGzip == nil, let header = answer.header("Accept-Encoding") else { return }
        let isTaken = header.split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            return parts.first?.lowercased() == "gzip" && !parts.dropFirst().contains("q=0")
        }
        if isTaken { takesGzip = true }
    }

    /// Writes a document as a file; the directory's word is that it is on the disk.
    private func write(
        _ batch: OutboxBatch, _ bytes: [UInt8], _ directory: DocumentDirectory
    ) async throws -> Outcome {
        counters.attempts += 1
        lastExcluded = []
        let moment = TimeZoneRules.utc.local(batch.formedAt).digits14
        do throws(DocumentProblem) {
            try await directory.write("\(moment)-\(batch.idempotencyKey).json", bytes)
        } catch {
            return trouble("directory \(error)", after: nil)
        }
        let results = batch.items.map { OutboxResult(item: $0.id, .accepted) }
        return try await resolve(results, batch, pause: nil)
    }

    // MARK: Before sending

    private enum Encoded {
        case document(EncodedBatch)
        /// Records that cannot go with this batch; the rest travels under another key.
        case excluded([OutboxResult])
        case failure(Outcome)
    }

    private func encode(_ batch: OutboxBatch) async throws -> Encoded {
        let preparations = try await prepare(batch)
        guard preparations.count == batch.items.count else {
            return .failure(notLetIn("\(preparations.count) of \(batch.items.count) are prepared"))
        }
        var records: [ExchangeRecord] = []
        var excluded: [OutboxResult] = []
        records.reserveCapacity(batch.items.count)
        for (item, preparation) in zip(batch.items, preparations) {
            switch preparation {
            case .ready(let record): records.append(record)
            case .held(let reason):
                excluded.append(OutboxResult(item: item.id, .held(reason: reason)))
            }
        }
        guard excluded.isEmpty else { return .excluded(excluded) }
        sentRecords = records
        do throws(FieldRefusal) {
            let encoded = try encoder.encode(records: records, header: header(batch))
            let results = zip(batch.items, encoded.perRecord).compactMap { item, outcome in
                Self.exclusion(outcome).map { OutboxResult(item: item.id, $0) }
            }
            return results.isEmpty ? validated(encoded, batch) : .excluded(results)
        } catch {
            return .failure(notLetIn("configuration: \(error)"))
        }
    }

    private func header(_ batch: OutboxBatch) -> DocumentHeader {
        DocumentHeader(consortium: destination.consortium, sendTime: batch.formedAt)
    }

    /// The document that one record of the batch would be by itself: what is kept of a refusal, without
    /// the values of anybody else.
    private func document(ofRecord index: Int, _ batch: OutboxBatch) -> String {
        guard sentRecords.indices.contains(index),
            let alone = try? encoder.encode(records: [sentRecords[index]], header: header(batch))
        else { return "" }
        return String(decoding: alone.bytes, as: UTF8.self)
    }

    private static func exclusion(_ outcome: RecordOutcome) -> OutboxResult.Outcome? {
        switch outcome {
        case .encoded: nil
        case .noTable: .noTable
        case .refused(let refusal): .doesNotFit(reason: refusal.description)
        }
    }

    /// Holds the finished document against the format's own rules before it leaves.
    private func validated(_ encoded: EncodedBatch, _ batch: OutboxBatch) -> Encoded {
        let problems = validator.problems(in: encoded.bytes, rowCount: encoded.rows.count)
        guard let first = problems.first else { return .document(encoded) }
        var reasons: [Int: String] = [:]
        for problem in problems {
            guard let row = problem.row, encoded.rows.indices.contains(row) else {
                return .failure(notLetIn("the document breaks its format: \(first)"))
            }
            reasons[encoded.rows[row]] = reasons[encoded.rows[row]] ?? problem.description
        }
        return .excluded(
            reasons.sorted { $0.key < $1.key }.map { record, reason in
                OutboxResult(item: batch.items[record].id, .doesNotFit(reason: reason))
            })
    }

    private func exclude(
        _ results: [OutboxResult], from batch: OutboxBatch
    ) async throws -> Outcome {
        guard lastExcluded != results else {
            lastExcluded = []
            return trouble("store: batch \(batch.id) came back unchanged", after: nil)
        }
        try await settled()
        try await store.resolve(batch, results, at: Self.now(), next: learnedMaximum)
        lastExcluded = results
        for result in results { count(result.outcome) }
        return .rearranged
    }

    private static let answerBytesPerRecord = 2_048

    /// The request; nil when the token cannot be read, which stands in `lastError` then.
    private func request(
        _ batch: OutboxBatch, _ bytes: [UInt8], _ url: DestinationURL, isCompressed: Bool
    ) -> HTTPRequest? {
        var headers = [
            HTTPHeader("Content-Type", destination.format.contentType),
            HTTPHeader("Idempotency-Key", batch.idempotencyKey),
            HTTPHeader("Accept", "application/json"),
        ]
        if isCompressed { headers.append(HTTPHeader("Content-Encoding", "gzip")) }
        if let token = destination.token {
            do throws(TokenProblem) {
                headers.append(HTTPHeader("Authorization", "Bearer \(try token.read())"))
            } catch {
                lastError = error.description
                return nil
            }
        }
        var limits = destination.limits
        // A verdict with a long reason for each record is no endless answer.
        limits.answerBytes = max(limits.answerBytes, batch.items.count * Self.answerBytesPerRecord)
        return HTTPRequest(
            url: url, headers: headers, body: bytes, tls: destination.tls, limits: limits,
            proxy: destination.proxy)
    }

    // MARK: After the answer

    private func apply(
        _ verdict: Verdict, _ answer: HTTPAnswer, _ batch: OutboxBatch, _ encoded: EncodedBatch
    ) async throws -> Outcome {
        switch verdict {
        case .accepted(let before):
            let results = batch.items.map {
                OutboxResult(item: $0.id, before ? .duplicate : .accepted)
            }
            return try await resolve(results, batch, pause: nil)
        case .perRecord(let rows, let after):
            let results = self.results(rows, batch, encoded, answer)
            guard !results.isEmpty else {
                return trouble("HTTP \(answer.status): no result for any record", after: after)
            }
            return try await resolve(results, batch, pause: after)
        case .split(let reason):
            guard batch.items.count > 1 else {
                let rejected = OutboxResult.Outcome.rejected(
                    reason: reason, answer: Self.kept(answer),
                    document: document(ofRecord: 0, batch))
                let result = OutboxResult(item: batch.items[0].id, rejected)
                return try await resolve([result], batch, pause: nil)
            }
            return try await divide(batch, reason)
        case .smaller(let reason):
            guard batch.items.count > 1 else {
                return notLetIn("\(reason), though it is a single record")
            }
            learnedMaximum = (batch.items.count + 1) / 2
            return try await divide(batch, reason)
        case .hold(let reason), .configurationError(let reason): return notLetIn(reason)
        case .retry(let after, let reason): return trouble(reason, after: after)
        }
    }

    private func divide(_ batch: OutboxBatch, _ reason: String) async throws -> Outcome {
        try await settled()
        try await store.split(batch)
        counters.divided += 1
        lastError = reason
        return .rearranged
    }

    private func resolve(
        _ results: [OutboxResult], _ batch: OutboxBatch, pause: Interval?
    ) async throws -> Outcome {
        if pause == nil, try await goesOn(behind: batch, results) { return .delivered }
        try await settled()
        do {
            try await store.resolve(batch, results, at: Self.now(), next: learnedMaximum)
        } catch {
            unwritten[batch.id] = results
            throw error
        }
        note(results)
        guard let pause else { return .delivered }
        return trouble("the receiver asks for a pause", after: pause)
    }

    /// Brings the verdicts of a document's entries back to the records; the worst one counts for a
    /// record with several, and one without a word waits on.
    private func results(
        _ rows: [RowVerdict], _ batch: OutboxBatch, _ encoded: EncodedBatch, _ answer: HTTPAnswer
    ) -> [OutboxResult] {
        var verdicts = [RowVerdict?](repeating: nil, count: batch.items.count)
        for (verdict, record) in zip(rows, encoded.rows) {
            verdicts[record] = verdicts[record].map { Self.worse($0, verdict) } ?? verdict
        }
        return zip(batch.items, verdicts).enumerated().compactMap { index, pair in
            let (item, verdict) = pair
            switch verdict {
            case .accepted: return OutboxResult(item: item.id, .accepted)
            case .duplicate: return OutboxResult(item: item.id, .duplicate)
            case .rejected(let reason):
                let rejected = OutboxResult.Outcome.rejected(
                    reason: reason, answer: Self.kept(answer),
                    document: document(ofRecord: index, batch))
                return OutboxResult(item: item.id, rejected)
            case .unresolved, nil: return nil
            }
        }
    }

    private static func worse(_ one: RowVerdict, _ other: RowVerdict) -> RowVerdict {
        func rank(_ verdict: RowVerdict) -> Int {
            switch verdict {
            case .duplicate: 0
            case .accepted: 1
            case .rejected: 2
            case .unresolved: 3
            }
        }
        return rank(one) >= rank(other) ? one : other
    }

    /// The answer as it is kept beside a dead letter.
    private static func kept(_ answer: HTTPAnswer) -> String {
        "HTTP \(answer.status)\n" + String(decoding: answer.body.prefix(4_096), as: UTF8.self)
    }

    // MARK: Words and counters

    /// Counts what the receiver has said and the store has written down.
    func note(_ results: [OutboxResult]) {
        for result in results { count(result.outcome) }
        if results.contains(where: { $0.outcome == .accepted || $0.outcome == .duplicate }) {
            lastDeliveredAt = Self.now()
        }
    }

    private func count(_ outcome: OutboxResult.Outcome) {
        switch outcome {
        case .accepted: counters.delivered += 1
        case .duplicate: counters.duplicates += 1
        case .rejected: counters.rejected += 1
        case .doesNotFit: counters.doesNotFit += 1
        case .held: counters.held += 1
        case .noTable: counters.noTable += 1
        }
    }

    private func trouble(_ reason: String, after: Interval?) -> Outcome {
        lastError = reason
        return .trouble(after: after.map { .microseconds($0.microseconds) })
    }

    private func notLetIn(_ reason: String) -> Outcome {
        lastError = reason
        return .notLetIn
    }
}
