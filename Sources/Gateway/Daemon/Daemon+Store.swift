import EventLoop
import JSON
import Measurement
import Register
import Spool
import Status

/// What people ask of the store itself: a person's values gone for good, another master key.
extension Daemon {
    func addStoreRoutes() {
        server.route("POST", "/v1/keys/rotate") { [weak self] request in
            await self?.rotateKeys(request) ?? .gone
        }
    }

    /// `POST /v1/participants/CODE/purge`.
    func purge(_ request: SocketRequest) async -> SocketResponse {
        let words = request.rest.split(separator: "/").map(String.init)
        guard words.count == 2, words[1] == "purge" else { return .notFound(request.path) }
        guard let body = request.document else { return .badBody }
        guard let code = ParticipantCode(words[0]) else {
            return .failure(
                400, "bad-request", "a participant is \(ParticipantCode.accepted)")
        }
        guard intake.backlog == 0 else {
            return .failure(
                409, "readings-wait",
                "readings wait in memory for the store; purge again when it works")
        }
        do throws(SpoolError) {
            let result = try await spool.purge(
                code.text, setAside: body["set_aside"]?.bool ?? false,
                by: .user(request.peer.userID), at: GatewayTime.now().utc)
            Log.notice("purged", ["records": "\(result.records)"])
            let isConfigured = configuration.participants.contains { $0.id == code }
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("records", result.records)
                writer.member("set_aside_files", strings: result.setAsideFiles)
                writer.member("still_configured", isConfigured)
            }
            return SocketResponse(body: writer.bytes)
        } catch .refused(let why) {
            return .failure(409, "set-aside-files", why)
        } catch {
            return .storeFailed(error)
        }
    }

    private func rotateKeys(_ request: SocketRequest) async -> SocketResponse {
        do throws(SpoolError) {
            let changed = try await spool.rotateKeys(
                by: .user(request.peer.userID), at: GatewayTime.now().utc)
            return .counts([("data_keys", changed)])
        } catch .refused(let why) {
            return .failure(409, "not-encrypted", why)
        } catch {
            return .storeFailed(error)
        }
    }

    /// Looks through a large store after an unclean end, beside everything else.
    func checkStore() async {
        guard await spool.openReport?.integrityPending == true else { return }
        isCheckingStore = true
        defer { isCheckingStore = false }
        if let damage = await spool.checkInBackground(until: stopChecking) {
            Log.error("store-damaged", ["damage": damage])
            counters.count("store_failures")
            // The next use sets it aside; there is always one.
            await openStore()
        } else if !stopChecking.isSet {
            Log.notice("store-checked")
        }
    }

    /// Seals what a store held before it was told to; in small steps, beside everything else.
    func sealStore() async {
        guard configuration.storage.encryption?.seals == true else { return }
        do throws(SpoolError) {
            let sealed = try await spool.sealAll(at: GatewayTime.now().utc)
            if sealed > 0 { Log.notice("store-sealed", ["records": "\(sealed)"]) }
        } catch {
            Log.error("store-not-sealed", ["state": error.name, "reason": "\(error)"])
        }
    }
}
