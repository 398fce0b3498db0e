import DeviceLink
import DeviceProfile
import Measurement

/// When a device that is in range is connected: pure, with the time as a parameter.
///
/// Times are those of a clock that is never set: a gateway whose clock is put right must not wait.
/// A device that was just used is on the air for seconds, so the first advertisement counts. One that
/// advertises all day and has nothing new is asked less and less often, which spares its battery.
struct SessionPolicy: Sendable {
    struct Device: Sendable, Equatable {
        var lastSeen: Instant
        /// When it was first heard since its last session, or since it was silent.
        var heardSince: Instant?
        var inSession = false
        /// Sessions in a row that were interrupted or that need a person.
        var failures = 0
        /// Complete sessions in a row that brought nothing new.
        var barren = 0
        /// Nothing is tried before; nil: at once.
        var notBefore: Instant?
        /// A device that was silent and is heard again was used again: it is not made to wait.
        var silenceHelps = false
        /// What a person has to do.
        var needsPerson: String?
    }

    /// What a sighting leads to.
    enum Answer: Sendable, Equatable {
        case now
        /// Ask again by `isDue` after this time: the next sighting may come much later.
        case later(Interval)
        case no
    }

    private(set) var devices: [BluetoothAddress: Device] = [:]
    /// Kernels report one advertisement of a device in each round of discovery (10.24 s), however
    /// often it repeats itself. Longer than a round is silence, up to a round is presence.
    static let silence = Interval.seconds(15)
    static let presence = Interval.seconds(12)
    /// After so long, failures of the past say nothing about the next attempt.
    static let oblivion = Interval.minutes(1)
    /// Between two sessions of a device that had something new: the link's end has to settle.
    static let breath = Interval.seconds(1)
    static let rest = Interval.seconds(8)
    static let longestRest = Interval.minutes(5)
    static let longestRetry = Interval.seconds(30)
    static let personPause = Interval.minutes(5)
    static let maximumDevices = 1_024

    /// Notes a sighting and says when a session is to be started.
    mutating func seen(_ address: BluetoothAddress, at now: Instant) -> Answer {
        guard var device = devices[address] else {
            makeRoom()
            devices[address] = Device(lastSeen: now, heardSince: now)
            return .now
        }
        let quiet = now - device.lastSeen
        device.lastSeen = now
        if quiet >= Self.silence || device.heardSince == nil { device.heardSince = now }
        defer { devices[address] = device }
        guard !device.inSession else { return .no }
        if device.silenceHelps, quiet >= Self.silence { device.notBefore = nil }
        if quiet >= Self.oblivion { device.failures = 0 }
        guard let notBefore = device.notBefore, now < notBefore else { return .now }
        return notBefore - now < Self.presence ? .later(notBefore - now) : .no
    }

    /// Whether a device whose time was not yet come is to be connected now: it was heard lately.
    func isDue(_ address: BluetoothAddress, at now: Instant) -> Bool {
        guard let device = devices[address], !device.inSession else { return false }
        if let notBefore = device.notBefore, now < notBefore { return false }
        return now - device.lastSeen <= Self.presence
    }

    mutating func began(_ address: BluetoothAddress) { devices[address]?.inSession = true }

    /// Notes the end of a session and decides when the device may be tried again.
    ///
    /// - Parameter new: how many records it brought that were not known before.
    mutating func ended(
        _ address: BluetoothAddress, _ end: SessionEnd, new: Int, at now: Instant
    ) {
        guard var device = devices[address] else { return }
        device.inSession = false
        device.heardSince = nil
        device.needsPerson = nil
        // What came while the session ran was heard before the link; the device is fresh now.
        device.lastSeen = now
        switch end {
        case .complete: device.completed(new: new, at: now)
        case .interrupted:
            // Short windows: the next advertisement may be the last one.
            device.failures += 1
            device.silenceHelps = false
            device.notBefore =
                now + min(Self.longestRetry, .seconds(1 << min(5, device.failures - 1)))
        case .needsPerson(let what):
            device.failures += 1
            device.needsPerson = what
            // Whoever acts (holds the button, wakes the device) makes it advertise anew.
            device.silenceHelps = true
            device.notBefore = now + Self.personPause
        }
        devices[address] = device
    }

    /// A person is at the device: what was tried before does not make it wait.
    mutating func forgive(_ address: BluetoothAddress, at now: Instant) {
        if devices[address] == nil {
            makeRoom()
            devices[address] = Device(lastSeen: now)
        }
        devices[address]?.lastSeen = now
        devices[address]?.failures = 0
        devices[address]?.notBefore = nil
    }

    /// Nothing is remembered of the device.
    mutating func forget(_ address: BluetoothAddress) { devices[address] = nil }

    private mutating func makeRoom() {
        guard devices.count >= Self.maximumDevices else { return }
        let idle = devices.filter { !$0.value.inSession }
        guard let oldest = idle.min(by: { $0.value.lastSeen < $1.value.lastSeen }) else { return }
        devices[oldest.key] = nil
    }
}

extension SessionPolicy.Device {
    fileprivate mutating func completed(new: Int, at now: Instant) {
        failures = 0
        barren = new > 0 ? 0 : barren + 1
        // One that pauses between its advertisements must not be taken for used again, every time.
        silenceHelps = barren <= 2
        let rest = SessionPolicy.rest.microseconds << min(8, max(0, barren - 1))
        notBefore =
            now
            + (barren == 0
                ? SessionPolicy.breath
                : min(SessionPolicy.longestRest, Interval(microseconds: rest)))
    }
}
