import Measurement

/// Summaries and running values of the Physical Activity Monitor Service (183E).
///
/// All begin, little-endian, with: segmentation header uint8 (b7 first segment, b6 last where the
/// device says it, b0–5 segments that follow); flags; session id uint16; sub-session id uint16;
/// relative time stamp uint32 s; sequence number uint32; then each flagged field. The layouts follow
/// prototypes whose flags agree with those of version 1.0; no source at hand settles the units of
/// energy and distance, so a reading with such values carries the flag `units-unconfirmed`.
enum ActivityMeasurements {
    static let unconfirmedFlag = "units-unconfirmed"

    /// One field behind the head: its flag bit is its place in the list.
    struct Field {
        var name: String
        var width: Int
        init(_ name: String, _ width: Int) {
            self.name = name
            self.width = width
        }
    }

    /// What a frame of the service holds, before anything is made of it.
    struct Content {
        var flags: Int
        var reading: Reading
        var numbers: [String: Int64] = [:]

        /// The sum of those that are there; nil where none is.
        func sum(_ names: String...) -> Int64? {
            let found = names.compactMap { numbers[$0] }
            return found.isEmpty ? nil : found.reduce(0, +)
        }
    }

    static func content(
        _ bytes: [UInt8], flagBytes: Int, reserved: Int, _ fields: [Field], _ quirks: LayoutQuirks
    ) throws(DecodeError) -> Content {
        var reader = ByteReader(bytes)
        let header = try reader.uint8("segmentation header")
        guard header & 0xBF == 0x80 else {
            throw DecodeError("a part of a summary in several segments", offset: 0)
        }
        let taken = try reader.take(flagBytes, "flags")
        let flags = taken.reversed().reduce(0) { $0 << 8 | Int($1) }
        try checkReserved(flags, allowed: ~reserved, quirks: quirks, field: "flags", offset: 1)
        var content = Content(flags: flags, reading: Reading(.deviceState, kind: .activity))
        let session = try reader.uint16LE("session id")
        let subSession = try reader.uint16LE("sub-session id")
        let stamp = try reader.uint32LE("relative time stamp")
        content.reading.sequenceNumber = Int(try reader.uint32LE("sequence number"))
        content.reading.tick = UInt64(stamp)
        content.reading.details = [
            .init(name: "session", value: "\(session)"),
            .init(name: "sub_session", value: "\(subSession)"),
            .init(name: "relative_timestamp_s", value: "\(stamp)"),
        ]
        for (bit, field) in fields.enumerated() where flags >> bit & 1 == 1 {
            let parts = try reader.take(field.width, field.name)
            content.numbers[field.name] = parts.reversed().reduce(0) { $0 << 8 | Int64($1) }
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        return content
    }
}

/// Step Counter Activity Summary (2B40): flags uint8 (b0 normal-walking steps, b1 intensity-walking
/// steps, b2 floor steps, b3 distance, b4 worn duration), each field uint24.
enum StepCounterSummary {
    private static let fields = [
        ActivityMeasurements.Field("normal steps", 3), .init("intensity steps", 3),
        .init("floor steps", 3), .init("distance", 3), .init("worn duration", 3),
    ]

    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        let content = try ActivityMeasurements.content(
            bytes, flagBytes: 1, reserved: 0xE0, fields, quirks)
        var reading = content.reading
        // Normal and intensity walking are steps of the same person at different speeds.
        if let steps = content.sum("normal steps", "intensity steps") {
            reading.outcome = .measurement
            reading.quantities = [Quantity(.steps, ExactDecimal(steps), .steps)]
        }
        return reading
    }
}

/// General Activity Summary (2B3D): flags uint32, then energy, fat, MET, distance, speed, durations,
/// cadence, floors, elevation, activity count, level, type and worn duration.
enum GeneralActivitySummary {
    private static let fields = [
        ActivityMeasurements.Field("normal energy", 4), .init("intensity energy", 4),
        .init("total energy", 4), .init("fat burned", 2), .init("minimum MET", 1),
        .init("maximum MET", 1), .init("average MET", 1), .init("distance", 3),
        .init("minimum speed", 2), .init("maximum speed", 2), .init("average speed", 2),
        .init("normal duration", 3), .init("intensity duration", 3), .init("minimum cadence", 2),
        .init("maximum cadence", 2), .init("average cadence", 2), .init("floors", 1),
        .init("positive elevation", 3), .init("negative elevation", 3), .init("count", 4),
        .init("minimum level", 2), .init("maximum level", 2), .init("average level", 2),
        .init("type", 2), .init("worn duration", 3),
    ]

    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        let content = try ActivityMeasurements.content(
            bytes, flagBytes: 4, reserved: 0xFE00_0000, fields, quirks)
        var reading = content.reading
        func add(_ name: QuantityName, _ number: Int64?, _ unit: MeasurementUnit) {
            guard let number else { return }
            reading.quantities.append(Quantity(name, ExactDecimal(number), unit))
        }
        add(.walkTime, content.numbers["normal duration"], .second)
        add(.moderateIntensityActivity, content.numbers["intensity duration"], .second)
        add(.calories, content.sum("normal energy", "intensity energy"), .kilojoule)
        add(.totalCalories, content.numbers["total energy"], .kilojoule)
        add(.distance, content.numbers["distance"], .metre)
        if !reading.quantities.isEmpty {
            reading.outcome = .measurement
            reading.flags = [ActivityMeasurements.unconfirmedFlag]
        }
        return reading
    }
}

/// General Activity Instantaneous Data (2B3C): flags uint24 (b23 worn); a running value of which no
/// quantity is kept.
enum GeneralActivityInstantaneous {
    private static let fields = [
        ActivityMeasurements.Field("normal energy per hour", 2),
        .init("intensity energy per hour", 2),
        .init("total energy per hour", 2), .init("fat burned", 2), .init("MET", 1),
        .init("speed", 2), .init("cadence", 2), .init("elevation", 3), .init("count per minute", 2),
        .init("level", 2), .init("type", 2),
    ]

    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        let content = try ActivityMeasurements.content(
            bytes, flagBytes: 3, reserved: 0x7F_F800, fields, quirks)
        var reading = content.reading
        reading.outcome = .notFinal
        if content.flags >> 23 & 1 == 0 { reading.flags.append("not-worn") }
        return reading
    }
}
