import BluetoothLink
import DeviceLink
import DeviceProfile
import EventLoop
import JSON
import Measurement
import Status
import TapeLink

/// The routes by which people pair, forget and record Bluetooth devices.
extension Daemon {
    func addBluetoothRoutes() {
        server.route("GET", "/v1/pairing") { [weak self] _ in
            self?.bluetooth?.pairing.asked(at: GatewayTime.now().steady)
            return self?.pairingState() ?? .gone
        }
        server.route("POST", "/v1/pairing") { [weak self] in await self?.beginPairing($0) ?? .gone }
        server.route("POST", "/v1/pairing/passkey") { [weak self] in
            self?.takePasskey($0) ?? .gone
        }
        server.route("DELETE", "/v1/pairing") { [weak self] _ in self?.cancelPairing() ?? .gone }
        server.route("DELETE", "/v1/devices", subpaths: true) { [weak self] in
            await self?.forgetDevice($0) ?? .gone
        }
        server.route("POST", "/v1/captures") { [weak self] in self?.beginCapture($0) ?? .gone }
        server.route("GET", "/v1/captures", subpaths: true) { [weak self] in
            self?.capture($0) ?? .gone
        }
        server.route("DELETE", "/v1/captures", subpaths: true) { [weak self] in
            self?.discardCapture($0) ?? .gone
        }
    }

    // MARK: pairing

