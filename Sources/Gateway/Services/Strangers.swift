import DeviceProfile
import Measurement

/// Devices that were seen and are not served, with the reason; the newest 64.
struct Strangers: Sendable {
    struct Entry: Sendable {
        var sighting: Sighting
        var because: String
        var count = 1
    }
    private(set) var entries: [BluetoothAddress: Entry] = [:]
    private static let maximum = 64

    mutating func note(_ sighting: Sighting, because: String) {
        if var known = entries[sighting.address] {
            known.count += 1
            known.because = because
            // An advertisement and its scan response come apart: keep what was seen once.
            var merged = sighting
            merged.advertisement.name =
                sighting.advertisement.name ?? known.sighting.advertisement.name
            if merged.advertisement.serviceUUIDs.isEmpty {
                merged.advertisement.serviceUUIDs = known.sighting.advertisement.serviceUUIDs
            }
            known.sighting = merged
            entries[sighting.address] = known
            return
        }
        if entries.count >= Self.maximum,
            let oldest = entries.min(by: { $0.value.sighting.at.utc < $1.value.sighting.at.utc })
        {
            entries[oldest.key] = nil
        }
        entries[sighting.address] = Entry(sighting: sighting, because: because)
    }
}
