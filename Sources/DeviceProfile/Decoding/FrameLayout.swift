import Measurement

/// How frames of one source are read: a Bluetooth SIG format with quirks, or fields from the file.
package struct FrameLayout: Sendable {
    package enum Format: Sendable {
        case bloodPressureMeasurement
        case intermediateCuffPressure
        case weightMeasurement
        case bodyCompositionMeasurement
        case glucoseMeasurement
        case glucoseMeasurementContext
        case recordAccess
        case temperatureMeasurement
        case intermediateTemperature
        case heartRateMeasurement
        case pulseOximeterSpotCheck
        case pulseOximeterContinuous
        case runningSpeedMeasurement
        case stepCounterSummary
        case dateTime
        case currentTime
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
        ("body-composition-measurement", .bodyCompositionMeasurement),
        ("glucose-measurement", .glucoseMeasurement),
        ("glucose-measurement-context", .glucoseMeasurementContext),
        ("record-access-control-point", .recordAccess),
        ("temperature-measurement", .temperatureMeasurement),
        ("intermediate-temperature", .intermediateTemperature),
        ("heart-rate-measurement", .heartRateMeasurement),
        ("pulse-oximeter-spot-check", .pulseOximeterSpotCheck),
        ("pulse-oximeter-continuous", .pulseOximeterContinuous),
        ("running-speed-measurement", .runningSpeedMeasurement),
        ("step-counter-summary", .stepCounterSummary),
        ("date-time", .dateTime),
        ("current-time", .currentTime),
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

    /// Decodes a frame as tools and captures write it: broadcast data may begin with the company id
    /// or the UUID it was broadcast under.
    package func decode(captured bytes: [UInt8]) -> Reading {
        let reading = decode(bytes)
        let identifier = source.identifierOnAir
        guard reading.outcome == .rejected, !identifier.isEmpty, bytes.starts(with: identifier)
        else { return reading }
        return decode(Array(bytes.dropFirst(identifier.count)))
    }

    private func decodeChecked(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch format {
        case .bloodPressureMeasurement:
            return try BloodPressureMeasurement.decode(bytes, quirks: quirks, intermediate: false)
        case .intermediateCuffPressure:
            return try BloodPressureMeasurement.decode(bytes, quirks: quirks, intermediate: true)
        case .weightMeasurement: return try WeightMeasurement.decode(bytes, quirks: quirks)
        case .bodyCompositionMeasurement:
            return try BodyCompositionMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurement: return try GlucoseMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurementContext:
            return try GlucoseMeasurementContext.decode(bytes, quirks: quirks)
        case .recordAccess: return try RecordAccess.frame(bytes)
        case .temperatureMeasurement:
            return try TemperatureMeasurement.decode(bytes, quirks: quirks, intermediate: false)
        case .intermediateTemperature:
            return try TemperatureMeasurement.decode(bytes, quirks: quirks, intermediate: true)
        case .heartRateMeasurement: return try HeartRateMeasurement.decode(bytes, quirks: quirks)
        case .pulseOximeterSpotCheck:
            return try PulseOximeterMeasurement.spotCheck(bytes, quirks: quirks)
        case .pulseOximeterContinuous:
            return try PulseOximeterMeasurement.continuous(bytes, quirks: quirks)
        case .runningSpeedMeasurement:
            return try RunningSpeedMeasurement.decode(bytes, quirks: quirks)
        case .stepCounterSummary: return try StepCounterSummary.decode(bytes, quirks: quirks)
        case .dateTime: return try DeviceStateFrames.dateTime(bytes)
        case .currentTime: return try DeviceStateFrames.currentTime(bytes)
        case .batteryLevel: return try DeviceStateFrames.batteryLevel(bytes)
        case .fields(let layout): return try layout.decode(bytes)
        }
    }
}

extension FrameSource {
    /// The company id or UUID that stands in front of broadcast data on the air.
    var identifierOnAir: [UInt8] {
        switch self {
        case .manufacturerData(let company): [UInt8(company & 0xFF), UInt8(company >> 8)]
        case .serviceData(let uuid):
            uuid.short.map { [UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)] } ?? []
        default: []
        }
    }
}
