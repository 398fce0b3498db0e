import Exchange
import JSON
import Measurement
import Register
import Spool
import Status
import Uplink

/// What a person may ask for: what went where, and everything that is stored, to take along.
extension Daemon {
    /// `GET /v1/participants/CODE/deliveries`, `/records` and `/export`.
    func ownData(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard words.count == 2 else { return .notFound(request.path) }
        // Somebody who is no longer registered still has data here.
        guard let code = ParticipantCode(words[0])?.text else {
            return .failure(
                400, "bad-request", "a participant is \(ParticipantCode.accepted)")
        }
        do throws(SpoolError) {
            switch words[1] {
            case "deliveries": return try await deliveries(of: code, request)
            case "records": return try await records(of: code, request)
            case "export": return try await export(code, request)
            default: return .notFound(request.path)
            }
        } catch {
            return .storeFailed(error)
        }
    }

    private func deliveries(
        of code: String, _ request: SocketRequest
    ) async throws(SpoolError) -> SocketResponse {
        guard let (after, limit) = request.page else { return .badPage }
        let sent = try await spool.deliveries(of: code, after: after, limit: limit)
        return .list(
            "deliveries",
            sent.map { item in
                var writer = JSONWriter()
                writer.object { writer in
                    writer.member("id", Int(item.entry))
                    writer.member("at", documents.time(item.at))
                    writer.member("destination", item.destination)
                    writer.member("answer", item.answer)
                    writer.member("key", item.key.hex)
                    writer.member("kind", item.kind?.rawValue)
                    writer.member("observation_time", item.observed.map(documents.time))
                }
                return writer.bytes
            })
    }

    private func records(
        of code: String, _ request: SocketRequest
    ) async throws(SpoolError) -> SocketResponse {
        guard let (after, limit) = request.page else { return .badPage }
        let found = try await spool.records(of: code, after: RowID(after), limit: limit)
        return .list("records", found.map { documents.record($0) })
    }

    // MARK: the exchange document

    private func export(
        _ code: String, _ request: SocketRequest
    ) async throws(SpoolError) -> SocketResponse {
        let name = request.query["format"] ?? "meti-1.0"
        guard let format = uplink.exportFormat(name) else {
            return .failure(
                400, "bad-request",
                "format is one of: \(uplink.exportFormats.joined(separator: ", "))")
        }
        let gateway = configuration.gateway
        guard let consortium = gateway.consortiumID else {
            return .failure(
                422, "no-consortium", "an exchange document needs gateway.consortium-id")
        }
        try await people.load()
        var omitted: [(key: RecordKey, reason: String)] = []
        var records: [ExchangeRecord] = []
        var keys: [RecordKey] = []
        var last = RowID(0)
        while let page = try await page(of: code, after: last) {
            last = page.last?.rowID ?? last
            for stored in page {
                if let reason = stored.record.quarantine {
                    omitted.append((stored.record.key, "in quarantine: \(reason.rawValue)"))
                } else if stored.discarded != nil {
                    omitted.append((stored.record.key, "withdrawn"))
                } else {
                    records.append(people.prepared(Uplink.OutboxItem(stored, of: code)))
                    keys.append(stored.record.key)
                }
            }
        }
        var encoder = Encoder(
            format: format,
            options: EncoderOptions(
                zone: gateway.timeZone,
                setting: GatewaySetting(rawValue: gateway.setting.rawValue) ?? .home,
                extensions: Set(format.tables.compactMap(\.extensionName)),
                testLabID: gateway.testLabID))
        do throws(FieldRefusal) {
            let batch = try encoder.encode(
                records: records,
                header: DocumentHeader(consortium: consortium, sendTime: people.clock().utc))
            for (key, outcome) in zip(keys, batch.perRecord) {
                switch outcome {
                case .encoded: break
                case .noTable: omitted.append((key, "no table in this format"))
                case .refused(let refusal): omitted.append((key, refusal.description))
                }
            }
            return document(batch.bytes, omitted)
        } catch {
            return .failure(422, "no-document", error.description)
        }
    }

    private func page(
        of code: String, after row: RowID
    ) async throws(SpoolError) -> [StoredRecord]? {
        let page = try await spool.records(of: code, after: row, limit: 500)
        return page.isEmpty ? nil : page
    }

    private func document(
        _ bytes: [UInt8], _ omitted: [(key: RecordKey, reason: String)]
    ) -> SocketResponse {
        var writer = JSONWriter(capacity: bytes.count + 256)
        writer.object { writer in
            writer.key("document")
            if bytes.isEmpty { writer.null() } else { writer.raw(bytes: bytes) }
            writer.key("omitted")
            writer.array { writer in
                for (key, reason) in omitted {
                    writer.object { writer in
                        writer.member("key", key.hex)
                        writer.member("reason", reason)
                    }
                }
            }
        }
        return SocketResponse(body: writer.bytes)
    }
}

extension Uplink.OutboxItem {
    /// A stored record as it would be sent for the first time.
    fileprivate init(_ stored: StoredRecord, of code: String) {
        self.init(
            id: stored.rowID.number, record: stored.record, participant: code,
            stored: stored.updatedAt ?? stored.storedAt)
        setting = stored.context?.setting
        testLabID = stored.context?.testLabID
        methodCode = stored.context?.methodCode
    }
}
