import EventLoop
import JSON
import Measurement
import Register
import Spool
import Status

/// The routes of stations, sessions and consent.
extension Daemon {
    // MARK: stations

    func stations() async -> SocketResponse {
        do throws(PeopleRefusal) { try await people.loaded() } catch { return .refused(error) }
        let now = people.now
        return .list(
            "stations",
            configuration.stations.map { station in
                var writer = JSONWriter()
                writer.object { writer in
                    writer.member("name", station.name)
                    writer.member("devices", strings: people.devices(at: station.name))
                    writer.member("expect", strings: station.expected.map(\.rawValue))
                    writer.member(
                        "setting", (station.setting ?? configuration.gateway.setting).rawValue)
                    writer.member("measured_by", station.measuredBy.rawValue)
                    writeReaders(at: station.name, &writer)
                    writer.key("session")
                    if let open = people.book.open(station.name, at: now) {
                        writer.raw(bytes: session(StoredSession(open)))
                    } else {
                        writer.null()
                    }
                }
                return writer.bytes
            })
    }

    func moveDevice(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard let body = request.document else { return .badBody }
        guard words.count == 2, words[1] == "devices" else { return .notFound(request.path) }
        guard let device = body["device"]?.string else {
            return .failure(400, "bad-request", "give \"device\": its address, serial or id")
        }
        guard let since = time(body) else { return .badTime }
        do throws(PeopleRefusal) {
            try await people.move(
                device, to: words[0] == "-" ? nil : words[0], since: since.value,
                by: .user(request.peer.userID))
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("device", device)
                writer.member("station", words[0] == "-" ? nil : words[0])
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .refused(error)
        }
    }

    // MARK: sessions

    func sessions(_ request: SocketRequest) async -> SocketResponse {
        guard let page = request.page else { return .badPage }
        do throws(SpoolError) {
            let found = try await spool.sessions(after: page.after, limit: page.limit)
            return .list("sessions", found.map { session($0) })
        } catch {
            return .storeFailed(error)
        }
    }

    func session(_ request: SocketRequest) async -> SocketResponse {
        guard let body = request.document else { return .badBody }
        guard request.rest.isEmpty || request.rest == "end" else {
            return .notFound(request.path)
        }
        guard let station = body["station"]?.string ?? onlyStation else {
            return .failure(400, "bad-request", "give \"station\": there are several")
        }
        guard let since = time(body) else { return .badTime }
        let actor = LedgerActor.user(request.peer.userID)
        do throws(PeopleRefusal) {
            let made: StationSession
            if request.rest == "end" {
                made = try await people.end(at: station, since: since.value, by: actor)
            } else {
                guard let who = Self.identification(body) else {
                    return .failure(
                        400, "bad-request",
                        "give one of \"participant\", \"card\" and \"guest\": true")
                }
                made = try await people.begin(
                    who, at: station, since: since.value,
                    isPreviousGone: body["previous_left"]?.bool ?? false, by: actor)
            }
            return SocketResponse(body: session(StoredSession(made)))
        } catch {
            return .refused(error)
        }
    }

    private var onlyStation: String? {
        configuration.stations.count == 1 ? configuration.stations.first?.name : nil
    }

    private static func identification(_ body: JSONValue) -> People.Identification? {
        let code = body["participant"]?.string
        let card = body["card"]?.string
        let isGuest = body["guest"]?.bool ?? false
        switch (code, card, isGuest) {
        case (let code?, nil, false): return .code(code)
        case (nil, let card?, false): return .card(card)
        case (nil, nil, true): return .guest
        default: return nil
        }
    }

    /// The time that somebody gave; nil where it is none.
    private func time(_ body: JSONValue) -> (value: Instant?, isGiven: Bool)? {
        guard let text = body["at"]?.string else { return (nil, false) }
        return documents.zone.instant(typed: text).map { ($0, true) }
    }

    /// Tells those who listen who stands at a station now, or that nobody does.
    func publish(_ session: StationSession) {
        server.publish("session", self.session(StoredSession(session)))
    }

