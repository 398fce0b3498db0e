import DeviceProfile
import JSON
import Measurement

/// Writes readings and records the way `decode` and `replay` promise.
enum ReadingJSON {
    /// The members of one reading, inside an open object.
    static func write(_ reading: Reading, outcome: String, to writer: inout JSONWriter) {
        writer.member("outcome", outcome)
        writer.member("kind", reading.kind?.rawValue)
        values(reading.quantities, to: &writer)
        writer.member("device_time", reading.deviceTime?.description)
        writer.member("user_slot", reading.userSlot)
        writer.member("sequence_number", reading.sequenceNumber)
        if let base = reading.baseTime {
            writer.member("base_time", base.description)
        }
        if reading.baseTime != nil || reading.timeOffsetMinutes != nil {
            writer.member("time_offset_minutes", reading.timeOffsetMinutes)
        }
        writer.member("flags", strings: reading.flags)
        if !reading.details.isEmpty {
            writer.member(
                "details",
                object: { writer in
                    for detail in reading.details { writer.member(detail.name, detail.value) }
                })
        }
        if let reason = reading.reason {
            writer.member("reason", reason)
            writer.member("offset", reading.offset)
        }
    }

    static func values(_ quantities: [Quantity], to writer: inout JSONWriter) {
        writer.member(
            "values",
            object: { writer in
                for quantity in quantities {
                    writer.member(
                        quantity.name.rawValue,
                        object: { writer in
                            writer.member("value", number: quantity.number?.text)
                            writer.member("unit", quantity.unit.rawValue)
                        })
                }
            })
    }
}
