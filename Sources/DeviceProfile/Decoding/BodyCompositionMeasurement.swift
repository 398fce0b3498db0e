import Measurement

/// Body Composition Measurement (2A9C).
///
/// Layout, little-endian: flags uint16 (b0 imperial, b1 time, b2 user, b3 basal metabolism,
/// b4 muscle %, b5 muscle mass, b6 fat-free mass, b7 soft lean mass, b8 body water mass,
/// b9 impedance, b10 weight, b11 height, b12 more than one packet); body fat uint16 × 0.1 %
/// (0xFFFF unsuccessful); [Date Time 7]; [user uint8]; [basal metabolism uint16 kJ]; [muscle
/// uint16 × 0.1 %]; [masses uint16 × 0.005 kg or 0.01 lb]; [impedance uint16 × 0.1 Ω]; [weight];
/// [height uint16 × 0.001 m or 0.1 in]. Where b12 is set, two packets are one measurement. Source:
/// Body Composition Service 1.0.
enum BodyCompositionMeasurement {
    private static let timeAndUser = 0x07

    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint16LE("flags"))
        try checkReserved(flags, allowed: 0x1FFF, quirks: quirks, field: "flags", offset: 0)
        var reading = Reading(.measurement, kind: .bodyComposition)
        let fat = try reader.uint16LE("body_fat")
        if fat == 0xFFFF {
            guard flags & ~timeAndUser & 0xFFF == 0 else {
                throw DecodeError("an unsuccessful measurement carries values", offset: 0)
            }
            reading.outcome = .failedMeasurement
        }
        let number = fat == 0xFFFF ? nil : ExactDecimal(Int64(fat), exponent: -1)
        reading.quantities = [Quantity(.bodyFat, number, .percent)]
        if flags & 2 != 0 { try reading.takeTime(&reader) }
        if flags & 4 != 0 {
            let user = try reader.uint8("user id")
            reading.userSlot = user == 0xFF ? nil : Int(user)
            reading.isGuest = user == 0xFF
        }
        for field in fields(imperial: flags & 1 != 0) where flags >> field.bit & 1 == 1 {
            let raw = ExactDecimal(Int64(try reader.uint16LE(field.name.rawValue)))
            guard let value = raw.multiplied(by: field.step) else {
                throw DecodeError("\(field.name.rawValue) does not fit", offset: reader.offset - 2)
            }
            reading.quantities.append(Quantity(field.name, value, field.unit))
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        // One that did not succeed has no second packet: it carries nothing but time and user.
        if flags >> 12 & 1 == 1, fat != 0xFFFF {
            reading.flags.append(Reading.multiplePacketsFlag)
            reading.outcome = .notFinal
            reading.part = FramePart(
                key: FramePart.bodyComposition, within: FramePart.packetTimeout, isHalf: true)
        } else {
            settleStub(&reading)
        }
        return reading
    }

    private struct Field {
        var bit: Int
        var name: QuantityName
        var step: ExactDecimal
        var unit: MeasurementUnit
    }

    /// The optional values in the order of the frame, which is the order of their flag bits.
    private static func fields(imperial: Bool) -> [Field] {
        let tenth = ExactDecimal(1, exponent: -1)
        let mass = imperial ? ExactDecimal(1, exponent: -2) : ExactDecimal(5, exponent: -3)
        let massUnit: MeasurementUnit = imperial ? .pound : .kilogram
        return [
            Field(bit: 3, name: .basalMetabolism, step: ExactDecimal(1), unit: .kilojoule),
            Field(bit: 4, name: .muscle, step: tenth, unit: .percent),
            Field(bit: 5, name: .muscleMass, step: mass, unit: massUnit),
            Field(bit: 6, name: .fatFreeMass, step: mass, unit: massUnit),
            Field(bit: 7, name: .softLeanMass, step: mass, unit: massUnit),
            Field(bit: 8, name: .bodyWaterMass, step: mass, unit: massUnit),
            Field(bit: 9, name: .impedance, step: tenth, unit: .ohm),
            Field(bit: 10, name: .weight, step: mass, unit: massUnit),
            Field(
                bit: 11, name: .height,
                step: imperial ? tenth : ExactDecimal(1, exponent: -3),
                unit: imperial ? .inch : .metre),
        ]
    }

    /// Scales answer a weighing without bare feet by a frame of zeros: nothing was measured.
    static func settleStub(_ reading: inout Reading) {
        let measured = reading.quantities.filter { $0.name != .weight && $0.name != .height }
        guard measured.allSatisfy({ $0.number?.isZero ?? true }) else { return }
        reading.outcome = .failedMeasurement
        reading.quantities = measured.map { Quantity($0.name, nil, $0.unit) }
    }
}
