import Measurement

/// Glucose Measurement (2A18).
///
/// Layout, little-endian: flags uint8 (b0 time offset, b1 concentration with type and location,
/// b2 mol/L instead of kg/L, b3 sensor status, b4 context follows); sequence number uint16; base
/// time (Date Time 7); [time offset sint16 minutes]; [concentration SFLOAT, type and location
/// uint8]; [sensor status uint16]. Source: Glucose Service 1.0.
enum GlucoseMeasurement {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        try checkReserved(flags, allowed: 0x1F, quirks: quirks, field: "flags", offset: 0)
        var reading = Reading(.measurement, kind: .glucose)
        reading.sequenceNumber = Int(try reader.uint16LE("sequence number"))
        reading.contextFollows = flags & 16 != 0
        let base = try DateTimeField(parsing: &reader)
        if base == .impossible { throw DecodeError("an impossible base time", offset: 3) }
        let offset = flags & 1 != 0 ? try reader.int16LE("time offset") : nil
        setTime(&reading, base: base, offset: offset)
        if flags & 2 != 0 {
            try concentration(&reading, &reader, molar: flags & 4 != 0)
        } else {
            // A record without a concentration holds nothing that was measured.
            reading.outcome = .failedMeasurement
            reading.quantities = [Quantity(.glucose, nil, .milligramPerDecilitre)]
        }
        if flags & 8 != 0 {
            sensorStatus(&reading, try reader.uint16LE("sensor status"))
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        return reading
    }

    /// User-facing time = base time + offset; 0x7FFF and 0x8000 are overrun and underrun.
    private static func setTime(_ reading: inout Reading, base: DateTimeField, offset: Int16?) {
        reading.baseTime = base.known
        guard let baseTime = base.known else {
            reading.deviceTimeUnusable = true
            return
        }
        switch offset {
        case nil: reading.deviceTime = baseTime
        case Int16.max, Int16.min: reading.deviceTimeUnusable = true
        case let minutes?:
            reading.timeOffsetMinutes = Int(minutes)
            let time = baseTime.adding(.minutes(Int64(minutes)))
            reading.deviceTime = time.year <= 9_999 ? time : nil
            reading.deviceTimeUnusable = reading.deviceTime == nil
        }
    }

    private static func concentration(
        _ reading: inout Reading, _ reader: inout ByteReader, molar: Bool
    ) throws(DecodeError) {
        let value = MedicalFloat(sfloat: try reader.uint16LE("concentration"))
        let typeAndLocation = try reader.uint8("type and sample location")
        let unit: MeasurementUnit = molar ? .millimolePerLitre : .milligramPerDecilitre
        switch value {
        case .number(let number):
            guard number > ExactDecimal(0) else {
                reading.outcome = .failedMeasurement
                reading.quantities = [Quantity(.glucose, nil, unit)]
                break
            }
            // kg/L × 10⁵ = mg/dL, mol/L × 10³ = mmol/L: only the exponent moves.
            let shifted = ExactDecimal(
                number.mantissa, exponent: number.exponent + (molar ? 3 : 5))
            // A hundred times what any meter shows is a frame in another layout, not a value.
            guard shifted < ExactDecimal(100_000) else {
                throw DecodeError("glucose is out of any device's range", offset: reader.offset - 3)
            }
            reading.quantities = [Quantity(.glucose, shifted, unit)]
        case .positiveInfinity:
            reading.flags.append("result-too-high")
            fallthrough
        case .negativeInfinity, .notANumber, .notAtThisResolution, .reserved:
            if value == .negativeInfinity { reading.flags.append("result-too-low") }
            reading.outcome = .failedMeasurement
            reading.quantities = [Quantity(.glucose, nil, unit)]
        }
        // Type 10 and location 4 are control solution: never a person's value.
        if typeAndLocation & 0x0F == 10 || typeAndLocation >> 4 == 4,
            reading.outcome == .measurement
        {
            reading.outcome = .controlSolution
        }
    }

    private static let statusNames = [
        "battery-low", "sensor-malfunction", "sample-insufficient", "strip-insertion-error",
        "strip-type-incorrect", "result-too-high", "result-too-low", "temperature-too-high",
        "temperature-too-low", "read-interrupted", "general-fault", "time-fault",
    ]

    private static func sensorStatus(_ reading: inout Reading, _ status: UInt16) {
        for (bit, name) in statusNames.enumerated()
        where status & 1 << bit != 0 && !reading.flags.contains(name) {
            reading.flags.append(name)
        }
        reading.timeFault = status & 1 << 11 != 0
    }
}
