import BluetoothLink
import DeviceProfile
import EventLoop
import JSON
import Measurement
import Registry
import Spool
import Status
import Uplink
import YAML

extension Daemon {
    func addRoutes() {
        server.route("GET", "/v1/status") { [weak self] _ in await self?.status() ?? .gone }
        server.route("GET", "/v1/devices", subpaths: true) { [weak self] request in
            guard let self else { return .gone }
            return request.rest.isEmpty ? await devices() : await device(request.rest)
        }
        server.route("GET", "/v1/destinations") { [weak self] _ in
            await self?.destinations() ?? .gone
        }
        addDecisionRoutes()
        addStoreRoutes()
        addPeopleRoutes()
        addRecordRoutes()
        addBluetoothRoutes()
        server.route("GET", "/v1/sightings") { [weak self] _ in self?.sightings() ?? .gone }
        addPortRoutes()
        addReaderRoutes()
        addDemoRoutes()
        server.route("GET", "/metrics") { [weak self] _ in await self?.metrics() ?? .gone }
        server.routeEvents("/v1/events")
    }

    // MARK: status

    private func status() async -> SocketResponse {
        let counts = try? await spool.counts()
        let destinations = (try? await spool.destinations()) ?? []
        let used = await spool.usedBytes
        let failed = (try? await spool.counters()["failed_measurements"]) ?? 0
        var writer = JSONWriter(capacity: 2_048)
        writer.object { writer in
            writer.member("version", DaemonOptions.version)
            writer.member("gateway", configuration.gateway.id)
            writer.member("started_at", documents.time(startedAt))
            let now = GatewayTime.now()
            writer.member(
                "clock", object: { $0.member("synchronised", now.synchronised) })
            writer.key("bluetooth")
            documents.adapters(bluetooth?.bluez?.status ?? [], &writer)
            writer.member(
                "usb",
                object: { writer in
                    writer.member("state", usb?.state ?? "off")
                    writer.member("devices", usb?.plugged.count ?? 0)
                    writer.member("refused", usb?.refusals ?? 0)
                    writer.member("problem", usb?.problem ?? ports.problem)
                })
            writeReaders(&writer)
            if let tapes {
                writer.member(
                    "tapes",
                    object: { writer in
                        writer.member("played", tapes.played)
                        writer.member("failed", tapes.failed)
                    })
            }
            records(counts ?? SpoolCounts(), failed, &writer)
            writer.key("destinations")
            writeDestinations(destinations, &writer)
            storage(used, counts == nil, &writer)
            profileState(&writer)
            writer.member(
                "configuration", object: { configurationState.write(&$0, time: documents.time) })
        }
        return SocketResponse(body: writer.bytes)
    }

    private func records(_ counts: SpoolCounts, _ failed: Int, _ writer: inout JSONWriter) {
        writer.member(
            "records",
            object: { writer in
                writer.member("stored", counts.stored)
                writer.member("waiting", counts.waiting)
                writer.member("unassigned", counts.unassigned)
                writer.member("quarantined", counts.quarantined)
                writer.member("discarded", counts.discarded)
                writer.member("dead_letters", counts.deadLetters)
                writer.member("delivered", counts.delivered)
                writer.member("failed_measurements", failed)
            })
    }

    private func storage(_ used: Int64, _ unreadable: Bool, _ writer: inout JSONWriter) {
        writer.member(
            "storage",
            object: { writer in
                writer.member("used_bytes", Int(used))
                writer.member("maximum_bytes", configuration.storage.maximumBytes)
                writer.member("reserve_bytes", configuration.storage.reserveBytes)
                let trouble = intake.trouble
                let isSealed = configuration.storage.encryption?.seals == true
                writer.member("encryption", isSealed ? "on" : "off")
                writer.member("state", trouble?.name ?? (unreadable ? "unavailable" : "ok"))
                writer.member("reason", trouble.map { "\($0)" })
                writer.member("waiting_in_memory", intake.backlog)
                writer.member("checking", isCheckingStore)
            })
    }

    private func profileState(_ writer: inout JSONWriter) {
        let set = profiles.profiles
        writer.member(
            "profiles",
            object: { writer in
                writer.member("loaded", set.index.profiles.count)
                writer.member("problems", strings: set.problems.map(\.description))
                writer.member("overridden", strings: set.overridden)
            })
    }

    private func writeDestinations(_ stored: [DestinationCounts], _ writer: inout JSONWriter) {
        writer.array { writer in
            for worker in uplink.workers {
                let snapshot = worker.snapshot
                documents.destination(
                    snapshot, stored.first { $0.name == snapshot.name }, &writer)
            }
        }
    }

