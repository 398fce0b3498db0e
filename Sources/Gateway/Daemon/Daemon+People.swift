import EventLoop
import JSON
import Measurement
import Register
import Spool
import Status
import YAML

/// The routes about people: lists, sessions at stations, whose a record is.
extension Daemon {
    func addPeopleRoutes() {
        server.route("GET", "/v1/lists", subpaths: true) { [weak self] request in
            await self?.lists(request) ?? .gone
        }
        server.route("POST", "/v1/lists") { [weak self] request in
            await self?.importLists(request) ?? .gone
        }
        server.route("GET", "/v1/participants", subpaths: true) { [weak self] request in
            guard let self else { return .gone }
            return request.rest.isEmpty ? await participants() : await ownData(request)
        }
        server.route("POST", "/v1/participants", subpaths: true) { [weak self] request in
            guard request.rest.hasSuffix("/purge") else {
                return await self?.registerCard(request) ?? .gone
            }
            return await self?.purge(request) ?? .gone
        }
        server.route("GET", "/v1/stations") { [weak self] _ in await self?.stations() ?? .gone }
        server.route("POST", "/v1/stations", subpaths: true) { [weak self] request in
            await self?.moveDevice(request) ?? .gone
        }
        server.route("GET", "/v1/sessions") { [weak self] request in
            await self?.sessions(request) ?? .gone
        }
        server.route("POST", "/v1/sessions", subpaths: true) { [weak self] request in
            await self?.session(request) ?? .gone
        }
        addConsentRoutes()
    }

    // MARK: lists

