import Measurement

/// Blood Pressure Measurement (2A35) and Intermediate Cuff Pressure (2A36).
///
/// Layout, little-endian: flags uint8 (b0 kPa, b1 time, b2 pulse, b3 user, b4 status); systolic,
/// diastolic, mean arterial pressure SFLOAT; [Date Time 7]; [pulse SFLOAT]; [user uint8];
/// [status uint16: b0 body movement, b1 cuff too loose, b2 irregular pulse, b3–4 pulse range,
/// b5 improper position]. Source: Blood Pressure Service 1.0.
///
/// Enhanced (2B34) and Enhanced Intermediate (2B35): the same, with a time stamp of uint32 seconds,
/// flag b5 for a user-facing time uint32 behind the last field, and b6 for seconds since 2000 in
/// place of 1900. Source: Blood Pressure Service 1.1.
enum BloodPressureMeasurement {
    static func decode(
        _ bytes: [UInt8], quirks: LayoutQuirks, intermediate: Bool, enhanced: Bool = false
    ) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        let allowed = enhanced ? 0x7F : 0x1F
        try checkReserved(flags, allowed: allowed, quirks: quirks, field: "flags", offset: 0)
        let unit: MeasurementUnit = flags & 1 != 0 ? .kilopascal : .millimetreOfMercury
        var reading = Reading(.measurement, kind: .bloodPressure)
        for name in [QuantityName.systolic, .diastolic, .meanArterialPressure] {
            let raw = try reader.uint16LE(name.rawValue)
            let number = try plausibleNumber(raw, name, kilopascal: flags & 1 != 0, reader)
            reading.quantities.append(Quantity(name, number, unit))
        }
        if flags & 2 != 0 {
            if enhanced {
                reading.setTime(try seconds(&reader, flags))
            } else {
                try reading.takeTime(&reader)
            }
        }
        if flags & 4 != 0 {
            let raw = try number16(&reader, "pulse_rate", quirks)
            let number = try plausibleNumber(raw, .pulseRate, kilopascal: false, reader)
            reading.quantities.append(Quantity(.pulseRate, number, .perMinute))
        }
        if flags & 8 != 0 || quirks.userIDAlwaysPresent {
            let user = try reader.uint8("user id")
            reading.userSlot = user == 0xFF ? nil : Int(user)
        }
        if flags & 16 != 0 {
            reading.flags = statusFlags(try number16(&reader, "measurement status", quirks))
        }
        if enhanced, flags & 32 != 0 { try takeUserFacingTime(&reading, &reader, flags) }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        settleOutcome(&reading, intermediate: intermediate)
        return reading
    }

    private static func seconds(
        _ reader: inout ByteReader, _ flags: Int
    ) throws(DecodeError) -> DateTimeField {
        let count = Int64(try reader.uint32LE("the time stamp"))
        return FieldTime.seconds(count, since: flags & 64 != 0 ? 2_000 : 1_900)
    }

    /// What the person read on the cuff is the reading's time; the stamp tells which record it is.
    private static func takeUserFacingTime(
        _ reading: inout Reading, _ reader: inout ByteReader, _ flags: Int
    ) throws(DecodeError) {
        let shown = try seconds(&reader, flags)
        if flags & 2 != 0 { reading.baseTime = reading.deviceTime }
        if shown.known != nil || flags & 2 == 0 { reading.setTime(shown) }
    }

    private static func number16(
        _ reader: inout ByteReader, _ field: String, _ quirks: LayoutQuirks
    ) throws(DecodeError) -> UInt16 {
        quirks.pulseAndStatusBigEndian
            ? try reader.uint16BE(field) : try reader.uint16LE(field)
    }

    /// A pressure or a pulse that no cuff can show is a frame in another layout, not a value; some
    /// cuffs write a negative number for "no value".
    private static func plausibleNumber(
        _ raw: UInt16, _ name: QuantityName, kilopascal: Bool, _ reader: ByteReader
    ) throws(DecodeError) -> ExactDecimal? {
        guard let number = MedicalFloat(sfloat: raw).number else { return nil }
        let limit = ExactDecimal(kilopascal ? 100 : 1_000)
        if number < ExactDecimal(0) { return nil }
        guard number < limit else {
            throw DecodeError(
                "\(name.rawValue) is out of any device's range", offset: reader.offset - 2)
        }
        return number
    }

    private static func statusFlags(_ status: UInt16) -> [String] {
        var flags: [String] = []
        if status & 0x01 != 0 { flags.append("body-movement") }
        if status & 0x02 != 0 { flags.append("cuff-too-loose") }
        if status & 0x04 != 0 { flags.append("irregular-pulse") }
        switch status >> 3 & 3 {
        case 1: flags.append("pulse-rate-high")
        case 2: flags.append("pulse-rate-low")
        default: break
        }
        if status & 0x20 != 0 { flags.append("improper-position") }
        return flags
    }

    private static func settleOutcome(_ reading: inout Reading, intermediate: Bool) {
        let systolic = reading.quantity(.systolic)?.number
        let diastolic = reading.quantity(.diastolic)?.number
        if intermediate {
            reading.outcome = .notFinal
        } else if systolic == nil || diastolic == nil {
            reading.outcome = .failedMeasurement
        }
    }
}
