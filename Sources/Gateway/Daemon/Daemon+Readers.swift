import EventLoop
import JSON
import Measurement
import Register
import Status
import USBLink

/// `/v1/readers`: the readers of the stations, and the operator's bindings.
extension Daemon {
    func addReaderRoutes() {
        server.route("GET", "/v1/readers") { [weak self] _ in self?.readerList() ?? .gone }
        server.route("POST", "/v1/readers") { [weak self] request in
            await self?.bindReader(request) ?? .gone
        }
        server.route("DELETE", "/v1/readers", subpaths: true) { [weak self] request in
            await self?.unbindReader(request) ?? .gone
        }
    }

    /// Ties the readers to the devices and to those who listen.
    func startReaders() {
        readers.finder.host = { [weak self] in self?.usb?.library }
        readers.onEvent = { [weak self] in self?.server.publish("reader", $0) }
        usb?.stationOf = { [weak self] in self?.readers.station(of: $0) }
        usb?.onChange = { [weak self] in self?.readers.look() }
        readers.start()
    }

    private func readerList() -> SocketResponse { .list("readers", seats().map { reader($0) }) }

    private func seats(at station: String? = nil) -> [ReaderSeat] {
        readers.seats.values.filter { station == nil || $0.binding.station == station }
            .sorted {
                ($0.binding.station, "\($0.binding.settings.place)")
                    < ($1.binding.station, "\($1.binding.settings.place)")
            }
    }

    private func reader(_ seat: ReaderSeat) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("station", seat.binding.station)
            seat.binding.settings.write(to: &writer)
            writer.member("configured", seat.binding.isConfigured)
            writer.member("device", seat.device)
            writer.member("state", seat.state)
            writer.member("reads", seat.reads)
            writer.member("refused", seat.refusals)
            writer.member("last_read_at", seat.lastRead.map(documents.time))
            writer.key("last_refusal")
            refusal(seat.lastRefusal, &writer)
        }
        return writer.bytes
    }

    private func refusal(
        _ last: (refusal: ReaderRefusal, at: Instant)?, _ writer: inout JSONWriter
    ) {
        guard let last else { return writer.null() }
        writer.object { writer in
            writer.member("code", last.refusal.code)
            writer.member("message", last.refusal.text)
            writer.member("at", documents.time(last.at))
        }
    }

    /// What the status and the list of stations say of readers.
    func writeReaders(at station: String? = nil, _ writer: inout JSONWriter) {
        writer.member(
            "readers",
            array: { writer in
                for seat in seats(at: station) {
                    writer.object { writer in
                        writer.member("station", seat.binding.station)
                        writer.member("port", "\(seat.binding.settings.place)")
                        writer.member("state", seat.state)
                        writer.member("refused", seat.refusals)
                        writer.key("last_refusal")
                        refusal(seat.lastRefusal, &writer)
                    }
                }
            })
    }

    // MARK: bindings

    private func bindReader(_ request: SocketRequest) async -> SocketResponse {
        guard let body = request.document else { return .badBody }
        guard let station = body["station"]?.string else {
            return .failure(400, "bad-request", "give \"station\" and \"port\"")
        }
        guard people.book[station] != nil else {
            return .failure(404, "unknown-station", "there is no station \(station)")
        }
        let place = body["port"]?.string.flatMap { ReaderPlace($0) }
        let settings: ReaderSettings
        do throws(ReaderSettings.Problem) {
            settings = try ReaderSettings(body, kind: place.flatMap { readers.kind(at: $0) })
        } catch {
            return .failure(422, "bad-reader", error.text)
        }
        if readers.bindings[settings.place]?.isConfigured == true {
            return .failure(
                409, "configured", "hakaru.yaml says what is at \(settings.place): change it there")
        }
        if let info = readers.device(at: settings.place),
            let profile = ports.profile(path: "\(info.path)", serial: info.ownSerial)
        {
            return .failure(
                409, "bound-to-a-model",
                "\(info.path) is bound to \(profile): hakaru port unbind \(info.path)")
        }
        do throws(StateFileFailure) {
            guard let seat = try await readers.bind(settings, to: station) else { return .gone }
            usb?.recheck()
            return SocketResponse(body: reader(seat))
        } catch {
            return .failure(503, "not-stored", "\(error)")
        }
    }

    private func unbindReader(_ request: SocketRequest) async -> SocketResponse {
        guard let place = ReaderPlace(request.rest), let binding = readers.bindings[place] else {
            return .failure(404, "not-bound", "no reader is bound to '\(request.rest)'")
        }
        guard !binding.isConfigured else {
            return .failure(
                409, "configured", "hakaru.yaml says what is at \(place): change it there")
        }
        do throws(StateFileFailure) {
            try await readers.unbind(place)
        } catch {
            return .failure(503, "not-stored", "\(error)")
        }
        usb?.recheck()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("port", "\(place)")
            writer.member("station", nil as String?)
        }
        return SocketResponse(body: writer.bytes)
    }
}
