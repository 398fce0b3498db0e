import EventLoop
import JSON
import Measurement
import Spool
import Status

/// The routes of single records: shown with its versions, typed, corrected, taken back, given to a person.
extension Daemon {
    func addRecordRoutes() {
        server.route("GET", "/v1/records", subpaths: true) { [weak self] request in
            guard let self else { return .gone }
            return request.rest.isEmpty ? await records(request) : await record(request)
        }
        server.route("POST", "/v1/records", subpaths: true) { [weak self] request in
            await self?.change(request) ?? .gone
        }
    }

    private func record(_ request: SocketRequest) async -> SocketResponse {
        do throws(PeopleRefusal) {
            let stored = try await desk.find(RecordKey(hex: request.rest))
            do throws(SpoolError) {
                let versions = try await spool.versions(of: stored.rowID)
                return SocketResponse(body: documents.record(stored, versions: versions))
            } catch {
                throw .store(error)
            }
        } catch {
            return .refused(error)
        }
    }

    private func change(_ request: SocketRequest) async -> SocketResponse {
        guard let body = request.document else { return .badBody }
        let actor = LedgerActor.user(request.peer.userID)
        guard !request.rest.isEmpty else { return await add(body, by: actor) }
        let words = request.rest.split(separator: "/").map(String.init)
        guard words.count == 2 else { return .notFound(request.path) }
        let key = RecordKey(hex: words[0])
        switch words[1] {
        case "assign": return await assign(request)
        case "edit": return await edit(key, body, by: actor)
        case "withdraw": return await withdraw(key, body, by: actor)
        default: return .notFound(request.path)
        }
    }

    private func add(_ body: JSONValue, by actor: LedgerActor) async -> SocketResponse {
        guard let participant = body["participant"]?.string else {
            return .failure(400, "bad-request", "give \"participant\": a registered code")
        }
        guard let values = body.typedValues else { return .noValues }
        var typing = RecordDesk.Typing(participant: participant, values: values)
        if let text = body["at"]?.string {
            guard let moment = documents.zone.instant(typed: text) else { return .badTime }
            typing.at = moment
        }
        if let text = body["setting"]?.string {
            guard let setting = Configuration.Setting(rawValue: text) else {
                return .choices("setting", Configuration.Setting.allCases.map(\.rawValue))
            }
            typing.setting = setting
        }
        if let text = body["measured_by"]?.string {
            guard let who = Configuration.MeasuredBy(rawValue: text) else {
                return .choices("measured_by", Configuration.MeasuredBy.allCases.map(\.rawValue))
            }
            typing.measuredBy = who
        }
        typing.laboratory = body["test_lab_id"]?.string
        typing.method = body["measurement_method_code"]?.string
        typing.device = body["device"]?.string
        typing.isConfirmed = body["confirm"]?.bool ?? false
        return await answer { () async throws(PeopleRefusal) in
            documents.outcome(try await desk.add(typing, by: actor))
        }
    }

    private func edit(
        _ key: RecordKey, _ body: JSONValue, by actor: LedgerActor
    ) async -> SocketResponse {
        guard let values = body.typedValues else { return .noValues }
        guard let reason = body.reason else { return .noReason }
        return await answer { () async throws(PeopleRefusal) in
            documents.outcome(
                try await desk.edit(
                    key, values, isConfirmed: body["confirm"]?.bool ?? false, reason: reason,
                    by: actor))
        }
    }

    private func withdraw(
        _ key: RecordKey, _ body: JSONValue, by actor: LedgerActor
    ) async -> SocketResponse {
        guard let reason = body.reason else { return .noReason }
        return await answer { () async throws(PeopleRefusal) in
            documents.withdrawal(try await desk.withdraw(key, reason: reason, by: actor))
        }
    }

    private func answer(
        _ body: () async throws(PeopleRefusal) -> [UInt8]
    ) async -> SocketResponse {
        do throws(PeopleRefusal) {
            return SocketResponse(body: try await body())
        } catch {
            return .refused(error)
        }
    }
}

extension JSONValue {
    /// `"values":{"weight":"72.5","glucose":"5.4mmol/L"}`: as they were typed; numbers are taken too.
    fileprivate var typedValues: [(name: String, text: String)]? {
        guard let members = self["values"]?.members, !members.isEmpty else { return nil }
        var values: [(name: String, text: String)] = []
        for member in members {
            guard let text = member.value.string ?? member.value.numberText else { return nil }
            values.append((name: member.name, text: text))
        }
        return values
    }
}

extension SocketResponse {
    fileprivate static let noValues = SocketResponse.failure(
        400, "bad-request", "give \"values\": {\"weight\":\"72.5\"}, with a unit behind it or not")

    fileprivate static func choices(_ name: String, _ choices: [String]) -> SocketResponse {
        .failure(400, "bad-request", "\(name) is one of \(choices.joined(separator: ", "))")
    }
}
