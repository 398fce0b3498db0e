import DeviceLink
import DeviceProfile
import EventLoop
import Measurement
import TapeLink

/// Tapes that are being recorded from real devices, one per address, a few at a time.
@LoopActor final class CaptureDesk {
    /// What a capture is doing.
    enum State: String, Sendable {
        /// The device has not been heard.
        case listening
        case recording
        /// The session is over, or the time is.
        case ended
    }

    struct Capture {
        var writer: TapeWriter?
        var state = State.listening
        /// Until then advertisements and a session are waited for.
        var deadline: Instant
        var lastAdvertisement: [UInt8]?
        var isInSession = false
    }

    enum Refusal: Error, Equatable { case tooMany, running }

    static let maximum = 4
    private(set) var captures: [BluetoothAddress: Capture] = [:]
    private let zone: TimeZoneRules
    private var timers: [BluetoothAddress: EventSource] = [:]

    init(zone: TimeZoneRules) { self.zone = zone }

    func isWatching(_ address: BluetoothAddress) -> Bool {
        captures[address].map { $0.state != .ended } ?? false
    }

    /// Begins to record a device; a tape that has ended is replaced.
    func begin(
        _ address: BluetoothAddress, for length: Duration, now: Instant
    ) throws(Refusal) {
        guard !isWatching(address) else { throw .running }
        if captures[address] == nil, captures.count >= Self.maximum {
            guard let done = captures.first(where: { $0.value.state == .ended }) else {
                throw .tooMany
            }
            captures[done.key] = nil
        }
        captures[address] = Capture(deadline: now + Interval(length))
        timers[address] = EventLoop.shared.after(length) { [weak self] in
            self?.timeIsOver(address)
        }
    }

    /// Ends a capture and drops its tape; false where there is none.
    func discard(_ address: BluetoothAddress) -> Bool {
        timers[address] = nil
        return captures.removeValue(forKey: address) != nil
    }

    /// Takes an advertisement; before a session each different one is kept.
    func heard(_ sighting: Sighting) {
        let address = sighting.address
        guard var capture = captures[address], capture.state != .ended, !capture.isInSession else {
            return
        }
        if capture.writer == nil {
            capture.writer = TapeWriter(
                address: address, addressIsRandom: sighting.addressIsRandom,
                note: "captured by hakaru", zone: zone)
            if !sighting.at.synchronised {
                capture.writer?.add(.gatewayClock(synchronised: false), at: sighting.at.utc)
            }
            capture.state = .recording
        }
        let bytes = sighting.advertisement.adStructures
        if bytes != capture.lastAdvertisement {
            capture.lastAdvertisement = bytes
            capture.writer?.add(.advertisement(bytes, rssi: sighting.rssi), at: sighting.at.utc)
        }
        captures[address] = capture
    }

    /// Takes what passed over the link.
    func took(_ fact: LinkFact, of address: BluetoothAddress, at: GatewayTime) {
        guard var capture = captures[address], capture.state == .recording else { return }
        switch fact {
        case .connected:
            capture.isInSession = true
            capture.writer?.add(.connected, at: at.utc)
        case .bonded(let method):
            capture.writer?.add(.bonded(method: method.rawValue), at: at.utc)
        case .services(let services): capture.writer?.add(.services(services), at: at.utc)
        case .read(let uuid, let bytes): capture.writer?.add(.read(uuid, bytes), at: at.utc)
        case .written(let uuid, let bytes): capture.writer?.add(.write(uuid, bytes), at: at.utc)
        case .value(let uuid, let bytes):
            capture.writer?.add(.notification(uuid, bytes), at: at.utc)
        case .subscribed, .failed: break
        case .disconnected(let byDevice):
            capture.isInSession = false
            capture.lastAdvertisement = nil
            capture.writer?.add(.disconnected(byDevice: byDevice), at: at.utc)
        }
        captures[address] = capture
    }

    /// The session with a device is over: a tape holds one session.
    func sessionEnded(_ address: BluetoothAddress) {
        guard let capture = captures[address], capture.state == .recording,
            capture.writer?.text.contains("\"services\"") == true
        else { return }
        end(address)
    }

    private func timeIsOver(_ address: BluetoothAddress) {
        // A session that runs is recorded to its end.
        guard captures[address]?.isInSession == false else { return }
        end(address)
    }

    private func end(_ address: BluetoothAddress) {
        captures[address]?.state = .ended
        timers[address] = nil
    }
}
