import DeviceProfile
import JSON
import Status
import USBLink

extension Daemon {
    /// `/v1/ports`: what is plugged in, and the operator's bindings.
    func addPortRoutes() {
        server.route("GET", "/v1/ports") { [weak self] _ in self?.portList() ?? .gone }
        server.route("POST", "/v1/ports") { [weak self] in self?.bindPort($0) ?? .gone }
        server.route("DELETE", "/v1/ports", subpaths: true) { [weak self] in
            self?.unbindPort($0) ?? .gone
        }
    }

    private func portList() -> SocketResponse {
        let plugged = usb?.plugged ?? []
        let places = plugged.flatMap { port in
            ["\(port.info.path)"] + (port.info.ownSerial.map { ["serial:" + $0] } ?? [])
        }
        let absent = ports.bindings.filter { !places.contains($0.place) }
        return .list("ports", plugged.map(line) + absent.map(line))
    }

    private func line(_ port: PluggedPort) -> [UInt8] {
        var writer = JSONWriter()
        let info = port.info
        writer.object { writer in
            writer.member("place", "\(info.path)")
            writer.member("numbers", info.numbers)
            writer.member("manufacturer", info.manufacturerName)
            writer.member("product", info.productName)
            writer.member("serial", info.ownSerial)
            writer.member("line", usb?.lines(of: info.path).first)
            writer.member("adapter", Bridges.isBridge(info))
            writer.member(
                "bound_to", ports.profile(path: "\(info.path)", serial: info.ownSerial))
            writer.member("profile", port.profile)
            writer.member("state", port.state)
        }
        return writer.bytes
    }

    private func line(_ binding: PortBindings.Binding) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("place", binding.place)
            writer.member("bound_to", binding.profile)
            writer.member("state", "not plugged in")
        }
        return writer.bytes
    }

    private func bindPort(_ request: SocketRequest) -> SocketResponse {
        let document = try? JSONValue.parse(request.body)
        guard let place = document?["port"]?.string, let model = document?["model"]?.string else {
            return .failure(400, "bad-request", "a port and a model are wanted")
        }
        guard USBPath(place) != nil || (place.hasPrefix("serial:") && place.count > 7) else {
            return .failure(
                400, "bad-port", "'\(place)' is no port: write a path (1-1.2) or serial:NUMBER")
        }
        guard let profile = profiles.index.profile(model: model) else {
            return .failure(404, "no-such-model", "no profile knows the model '\(model)'")
        }
        guard profile.wire != nil else {
            return .failure(
                409, "not-on-a-cable", "\(profile.id) says nothing of a cable")
        }
        if let reader = readers.bindings.bindings.first(where: { "\($0.settings.place)" == place })
        {
            return .failure(
                409, "bound-to-a-station", "\(place) is the reader of \(reader.station)")
        }
        do throws(PortBindings.Failure) {
            try ports.bind(place, to: profile.id)
        } catch {
            return .failure(503, "not-stored", "\(error)")
        }
        usb?.bindingChanged()
        return .binding(place, profile.id)
    }

    private func unbindPort(_ request: SocketRequest) -> SocketResponse {
        do throws(PortBindings.Failure) {
            guard try ports.unbind(request.rest) else {
                return .failure(404, "not-bound", "'\(request.rest)' is not bound")
            }
        } catch {
            return .failure(503, "not-stored", "\(error)")
        }
        usb?.bindingChanged()
        return .binding(request.rest, nil)
    }
}

extension SocketResponse {
    fileprivate static func binding(_ place: String, _ profile: String?) -> SocketResponse {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("place", place)
            writer.member("profile", profile)
        }
        return SocketResponse(body: writer.bytes)
    }
}
