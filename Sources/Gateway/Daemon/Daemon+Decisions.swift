import EventLoop
import JSON
import Measurement
import Spool
import Status

/// The routes by which people decide: quarantine, dead letters; and the ledger of all of it.
extension Daemon {
    func addDecisionRoutes() {
        server.route("GET", "/v1/quarantine", subpaths: true) { [weak self] request in
            guard let self else { return .gone }
            return request.rest.isEmpty
                ? await records(request, filter: .quarantined) : await story(request)
        }
        server.route("POST", "/v1/quarantine", subpaths: true) { [weak self] request in
            await self?.quarantine(request) ?? .gone
        }
        server.route("GET", "/v1/dead-letters") { [weak self] request in
            await self?.deadLetters(request) ?? .gone
        }
        server.route("POST", "/v1/dead-letters", subpaths: true) { [weak self] request in
            await self?.deadLetter(request) ?? .gone
        }
        server.route("GET", "/v1/ledger") { [weak self] request in
            await self?.ledger(request) ?? .gone
        }
        server.route("GET", "/v1/ledger/verify") { [weak self] _ in
            await self?.verifyLedger() ?? .gone
        }
    }

    // MARK: quarantine

    private func story(_ request: SocketRequest) async -> SocketResponse {
        do throws(QuarantineDesk.Refusal) {
            let story = try await quarantine.story(RecordKey(hex: request.rest))
            return SocketResponse(body: documents.story(story))
        } catch {
            return .refused(error)
        }
    }

    private func quarantine(_ request: SocketRequest) async -> SocketResponse {
        let actor = LedgerActor.user(request.peer.userID)
        let words = request.rest.split(separator: "/").map(String.init)
        guard let body = request.document else { return .badBody }
        do throws(QuarantineDesk.Refusal) {
            if words == ["retry"] {
                let (released, left) = try await quarantine.retryAll(by: actor)
                return .counts([("released", released), ("left", left)])
            }
            guard words.count == 2 else { return .notFound(request.path) }
            let key = RecordKey(hex: words[0])
            let outcome: QuarantineDesk.Outcome
            switch words[1] {
            case "release":
                guard let time = releaseTime(body) else {
                    return .failure(
                        400, "bad-request",
                        "give \"time\" as 2026-03-01T08:15:00, with or without a zone, or "
                            + "\"use_reception_time\": true")
                }
                outcome = try await quarantine.release(key, time, by: actor)
            case "discard":
                guard let reason = body.reason else { return .noReason }
                outcome = try await quarantine.discard(key, reason: reason, by: actor)
            case "retry": outcome = try await quarantine.retry(key, by: actor)
            default: return .notFound(request.path)
            }
            return SocketResponse(body: documents.outcome(outcome))
        } catch {
            return .refused(error)
        }
    }

    /// One of the two ways to give a time; nil where neither or both are given.
    private func releaseTime(_ body: JSONValue) -> QuarantineDesk.ReleaseTime? {
        let usesReception = body["use_reception_time"]?.bool ?? false
        guard let text = body["time"]?.string else { return usesReception ? .reception : nil }
        guard !usesReception else { return nil }
        return documents.zone.instant(typed: text).map { .given($0) }
    }

    // MARK: dead letters

    private func deadLetters(_ request: SocketRequest) async -> SocketResponse {
        guard let page = request.page else { return .badPage }
        do throws(SpoolError) {
            let letters = try await spool.deadLetters(after: RowID(page.after), limit: page.limit)
            return .list("dead_letters", letters.map { documents.deadLetter($0) })
        } catch {
            return .storeFailed(error)
        }
    }

    private func deadLetter(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard let body = request.document else { return .badBody }
        guard let action = words.last, ["retry", "discard"].contains(action), words.count <= 2,
            words.count == 2 || action == "retry"
        else { return .notFound(request.path) }
        if action == "discard", body.reason == nil { return .noReason }
        do throws(SpoolError) {
            let letters = try await deadLetters(
                of: words.count == 2 ? words[0] : nil, at: body["destination"]?.string)
            if words.count == 2, letters.isEmpty {
                return .failure(404, "not-found", "there is no dead letter \(words[0])")
            }
            var done = 0
            for letter in letters {
                let actor = LedgerActor.user(request.peer.userID)
                let now = GatewayTime.now().utc
                let result =
                    if let reason = body.reason, action == "discard" {
                        try await spool.discardDeadLetter(
                            letter.rowID, at: letter.destination, reason: reason, by: actor,
                            now: now)
                    } else {
                        try await spool.retryDeadLetter(
                            letter.rowID, at: letter.destination, by: actor, now: now)
                    }
                if result == .done { done += 1 }
            }
            if action == "retry", done > 0 { uplink.wake() }
            return .counts([(action == "retry" ? "retried" : "discarded", done)])
        } catch {
            return .storeFailed(error)
        }
    }

    /// The dead letters of one record, or all of them.
    private func deadLetters(
        of key: String?, at destination: String?
    ) async throws(SpoolError) -> [DeadLetter] {
        var found: [DeadLetter] = []
        var after = RowID(0)
        while true {
            let page = try await spool.deadLetters(after: after, limit: 1_000)
            guard let last = page.last else { break }
            found += page.filter { letter in
                (key == nil || letter.key.hex == key)
                    && (destination == nil || letter.destination == destination)
            }
            after = last.rowID
        }
        return found
    }

    // MARK: the ledger

    private func ledger(_ request: SocketRequest) async -> SocketResponse {
        guard let page = request.page else { return .badPage }
        do throws(SpoolError) {
            let entries = try await spool.ledger(after: page.after, limit: page.limit)
            return .list("entries", entries.map { documents.ledgerEntry($0) })
        } catch {
            return .storeFailed(error)
        }
    }

    private func verifyLedger() async -> SocketResponse {
        do throws(SpoolError) {
            let report = try await spool.verifyLedger()
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("whole", report.isWhole)
                writer.member("entries", report.entries)
                writer.member(
                    "problems",
                    array: { writer in
                        for problem in report.problems {
                            writer.object { writer in
                                writer.member("entry", Int(problem.number))
                                writer.member("message", problem.description)
                            }
                        }
                    })
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .storeFailed(error)
        }
    }
}
