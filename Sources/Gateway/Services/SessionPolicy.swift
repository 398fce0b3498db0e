import DeviceLink
import DeviceProfile
import Measurement

/// When a device that is in range is connected: pure, with the time as a parameter.
struct SessionPolicy: Sendable {
    struct Device: Sendable, Equatable {
        var lastSeen: Instant
        var inSession = false
        var failures = 0
        /// Nothing is tried before; nil: at once.
        var notBefore: Instant?
        /// After a complete session a device is left alone until it was silent, or for a minute.
        var restUntilSilent = false
        /// What a person has to do.
        var needsPerson: String?
    }

    private(set) var devices: [BluetoothAddress: Device] = [:]
    static let silence = Interval.seconds(5)
    static let rest = Interval.seconds(60)
    static let personPause = Interval.minutes(5)
    private static let maximumDevices = 1_024

    /// Notes a sighting; true when a session is to be started now.
    mutating func seen(_ address: BluetoothAddress, at now: Instant) -> Bool {
        guard var device = devices[address] else {
            makeRoom()
            devices[address] = Device(lastSeen: now)
            return true
        }
        let wasSilent = now - device.lastSeen >= Self.silence
        device.lastSeen = now
        defer { devices[address] = device }
        guard !device.inSession else { return false }
        if device.restUntilSilent, wasSilent {
            device.restUntilSilent = false
            device.notBefore = nil
        }
        if let notBefore = device.notBefore, now < notBefore { return false }
        return true
    }

    mutating func began(_ address: BluetoothAddress) { devices[address]?.inSession = true }

    /// Notes the end of a session and decides when the device may be tried again.
    mutating func ended(_ address: BluetoothAddress, _ end: SessionEnd, at now: Instant) {
        guard var device = devices[address] else { return }
        device.inSession = false
        device.restUntilSilent = false
        device.needsPerson = nil
        // What came while the session ran was heard before the link; the device is fresh now.
        device.lastSeen = now
        switch end {
        case .complete:
            device.failures = 0
            device.restUntilSilent = true
            device.notBefore = now + Self.rest
        case .interrupted:
            // Short windows: the next advertisement may be the last one.
            device.failures += 1
            let seconds = min(30, 1 << min(5, device.failures - 1))
            device.notBefore = now + .seconds(Int64(seconds))
        case .needsPerson(let what):
            device.failures += 1
            device.needsPerson = what
            device.notBefore = now + Self.personPause
        }
        devices[address] = device
    }

    private mutating func makeRoom() {
        guard devices.count >= Self.maximumDevices else { return }
        let idle = devices.filter { !$0.value.inSession }
        guard let oldest = idle.min(by: { $0.value.lastSeen < $1.value.lastSeen }) else { return }
        devices[oldest.key] = nil
    }
}