    private func beginPairing(_ request: SocketRequest) async -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let body = request.document else { return .badBody }
        guard let address = body["device"]?.string.flatMap({ BluetoothAddress($0) }) else {
            return .badAddress
        }
        var passkey: UInt32?
        if let text = body["passkey"]?.string {
            guard let number = Self.passkey(text) else { return .badPasskey }
            passkey = number
        }
        let seconds = body["seconds"]?.integer ?? 120
        guard (10...900).contains(seconds) else {
            return .failure(400, "bad-request", "seconds is a number from 10 to 900")
        }
        let lease = body["lease_seconds"]?.integer
        guard lease.map({ (2...600).contains($0) }) ?? true else {
            return .failure(400, "bad-request", "lease_seconds is a number from 2 to 600")
        }
        let isStale = bluetooth.state(of: address).contains("bond")
        if bluetooth.isBonded(address), body["repair"]?.bool == true {
            do throws(LinkError) {
                try await bluetooth.forget(address)
            } catch {
                return .failure(503, "bluetooth-failed", error.summary)
            }
        } else if bluetooth.isBonded(address), isStale {
            return .failure(
                409, "stale-bond",
                "the gateway holds a bond that the device does not accept any more; pair again with "
                    + "\"repair\": true to replace it")
        }
        guard
            bluetooth.pairing.begin(
                address, passkey: passkey, within: .seconds(seconds),
                lease: lease.map { .seconds($0) }, now: GatewayTime.now().steady)
        else {
            return .failure(
                409, "pairing-runs", "another device is being paired; end that pairing first")
        }
        counters.count("pairings_started")
        return pairingState()
    }

    private func takePasskey(_ request: SocketRequest) -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let text = request.document?["passkey"]?.string, let number = Self.passkey(text)
        else { return .badPasskey }
        guard let address = bluetooth.pairing.guide?.address,
            bluetooth.pairing.update(address, { $0.give(passkey: number) }) == true
        else { return .noPairing }
        return pairingState()
    }

    private func cancelPairing() -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        return bluetooth.pairing.cancel() ? pairingState() : .noPairing
    }

    private func pairingState() -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        var writer = JSONWriter()
        writer.object { writer in
            guard let guide = bluetooth.pairing.guide else {
                writer.key("pairing")
                return writer.null()
            }
            writer.member(
                "pairing",
                object: { writer in
                    writer.member("device", guide.address.description)
                    writer.member("profile", guide.profile)
                    let hint = bluetooth.pairingHint(guide)
                    writer.member("hint", hint?.english)
                    writer.member("hint_ja", hint?.japanese)
                    writer.member("state", guide.stage.rawValue)
                    writer.member("problem", guide.problem)
                    let left = (guide.deadline - GatewayTime.now().steady).microseconds / 1_000_000
                    writer.member("seconds_left", guide.isOver ? nil : Int(max(0, left)))
                })
        }
        return SocketResponse(body: writer.bytes)
    }

    /// Six digits at most, as a device shows them; leading zeros are allowed.
    nonisolated static func passkey(_ text: String) -> UInt32? {
        let digits = text.filter { $0 != " " }
        guard (1...6).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return UInt32(digits)
    }

    private func forgetDevice(_ request: SocketRequest) async -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let address = BluetoothAddress(request.rest) else { return .badAddress }
        let wasBonded = bluetooth.isBonded(address)
        do throws(LinkError) {
            try await bluetooth.forget(address)
        } catch {
            return .failure(503, "bluetooth-failed", error.summary)
        }
        Log.notice("device-forgotten", ["device": DeviceID("ble:\(address)").shortened])
        var writer = JSONWriter()
        writer.object {
            $0.member("device", address.description)
            $0.member("was_bonded", wasBonded)
        }
        return SocketResponse(body: writer.bytes)
    }

    // MARK: captures

    private func beginCapture(_ request: SocketRequest) -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let body = request.document else { return .badBody }
        guard let address = body["device"]?.string.flatMap({ BluetoothAddress($0) }) else {
            return .badAddress
        }
        let seconds = body["seconds"]?.integer ?? 120
        guard (1...3_600).contains(seconds) else {
            return .failure(400, "bad-request", "seconds is a number from 1 to 3600")
        }
        do throws(CaptureDesk.Refusal) {
            try bluetooth.captures.begin(
                address, for: .seconds(seconds), now: GatewayTime.now().steady)
        } catch {
            switch error {
            case .running:
                return .failure(409, "capture-runs", "this device is being recorded already")
            case .tooMany:
                return .failure(
                    409, "too-many", "\(CaptureDesk.maximum) devices are being recorded already")
            }
        }
        counters.count("captures_started")
        return captureState(address, bluetooth)
    }

    private func capture(_ request: SocketRequest) -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let address = BluetoothAddress(request.rest) else { return .badAddress }
        // A tape holds values and a whole address.
        guard request.peer.isAdministrator(adminGroup: server.adminGroup) else {
            return .failure(403, "not-permitted", "a tape is given to the administration only")
        }
        return captureState(address, bluetooth)
    }

    private func captureState(
        _ address: BluetoothAddress, _ bluetooth: BluetoothService
    ) -> SocketResponse {
        guard let capture = bluetooth.captures.captures[address] else {
            return .failure(404, "not-found", "this device is not being recorded")
        }
        var writer = JSONWriter(capacity: 256 + (capture.writer?.text.utf8.count ?? 0))
        writer.object { writer in
            writer.member("device", address.description)
            writer.member("state", capture.state.rawValue)
            writer.member("lines", capture.writer?.count ?? 0)
            writer.member("is_full", capture.writer?.isFull ?? false)
            writer.member("tape", capture.writer?.text)
        }
        return SocketResponse(body: writer.bytes)
    }

    private func discardCapture(_ request: SocketRequest) -> SocketResponse {
        guard let bluetooth else { return .noBluetooth }
        guard let address = BluetoothAddress(request.rest) else { return .badAddress }
        guard bluetooth.captures.discard(address) else {
            return .failure(404, "not-found", "this device is not being recorded")
        }
        return .counts([("discarded", 1)])
    }
}

extension SocketResponse {
    fileprivate static let noBluetooth = SocketResponse.failure(
        503, "bluetooth-off", "Bluetooth is switched off in the configuration")
    fileprivate static let badAddress = SocketResponse.failure(
        400, "bad-request", "give the device as an address such as A4:C1:38:00:00:01")
    fileprivate static let badPasskey = SocketResponse.failure(
        400, "bad-request", "a passkey is up to six digits")
    fileprivate static let noPairing = SocketResponse.failure(
        409, "no-pairing", "no device is being paired")
}
