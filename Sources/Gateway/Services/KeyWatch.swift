import DeviceLink
import DeviceProfile
import EventLoop
import Measurement

/// Devices whose broadcasts cannot be read because their owner's key is missing or another one.
///
/// Each trouble is logged once, without a byte of the key, and stays in the status until a frame was
/// read.
struct KeyWatch {
    private var troubles: [BluetoothAddress: String] = [:]
    private static let maximumDevices = 256
    static let missing = "the configuration has no key for this device"
    static let wrong = "the key in the configuration does not open the frames of this device"

    /// What a person has to do for a device; nil when its frames can be read.
    func trouble(of address: BluetoothAddress) -> String? { troubles[address] }

    /// Takes what became of a device's frames.
    @LoopActor mutating func note(
        _ entries: [SessionEntry], hasKey: Bool, _ device: DeviceDescription,
        _ address: BluetoothAddress, _ counters: Counters
    ) {
        for entry in entries {
            guard let trouble = Self.trouble(entry.reading, hasKey: hasKey) else {
                if entry.reading.outcome != .rejected { troubles[address] = nil }
                continue
            }
            counters.count(trouble == Self.missing ? "frames_without_key" : "frames_of_another_key")
            guard troubles[address] != trouble else { continue }
            if troubles.count >= Self.maximumDevices { troubles.removeAll(keepingCapacity: true) }
            troubles[address] = trouble
            Log.warning(
                "device-key",
                ["device": device.id.shortened, "trouble": trouble])
        }
    }

    static func trouble(_ reading: Reading, hasKey: Bool) -> String? {
        if reading.flags.contains("encrypted") { return missing }
        guard hasKey, reading.outcome == .rejected,
            reading.reason?.hasPrefix("the authentication tag does not fit") ?? false
        else { return nil }
        return wrong
    }
}
