import Measurement

/// Weight Measurement (2A9D).
///
/// Layout, little-endian: flags uint8 (b0 imperial, b1 time, b2 user, b3 BMI and height); weight
/// uint16 (0.005 kg or 0.01 lb; 0xFFFF unsuccessful); [Date Time 7]; [user uint8, 0xFF unknown];
/// [BMI uint16 × 0.1; height uint16 × 0.001 m or 0.1 in]. Source: Weight Scale Service 1.0.
enum WeightMeasurement {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        let allowed = quirks.weightBit4IsNegative ? 0x1F : 0x0F
        try checkReserved(flags, allowed: allowed, quirks: quirks, field: "flags", offset: 0)
        let imperial = flags & 1 != 0
        var reading = Reading(.measurement, kind: .weight)
        let raw = try reader.uint16LE("weight")
        let unit: MeasurementUnit = imperial ? .pound : .kilogram
        if raw == 0xFFFF {
            guard flags & 8 == 0 else {
                throw DecodeError("an unsuccessful weight carries BMI and height", offset: 0)
            }
            reading.outcome = .failedMeasurement
            reading.quantities = [Quantity(.weight, nil, unit)]
        } else {
            let weight = try number(raw, imperial: imperial, flags: flags, quirks: quirks)
            reading.quantities = [Quantity(.weight, weight, unit)]
            // Less than nothing: the scale was set to zero under a load that is gone.
            if weight < ExactDecimal(0) { reading.outcome = .notFinal }
        }
        if flags & 2 != 0 { try reading.takeTime(&reader) }
        if flags & 4 != 0 {
            let user = try reader.uint8("user id")
            reading.userSlot = user == 0xFF ? nil : Int(user)
            reading.isGuest = user == 0xFF
        }
        if flags & 8 != 0 {
            let index = ExactDecimal(Int64(try reader.uint16LE("body_mass_index")), exponent: -1)
            let height = Int64(try reader.uint16LE("height"))
            // Zero says that the scale knows no height for this person.
            if !index.isZero {
                reading.quantities.append(
                    Quantity(.bodyMassIndex, index, .kilogramPerSquareMetre))
            }
            if height != 0 {
                reading.quantities.append(
                    Quantity(
                        .height, ExactDecimal(height, exponent: imperial ? -1 : -3),
                        imperial ? .inch : .metre))
            }
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        return reading
    }

    private static func number(
        _ raw: UInt16, imperial: Bool, flags: Int, quirks: LayoutQuirks
    ) throws(DecodeError) -> ExactDecimal {
        let step =
            imperial
            ? ExactDecimal(1, exponent: -2)
            : quirks.weightStep.flatMap { ExactDecimal($0) } ?? ExactDecimal(5, exponent: -3)
        guard var value = ExactDecimal(Int64(raw)).multiplied(by: step) else {
            throw DecodeError("weight does not fit", offset: 1)
        }
        if quirks.weightBit4IsNegative, flags & 0x10 != 0 { value.mantissa.negate() }
        return value
    }
}
