import BluetoothLink
import DeviceLink
import JSON
import Measurement

/// One session with a Bluetooth device, for those who listen to events: how it ended and how long each
/// of its stages took. It holds no value.
struct ConnectionReport: Sendable, Equatable {
    var device: DeviceID
    var end: SessionEnd
    /// Records that were not known before.
    var new: Int
    /// When the device was first heard since its last session, on the clock that nobody sets.
    var heardAt: Instant?
    var times: SessionTimes

    /// The event's data; all times count from the moment at which the device was heard.
    var document: [UInt8] {
        let began = heardAt.map { max(.zero, times.began.steady - $0) } ?? .zero
        let heard = times.began.utc - began
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("device", device.stable)
            writer.member("end", end.name)
            writer.member("new_records", new)
            writer.member("heard_at_ms", Int(heard.microseconds / 1_000))
            writer.member(
                "milliseconds",
                object: { writer in
                    writer.member("began", Int(began.microseconds / 1_000))
                    for stage in SessionTimes.Stage.allCases {
                        guard let time = times[stage] else { continue }
                        writer.member(stage.rawValue, Int((began + time).microseconds / 1_000))
                    }
                })
        }
        return writer.bytes
    }
}

extension SessionEnd {
    /// One word, without what only a log should say.
    fileprivate var name: String {
        switch self {
        case .complete: "complete"
        case .interrupted: "interrupted"
        case .needsPerson: "needs-person"
        }
    }
}