    private func lists(_ request: SocketRequest) async -> SocketResponse {
        do throws(SpoolError) {
            var writer = JSONWriter()
            guard !request.rest.isEmpty else {
                var counts: [(ListKind, Int)] = []
                for kind in ListKind.allCases {
                    counts.append((kind, try await spool.listRows(kind.rawValue).count))
                }
                writer.object { writer in
                    writer.key("lists")
                    writer.array { writer in
                        for (kind, count) in counts {
                            writer.object { writer in
                                writer.member("list", kind.rawValue)
                                writer.member("title", kind.title)
                                writer.member("rows", count)
                            }
                        }
                    }
                }
                return SocketResponse(body: writer.bytes)
            }
            guard let kind = ListKind(rawValue: request.rest) else {
                return .notFound(request.path)
            }
            let table = try await people.table(kind)
            writer.object { writer in
                writer.member("list", kind.rawValue)
                writer.member("columns", strings: kind.columns.map(\.name))
                writer.member(
                    "rows",
                    array: { writer in
                        for row in table.rows {
                            writer.array { writer in for cell in row { writer.string(cell) } }
                        }
                    })
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .storeFailed(error)
        }
    }

    private func importLists(_ request: SocketRequest) async -> SocketResponse {
        let kind = request.query["list"].flatMap { ListKind(rawValue: $0) }
        guard kind != nil || request.query["list"] == nil else {
            return .failure(400, "bad-request", "list is one of the six lists")
        }
        do throws(People.ListRefusal) {
            let done = try await people.importLists(
                request.body, file: request.query["file"] ?? "(list)",
                isYAML: request.query["format"] == "yaml", kind: kind,
                by: .user(request.peer.userID))
            var writer = JSONWriter()
            writer.object { writer in
                writer.key("lists")
                writer.array { writer in
                    for table in done.tables {
                        writer.object { writer in
                            writer.member("list", table.kind.rawValue)
                            writer.member("rows", table.rows)
                        }
                    }
                }
                writer.member("warnings", strings: done.warnings.map(\.description))
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            switch error {
            case .store(let error): return .storeFailed(error)
            case .problems(let problems, let dropped):
                let more = dropped > 0 ? ["\(dropped) more"] : []
                return .failure(
                    422, "list-refused",
                    (problems.map(\.description) + more).joined(separator: "\n"))
            }
        }
    }

    // MARK: participants and cards

    private func participants() async -> SocketResponse {
        do throws(PeopleRefusal) { try await people.loaded() } catch { return .refused(error) }
        let today = people.zone.local(GatewayTime.now().utc)
        return .list(
            "participants",
            people.codes.sorted.map { code in
                let period = people.participations.period(of: code, on: today)
                var writer = JSONWriter()
                writer.object { writer in
                    writer.member("id", code)
                    writer.member(
                        "takes_part", people.participations.includes(code, at: today))
                    writer.member("participation_start", period?.start)
                    writer.member("participation_end", period?.end)
                    writer.member("wearing_position", period?.wearingPosition)
                    if let medicine = period?.takesMedicine {
                        writer.member("takes_medicine", medicine)
                    }
                }
                return writer.bytes
            })
    }

    private func registerCard(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard let body = request.document else { return .badBody }
        guard words.count == 2, words[1] == "card" else { return .notFound(request.path) }
        do throws(PeopleRefusal) {
            // Whose card it is to be is asked first: nobody lays a card down for nothing.
            try await people.loaded()
            _ = try people.code(words[0])
            guard let card = try await card(body) else {
                return .failure(
                    400, "bad-request",
                    "give \"card\": its number, or \"station\": where it is read")
            }
            let code = try await people.registerCard(
                card, of: words[0], by: .user(request.peer.userID))
            var writer = JSONWriter()
            writer.object { $0.member("participant", code) }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .refused(error)
        }
    }

    /// A card's number: given, or read at a station within 25 s.
    private func card(_ body: JSONValue) async throws(PeopleRefusal) -> String? {
        if let number = body["card"]?.string { return number }
        guard let station = body["station"]?.string else { return nil }
        guard readers.hasReader(station) else {
            throw .unknown(code: "no-reader", "no reader is bound to the station \(station)")
        }
        if let number = await readers.nextCard(at: station) { return number }
        throw .wrong(code: "no-card", "no card was read at \(station) within 25 s")
    }

    // MARK: whose a record is

    func assign(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard let body = request.document else { return .badBody }
        guard words.count == 2, words[1] == "assign" else { return .notFound(request.path) }
        guard let reason = body.reason else { return .noReason }
        guard let raw = body["participant"]?.string else {
            return .failure(400, "bad-request", "give \"participant\": a registered code")
        }
        do throws(PeopleRefusal) {
            try await people.loaded()
            let code = try people.code(raw)
            return await assign(
                RecordKey(hex: words[0]), to: code, reason, by: .user(request.peer.userID))
        } catch {
            return .refused(error)
        }
    }

    private func assign(
        _ key: RecordKey, to code: String, _ reason: String, by actor: LedgerActor
    ) async -> SocketResponse {
        do throws(SpoolError) {
            guard let stored = try await spool.record(key) else {
                return .failure(404, "not-found", "there is no record \(key)")
            }
            try await spool.assign(
                stored.rowID, to: code, rule: "person",
                destinations: intake.destinations(of: stored.record, code),
                at: GatewayTime.now().utc,
                note: LedgerNote(.assigned, by: actor, on: key.hex) { writer in
                    writer.member("participant", code)
                    writer.member("reason", reason)
                    writer.member("was", stored.participantRule)
                })
            uplink.wake()
            guard let now = try await spool.record(stored.rowID) else { return .gone }
            var writer = JSONWriter()
            writer.object { writer in
                writer.key("record")
                writer.raw(bytes: documents.record(now))
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            if case .refused(let why) = error { return .failure(409, "decided-before", why) }
            return .storeFailed(error)
        }
    }
}

extension SocketResponse {
    static func refused(_ refusal: PeopleRefusal) -> SocketResponse {
        switch refusal {
        case .unknown(let code, let text): .failure(404, code, text)
        case .wrong("decided-before", let text): .failure(409, "decided-before", text)
        case .wrong(let code, let text): .failure(422, code, text)
        case .store(let error): .storeFailed(error)
        }
    }
}
