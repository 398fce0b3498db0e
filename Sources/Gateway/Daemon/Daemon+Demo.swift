import DataFiles
import DeviceProfile
import JSON
import Spool
import Status

extension Daemon {
    /// `/v1/demo`: recorded sessions of shipped profiles, played as if the devices were here.
    func addDemoRoutes() {
        server.route("GET", "/v1/demo") { [weak self] _ in await self?.demo() ?? .gone }
        server.route("POST", "/v1/demo") { [weak self] in await self?.beginDemo($0) ?? .gone }
    }

    private var demoTapes: DemoTapes {
        DemoTapes(
            shipped: DataDirectory.find().profiles, played: configuration.tape.directory)
    }

    private func beginDemo(_ request: SocketRequest) async -> SocketResponse {
        guard tapes != nil else {
            return .failure(
                409, "tapes-off",
                "recorded sessions are not played here: write `tape: { enabled: true }` into the "
                    + "configuration and restart hakarud")
        }
        guard let body = request.document else { return .badBody }
        let wanted = body["models"]?.array?.compactMap(\.string) ?? []
        var chosen: [String] = wanted.isEmpty ? DemoTapes.usual : []
        for model in wanted {
            guard let profile = profiles.index.profile(model: model) ?? profiles.index[id: model]
            else {
                return .failure(404, "no-such-model", "no profile knows the model '\(model)'")
            }
            chosen.append(profile.id)
        }
        let tapes = demoTapes
        if let silent = chosen.first(where: { tapes.tape(of: $0) == nil }) {
            return .failure(404, "no-tape", "\(silent) has no recorded session")
        }
        let before = await newestRow()
        for profile in chosen {
            do throws(DemoTapes.Failure) {
                try tapes.play(profile)
            } catch {
                return .failure(503, "not-stored", error.description)
            }
        }
        return await demo(chosen, after: before)
    }

    private func demo() async -> SocketResponse { await demo(nil, after: newestRow()) }

    private func demo(_ chosen: [String]?, after: Int) async -> SocketResponse {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("newest_record", after)
            writer.member(
                "tapes",
                array: { writer in
                    for outcome in demoTapes.outcomes()
                    where chosen?.contains(outcome.profile) ?? true {
                        writer.object { writer in
                            writer.member("profile", outcome.profile)
                            writer.member("state", outcome.state)
                            writer.member("reason", outcome.reason)
                        }
                    }
                })
        }
        return SocketResponse(body: writer.bytes)
    }

    private func newestRow() async -> Int {
        Int((try? await spool.newestRow())?.number ?? 0)
    }
}
