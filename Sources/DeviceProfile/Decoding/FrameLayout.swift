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
        case enhancedBloodPressure
        case enhancedIntermediateCuffPressure
        case generalActivitySummary
        case generalActivityInstantaneous
        case continuousGlucose
        /// A value of the device itself, of which no quantity comes.
        case state(StateFormat)
        /// One IEEE 11073 number: SFLOAT in two bytes, FLOAT in four.
        case medicalFloat
        case fields(FieldLayout)
        /// Several layouts under one source; the first that a frame fits reads it.
        case variants([FieldLayout])
        /// Messages of text; the first layout that one fits reads it.
        case text([TextLayout])
        /// A message format that needs code.
        case wire(WireFormat)
        case stamp(StampFormat)
        case checksum(ChecksumRule)
    }
    package var source: FrameSource
    package var format: Format
    package var quirks: LayoutQuirks
    /// How a frame is put together out of several notifications; nil where each one is a frame.
    package var assembly: FieldAssembly?

    package init(
        source: FrameSource, format: Format, quirks: LayoutQuirks = LayoutQuirks(),
        assembly: FieldAssembly? = nil
    ) {
        self.source = source
        self.format = format
        self.quirks = quirks
        self.assembly = assembly ?? format.ownAssembly
    }

    /// Names of the SIG formats as profiles spell them.
    package static let namedFormats: [(name: String, format: Format)] =
        [
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
            ("enhanced-blood-pressure-measurement", .enhancedBloodPressure),
            ("enhanced-intermediate-cuff-pressure", .enhancedIntermediateCuffPressure),
            ("general-activity-summary", .generalActivitySummary),
            ("general-activity-instantaneous", .generalActivityInstantaneous),
            ("continuous-glucose-measurement", .continuousGlucose),
            ("medical-float", .medicalFloat),
        ] + StateFormat.allCases.map { ($0.rawValue, .state($0)) }

    /// Decodes a frame that holds one reading; of several records it is the first.
    package func decode(_ bytes: [UInt8], _ context: FrameContext = FrameContext()) -> Reading {
        readings(bytes, context).first ?? .rejected(DecodeError("no record", offset: 0))
    }

    /// Decodes all readings of a frame; bytes that the layout does not allow give a `.rejected` one.
    package func readings(
        _ bytes: [UInt8], _ context: FrameContext = FrameContext()
    ) -> [Reading] {
        do throws(DecodeError) {
            switch format {
            case .fields(let layout): return try layout.readings(bytes, context)
            case .variants(let variants):
                return try variants.variant(of: bytes).readings(bytes, context)
            case .text(let layouts): return [try layouts.reading(bytes)]
            case .wire(let format): return try format.readings(bytes, context)
            case .continuousGlucose:
                return try ContinuousGlucose.readings(bytes, quirks: quirks)
            default:
                var reading = try decodeChecked(bytes)
                if reading.keyBytes.isEmpty { reading.keyBytes = bytes }
                return [reading]
            }
        } catch {
            return [.rejected(error)]
        }
    }

    /// Decodes a frame as tools and captures write it: broadcast data may begin with the company id
    /// or the UUID it was broadcast under.
    package func decode(captured bytes: [UInt8]) -> Reading {
        readings(captured: bytes).first ?? .rejected(DecodeError("no record", offset: 0))
    }

    /// All readings of a frame as tools and captures write it.
    package func readings(
        captured bytes: [UInt8], _ context: FrameContext = FrameContext()
    ) -> [Reading] {
        let found = readings(bytes, context)
        let identifier = source.identifierOnAir
        guard found.first?.outcome == .rejected, !identifier.isEmpty,
            bytes.starts(with: identifier)
        else { return found }
        return readings(Array(bytes.dropFirst(identifier.count)), context)
    }

    private func decodeChecked(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch format {
        case .bloodPressureMeasurement, .intermediateCuffPressure, .enhancedBloodPressure,
            .enhancedIntermediateCuffPressure:
            return try BloodPressureMeasurement.decode(
                bytes, quirks: quirks, intermediate: isIntermediate, enhanced: isEnhanced)
        case .weightMeasurement: return try WeightMeasurement.decode(bytes, quirks: quirks)
        case .bodyCompositionMeasurement:
            return try BodyCompositionMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurement: return try GlucoseMeasurement.decode(bytes, quirks: quirks)
        case .glucoseMeasurementContext:
            return try GlucoseMeasurementContext.decode(bytes, quirks: quirks)
        case .recordAccess: return try RecordAccess.frame(bytes)
        case .temperatureMeasurement, .intermediateTemperature:
            return try TemperatureMeasurement.decode(
                bytes, quirks: quirks, intermediate: isIntermediate)
        case .heartRateMeasurement: return try HeartRateMeasurement.decode(bytes, quirks: quirks)
        case .pulseOximeterSpotCheck:
            return try PulseOximeterMeasurement.spotCheck(bytes, quirks: quirks)
        case .pulseOximeterContinuous:
            return try PulseOximeterMeasurement.continuous(bytes, quirks: quirks)
        case .runningSpeedMeasurement:
            return try RunningSpeedMeasurement.decode(bytes, quirks: quirks)
        case .stepCounterSummary: return try StepCounterSummary.decode(bytes, quirks: quirks)
        case .generalActivitySummary:
            return try GeneralActivitySummary.decode(bytes, quirks: quirks)
        case .generalActivityInstantaneous:
            return try GeneralActivityInstantaneous.decode(bytes, quirks: quirks)
        case .medicalFloat: return try DeviceStateFrames.medicalFloat(bytes, quirks: quirks)
        case .state(let state): return try state.decode(bytes)
        case .stamp(let format): return try format.reading(bytes)
        case .checksum(let rule): return rule.reading(bytes)
        case .fields, .variants, .text, .wire, .continuousGlucose:
            throw DecodeError("such a layout may give several readings", offset: 0)
        }
    }

    private var isIntermediate: Bool {
        switch format {
        case .intermediateCuffPressure, .enhancedIntermediateCuffPressure, .intermediateTemperature:
            true
        default: false
        }
    }

    private var isEnhanced: Bool {
        switch format {
        case .enhancedBloodPressure, .enhancedIntermediateCuffPressure: true
        default: false
        }
    }
}

extension FrameLayout.Format {
    /// How frames of a standard format come in several notifications; nil where each is a frame.
    var ownAssembly: FieldAssembly? {
        switch self {
        case .stepCounterSummary, .generalActivitySummary, .generalActivityInstantaneous:
            FieldAssembly(begins: [], method: .segmented)
        default: nil
        }
    }
}

extension FrameSource {
    /// The company id or UUID that stands in front of broadcast data on the air.
    var identifierOnAir: [UInt8] {
        switch self {
        case .manufacturerData(let company): [UInt8(company & 0xFF), UInt8(company >> 8)]
        case .manufacturerDataFamily(let low): [low]
        case .serviceData(let uuid):
            uuid.short.map { [UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)] } ?? []
        default: []
        }
    }
}

extension FrameLayout {
    /// Whether a frame of this layout can raise the flag: a rule of the profile names it.
    package func canFlag(_ flag: String) -> Bool {
        switch format {
        case .fields(let layout): layout.flags.contains { $0.flag == flag }
        case .variants(let layouts):
            layouts.contains { $0.flags.contains { $0.flag == flag } }
        default: false
        }
    }
}
