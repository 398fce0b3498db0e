import JSON
import Measurement
import Spool
import Status

extension SocketRequest {
    /// The body as JSON; an empty one is an empty object, nil is none that can be read.
    var document: JSONValue? {
        if body.isEmpty { return .object([]) }
        guard let value = try? JSONValue.parse(body), value.members != nil else { return nil }
        return value
    }

    /// Which part of a list is asked for.
    var page: (after: Int64, limit: Int)? {
        guard let after = Int64(query["after"] ?? "0"), let limit = Int(query["limit"] ?? "100"),
            after >= 0, (1...10_000).contains(limit)
        else { return nil }
        return (after, limit)
    }
}

extension JSONValue {
    /// A reason that says something.
    var reason: String? {
        guard let text = self["reason"]?.string, text.contains(where: { !$0.isWhitespace }),
            text.utf8.count <= 1_000
        else { return nil }
        return text
    }
}

extension SocketResponse {
    static let gone = SocketResponse.failure(503, "stopping", "the daemon is stopping")
    static let badPage = SocketResponse.failure(
        400, "bad-request", "after is a record id, limit a number from 1 to 10000")
    static let badBody = SocketResponse.failure(400, "bad-request", "the body is no JSON object")
    static let noReason = SocketResponse.failure(
        400, "bad-request", "give a \"reason\" of at most 1000 bytes: it stays in the ledger")

    static func storeFailed(_ error: SpoolError) -> SocketResponse {
        .failure(503, "store-\(error.name)", "\(error)")
    }

    static func refused(_ refusal: QuarantineDesk.Refusal) -> SocketResponse {
        switch refusal {
        case .unknown(let text): .failure(404, "not-found", text)
        case .decidedBefore(let text): .failure(409, "decided-before", text)
        case .wrongTime(let code, let text): .failure(422, code, text)
        case .store(let error): .storeFailed(error)
        }
    }

    static func list(_ name: String, _ items: [[UInt8]]) -> SocketResponse {
        var writer = JSONWriter(capacity: 64 + items.reduce(0) { $0 + $1.count + 1 })
        writer.object { writer in
            writer.key(name)
            writer.array { writer in for item in items { writer.raw(bytes: item) } }
        }
        return SocketResponse(body: writer.bytes)
    }

    static func counts(_ counts: [(String, Int)]) -> SocketResponse {
        var writer = JSONWriter()
        writer.object { writer in for (name, count) in counts { writer.member(name, count) } }
        return SocketResponse(body: writer.bytes)
    }
}

extension TimeZoneRules {
    /// A time as a person types it: with a zone, or of this zone; the seconds may be left out.
    func instant(typed text: String) -> Instant? {
        let text = text.filter { !$0.isWhitespace || $0 == " " }
        if let zoned = Instant(iso8601: text) { return zoned }
        let whole = text.utf8.count == 16 ? text + ":00" : text
        // Read as of UTC, then taken for this zone's wall clock.
        return Instant(iso8601: whole + "Z").map { instant(TimeZoneRules.utc.local($0)) }
    }
}