    private func session(_ stored: StoredSession) -> [UInt8] {
        let span = stored.asSession.span(seenFrom: people.now)
        let isOpen = stored.ended == nil && people.now.utc < span.to
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", Int(stored.id))
            writer.member("station", stored.station)
            writer.member("participant", stored.participant)
            writer.member("guest", stored.participant == nil)
            if let code = stored.participant {
                writer.member(
                    "takes_part",
                    people.participations.includes(code, at: documents.zone.local(span.from)))
            }
            writer.member("begun_at", documents.time(span.from))
            writer.member("ended_at", isOpen ? nil : documents.time(span.to))
            writer.member("end", isOpen ? nil : (stored.end ?? SessionEnd.time.rawValue))
            writer.member("state", isOpen ? "open" : "ended")
        }
        return writer.bytes
    }

    // MARK: consent

    func addConsentRoutes() {
        server.route("GET", "/v1/consents") { [weak self] request in
            await self?.consents(request) ?? .gone
        }
        server.route("POST", "/v1/consents", subpaths: true) { [weak self] request in
            await self?.consent(request) ?? .gone
        }
    }

    private func consents(_ request: SocketRequest) async -> SocketResponse {
        do throws(PeopleRefusal) {
            try await people.loaded()
            let wanted = try request.query["participant"].map { raw throws(PeopleRefusal) in
                try people.code(raw)
            }
            var items: [[UInt8]] = []
            for code in wanted.map({ [$0] }) ?? people.codes.sorted {
                for destination in configuration.destinations.map(\.name) {
                    items += consents(of: code, destination)
                }
            }
            return .list("consents", items)
        } catch {
            return .refused(error)
        }
    }

    /// One line for the kinds of which the same was said.
    private func consents(of code: String, _ destination: String) -> [[UInt8]] {
        var groups: [(standing: ConsentStanding, kinds: [String])] = []
        for kind in MeasurementKind.allCases {
            let standing = people.standing(of: code, destination: destination, kind: kind)
            guard standing != .never else { continue }
            if let place = groups.firstIndex(where: { $0.standing == standing }) {
                groups[place].kinds.append(kind.rawValue)
            } else {
                groups.append((standing, [kind.rawValue]))
            }
        }
        return groups.map { group in
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("participant", code)
                writer.member("destination", destination)
                writer.member("kinds", strings: group.kinds)
                writer.member("state", group.standing.word)
                let (since, until) = group.standing.times
                writer.member("since", since.map(documents.time))
                writer.member("until", until.map(documents.time))
            }
            return writer.bytes
        }
    }

    private func consent(_ request: SocketRequest) async -> SocketResponse {
        guard let body = request.document else { return .badBody }
        guard ["grant", "withdraw"].contains(request.rest) else {
            return .notFound(request.path)
        }
        let known = configuration.destinations.map(\.name)
        guard let destination = body["destination"]?.string, known.contains(destination) else {
            return .failure(
                400, "bad-request",
                "destination is one of: \(known.joined(separator: ", "))")
        }
        guard let kinds = Self.kinds(body) else {
            return .failure(
                400, "bad-request",
                "kinds is \"all\" or a list of: "
                    + MeasurementKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let until = body["until"]?.string.map { lastMoment($0) }
        if case .some(nil) = until { return .badTime }
        let isGrant = request.rest == "grant"
        do throws(PeopleRefusal) {
            try await people.loaded()
            let code = try people.code(body["participant"]?.string ?? "")
            let effect = try await people.note(
                StoredConsent(
                    participant: code, destination: destination, kinds: kinds, isGrant: isGrant,
                    until: isGrant ? until ?? nil : nil, at: GatewayTime.now().utc),
                sendsHeld: body["send_held"]?.bool ?? false, by: .user(request.peer.userID))
            if effect.released > 0 { uplink.wake() }
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("participant", code)
                writer.member("destination", destination)
                writer.member("kinds", strings: kinds.map(\.rawValue).sorted())
                writer.member("state", isGrant ? "granted" : "withdrawn")
                writer.member("held", effect.held)
                writer.member("released", effect.released)
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .refused(error)
        }
    }

    private static func kinds(_ body: JSONValue) -> Set<MeasurementKind>? {
        guard let value = body["kinds"], value.string != "all" else {
            return Set(MeasurementKind.allCases)
        }
        let names = value.array?.map { $0.string ?? "" } ?? []
        let kinds = names.compactMap { MeasurementKind(rawValue: $0) }
        return !names.isEmpty && kinds.count == names.count ? Set(kinds) : nil
    }

    /// The end of a day of the gateway's zone, or a moment of it.
    private func lastMoment(_ text: String) -> Instant? {
        guard text.utf8.count == 10 else { return documents.zone.instant(typed: text) }
        return documents.zone.instant(typed: text + "T23:59:59").map { $0 + .seconds(1) }
    }
}

extension SocketResponse {
    static let badTime = SocketResponse.failure(
        400, "bad-request", "a time is written as 2026-03-01T08:15:00, with or without a zone")
}

extension ConsentStanding {
    fileprivate var times: (since: Instant?, until: Instant?) {
        switch self {
        case .granted(let at, let until): (at, until)
        case .never: (nil, nil)
        case .withdrawn(let at): (at, nil)
        case .expired(let at): (nil, at)
        }
    }
}

extension People {
    /// What stands at a station now, as the configuration or a move names it.
    func devices(at name: String) -> [String] { book.devices(at: name) }
}
