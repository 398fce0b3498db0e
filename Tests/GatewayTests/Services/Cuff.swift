import DataFiles
import DeviceLink
import DeviceProfile
import Measurement
import Spool

@testable import Gateway

/// Readings of a real cuff's profile, made as a session makes them: bytes, clock, decision.
enum Cuff {
    static let zone = TimeZoneRules.utc
    static let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    static let text: String = {
        let bytes = try? FileReader.read(root + "/device-profiles/and-ua-651ble.yaml")
        return String(decoding: bytes ?? [], as: UTF8.self)
    }()

    /// The shipped profile, changed as an owner may change it.
    static func profiles(_ change: (String) -> String = { $0 }) -> ProfileIndex {
        let source = ProfileSet.Source(
            file: "cuff.yaml", bytes: Array(change(text).utf8), isOwn: false)
        let set = ProfileSet([source])
        precondition(set.problems.isEmpty, "\(set.problems)")
        return set.index
    }

    /// Takes every pressure above 100 mmHg for impossible.
    static func strict(_ text: String) -> String {
        text.replacingLine(
            "time:", "plausible: { systolic: { unit: 'mm[Hg]', minimum: 10, maximum: 100 } }\ntime:"
        )
    }

    /// The next revision of the same profile.
    static func corrected(_ text: String) -> String {
        text.replacingLine("revision: 1", "revision: 2")
    }

    struct Made {
        var wall: LocalDateTime
        /// Gateway minus device at the check; nil: the clock was not read.
        var clockOffset: Interval?
        var received: GatewayTime
        var systolic = 125
        var delivery = Delivery.pushed
    }

    static func reading(_ made: Made, _ profiles: ProfileIndex) -> SessionEntry {
        guard let profile = profiles[id: "and-ua-651ble"],
            let layout = profile.layout(for: .gatt(BluetoothUUID(0x2A35)))
        else { preconditionFailure("the cuff's profile has another layout") }
        let bytes = pressure(made.systolic, made.wall)
        let reading = layout.decode(bytes)
        var clock = SessionClock()
        if let offset = made.clockOffset {
            let shown = zone.local(made.received.utc - offset)
            clock.check = ClockCheck(gateway: made.received, device: shown)
        }
        let evidence = TimeEvidence(made.delivery, clock)
        let builder = RecordBuilder(profile: profile, zone: zone, simulated: false)
        return SessionEntry(
            reading: reading, frames: [RawFrame(source: "gatt:2a35", bytes: bytes)],
            received: made.received,
            record: builder.record(
                reading, device: Desk.device, received: made.received, evidence: evidence),
            key: builder.key(reading, device: Desk.device.id, received: made.received),
            evidence: evidence)
    }

    /// A 2A35 value with time and pulse.
    static func pressure(_ systolic: Int, _ at: LocalDateTime) -> [UInt8] {
        func sfloat(_ number: Int) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }
        return [0x16] + sfloat(systolic) + sfloat(80) + sfloat(95)
            + [
                UInt8(at.year & 255), UInt8(at.year >> 8), UInt8(at.month), UInt8(at.day),
                UInt8(at.hour), UInt8(at.minute), UInt8(at.second),
            ] + sfloat(64) + [0, 0]
    }
}

extension String {
    fileprivate func replacingLine(_ line: String, _ other: String) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0 == line ? other : String($0) }.joined(separator: "\n")
    }
}