    private func destinations() async -> SocketResponse {
        do throws(SpoolError) {
            let stored = try await spool.destinations()
            var writer = JSONWriter()
            writer.object { writer in
                writer.key("destinations")
                writeDestinations(stored, &writer)
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .storeFailed(error)
        }
    }

    // MARK: lists

    private func devices() async -> SocketResponse {
        do throws(SpoolError) {
            let stored = try await spool.devices()
            return .list("devices", stored.map { device($0) })
        } catch {
            return .storeFailed(error)
        }
    }

    /// One device with its clock over time, by its id or its address.
    private func device(_ name: String) async -> SocketResponse {
        do throws(SpoolError) {
            let wanted = name.lowercased()
            let found = try await spool.devices().first {
                $0.description.id.stable.lowercased() == wanted
                    || $0.description.address?.lowercased() == wanted
            }
            guard let found else {
                return .failure(404, "not-found", "no device \(name) is known")
            }
            let history = try await spool.clockHistory(of: found.description.id)
            var writer = JSONWriter()
            writer.object { writer in
                writer.key("device")
                writer.raw(bytes: device(found))
                writer.key("clock_history")
                documents.clockHistory(history, &writer)
            }
            return SocketResponse(body: writer.bytes)
        } catch {
            return .storeFailed(error)
        }
    }

    private func device(_ stored: StoredDevice) -> [UInt8] {
        let models = stored.profile.flatMap { profiles.index[id: $0]?.modelNames } ?? []
        var owner: String?
        if case .participant(let participant, rule: _, ownership: _) = people.roster.assignment(
            of: stored.description, slot: nil, models: models)
        {
            owner = participant
        }
        let address = stored.description.bluetoothAddress
        return documents.device(
            stored,
            live: address.flatMap { bluetooth?.state(of: $0) }
                ?? usb?.state(of: stored.description.id) ?? "idle",
            bonded: address.flatMap { bluetooth?.isBonded($0) } ?? false, participant: owner)
    }

    func records(
        _ request: SocketRequest, filter fixed: RecordFilter? = nil
    ) async -> SocketResponse {
        guard let (after, limit) = request.page else { return .badPage }
        var filter = fixed ?? .all
        if fixed == nil, let name = request.query["state"] {
            guard let named = RecordFilter(rawValue: name) else {
                let known = RecordFilter.allCases.map(\.rawValue).joined(separator: ", ")
                return .failure(400, "bad-request", "state is one of \(known)")
            }
            filter = named
        }
        do throws(SpoolError) {
            let found = try await spool.records(
                after: RowID(after), limit: limit, filter: filter)
            return .list("records", found.map { documents.record($0) })
        } catch {
            return .storeFailed(error)
        }
    }

    private func sightings() -> SocketResponse {
        let entries = bluetooth?.strangers.entries.values ?? [:].values
        return .list(
            "sightings",
            entries.sorted { $0.sighting.at.utc > $1.sighting.at.utc }
                .map { documents.sighting($0) })
    }

    // MARK: metrics

    private func metrics() async -> SocketResponse {
        var lines: [String] = []
        func counter(_ name: String, _ value: Int, _ labels: String = "") {
            lines.append("hakaru_\(name)\(labels) \(value)")
        }
        for (name, value) in counters.values.sorted(by: { $0.key < $1.key }) {
            counter("\(name)_total", value)
        }
        for (name, value) in ((try? await spool.counters()) ?? [:]).sorted(by: { $0.key < $1.key })
        {
            counter("store_\(name)_total", value)
        }
        if let counts = try? await spool.counts() {
            counter("records_stored", counts.stored)
            counter("records_waiting", counts.waiting)
            counter("records_unassigned", counts.unassigned)
            counter("records_quarantined", counts.quarantined)
            counter("records_dead_letters", counts.deadLetters)
            counter("records_delivered", counts.delivered)
        }
        lines += bluetoothMetrics()
        for worker in uplink.workers {
            for (name, value) in worker.snapshot.counters.named {
                counter(
                    "destination_\(name)_total", value, "{destination=\"\(worker.snapshot.name)\"}")
            }
        }
        lines += await gauges()
        return SocketResponse(
            status: 200, contentType: "text/plain; version=0.0.4",
            body: Array(MetricsText.document(lines).utf8))
    }

    private func bluetoothMetrics() -> [String] {
        guard let bluez = bluetooth?.bluez else { return [] }
        var lines = bluez.currentCounters.named.map { "hakaru_bluetooth_\($0)_total \($1)" }
        for adapter in bluez.status {
            func family(_ name: String, _ label: String, _ values: [String: Int]) {
                for (key, value) in values.sorted(by: { $0.key < $1.key }) {
                    lines.append(
                        "hakaru_bluetooth_\(name)_total{adapter=\"\(adapter.adapter)\",\(label)=\"\(key)\"}"
                            + " \(value)")
                }
            }
            family("recoveries", "step", adapter.recoveries)
            family("recoveries_not_permitted", "step", adapter.refusedRecoveries)
            family("signs", "sign", adapter.signs)
        }
        return lines
    }
}
