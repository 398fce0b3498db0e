import Measurement

/// How frames of one source are read: a Bluetooth SIG format with quirks, or fields from the file.
package struct FrameLayout: Sendable {
    package enum Format: Sendable {
        case bloodPressureMeasurement
        case intermediateCuffPressure
        case weightMeasurement
        case glucoseMeasurement
        case glucoseMeasurementContext
        case recordAccess
        case dateTime
        case batteryLevel
        case fields(FieldLayout)
    }
    package var source: FrameSource
    package var format: Format
    package var quirks: LayoutQuirks

    package init(source: FrameSource, format: Format, quirks: LayoutQuirks = LayoutQuirks()) {
        self.source = source
        self.format = format
        self.quirks = quirks
    }

    /// Names of the SIG formats as profiles spell them.
    package static let namedFormats: [(name: String, format: Format)] = [
        ("blood-pressure-measurement", .bloodPressureMeasurement),
        ("intermediate-cuff-pressure", .intermediateCuffPressure),
        ("weight-measurement", .weightMeasurement),
        ("glucose-measurement", .glucoseMeasurement),
        ("glucose-measurement-context", .glucoseMeasurementContext),
        ("record-access-control-point", .recordAccess),
        ("date-time", .dateTime),
        ("battery-level", .batteryLevel),
    ]

    /// Decodes one frame; bytes that the layout does not allow give a `.rejected` reading.
    package func decode(_ bytes: [UInt8]) -> Reading {
        do throws(DecodeError) {
            var reading = try decodeChecked(bytes)
            if reading.keyBytes.isEmpty { reading.keyBytes = bytes }
            return reading
        } catch {
            return .rejected(error)
        }
    }

    private func decodeChecked(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch format {
        case .bloodPressureMeasurement:
            return try BloodPressureMeasurement.decode(bytes, quirks: quirks, intermediate: false)
        case .intermediateCuffPressure:
            return try BloodPressureMeasurement.decode(bytes, quirks: quirks, intermediate: true)
        case .weightMeasurement: return try WeightMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurement: return try GlucoseMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurementContext:
            return try GlucoseMeasurementContext.decode(bytes, quirks: quirks)
        case .recordAccess: return try Self.recordAccess(bytes)
        case .dateTime: return try Self.dateTime(bytes)
        case .batteryLevel: return try Self.batteryLevel(bytes)
        case .fields(let layout): return try layout.decode(bytes)
        }
    }

    private static func recordAccess(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        guard bytes.count >= 2 else {
            throw DecodeError("a control point frame has two bytes at least", offset: bytes.count)
        }
        return Reading(.deviceState)
    }

    private static func dateTime(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        var reading = Reading(.deviceState)
        let field = try DateTimeField(parsing: &reader)
        try reader.end()
        if field == .impossible { throw DecodeError("an impossible date or time", offset: 0) }
        reading.setTime(field)
        return reading
    }

    private static func batteryLevel(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let level = try reader.uint8("battery level")
        try reader.end()
        guard level <= 100 else { throw DecodeError("a battery level above 100 %", offset: 0) }
        return Reading(.deviceState)
    }
}
