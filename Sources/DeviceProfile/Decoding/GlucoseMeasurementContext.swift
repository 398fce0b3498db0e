import Measurement

/// Glucose Measurement Context (2A34): belongs to the 2A18 record with the same sequence number.
///
/// Layout, little-endian: flags uint8 (b0 carbohydrate, b1 meal, b2 tester and health, b3 exercise,
/// b4 medication, b5 medication in litres, b6 HbA1c, b7 extended flags); sequence number uint16;
/// [extended flags uint8]; [carbohydrate id uint8, SFLOAT]; [meal uint8]; [tester and health
/// uint8]; [exercise duration uint16 s, intensity uint8 %]; [medication id uint8, SFLOAT];
/// [HbA1c SFLOAT %]. Source: Glucose Service 1.0.
enum GlucoseMeasurementContext {
    static func decode(_ bytes: [UInt8], quirks: LayoutQuirks) throws(DecodeError) -> Reading {
        var reader = ByteReader(bytes)
        let flags = Int(try reader.uint8("flags"))
        var reading = Reading(.deviceState, kind: .glucose)
        reading.sequenceNumber = Int(try reader.uint16LE("sequence number"))
        if flags & 0x80 != 0 { _ = try reader.uint8("extended flags") }
        if flags & 0x01 != 0 { _ = try reader.take(3, "carbohydrate") }
        if flags & 0x02 != 0 { meal(&reading, try reader.uint8("meal")) }
        if flags & 0x04 != 0 { _ = try reader.uint8("tester and health") }
        if flags & 0x08 != 0 { _ = try reader.take(3, "exercise") }
        if flags & 0x10 != 0 { _ = try reader.take(3, "medication") }
        if flags & 0x40 != 0 {
            let value = MedicalFloat(sfloat: try reader.uint16LE("hba1c")).number
            if let value, value > ExactDecimal(100) || value < ExactDecimal(0) {
                throw DecodeError("hba1c is no percentage", offset: reader.offset - 2)
            }
            reading.quantities.append(Quantity(.hba1c, value, .percent))
        }
        if !quirks.ignoreTrailingBytes { try reader.end() }
        return reading
    }

    private static func meal(_ reading: inout Reading, _ code: UInt8) {
        let names = [1: "before-meal", 2: "after-meal", 3: "fasting", 4: "casual", 5: "bedtime"]
        guard let name = names[Int(code)] else { return }
        reading.flags.append(name)
        reading.mealCode = String(code)
    }
}

extension Reading {
    /// Adds what the context record says to the measurement it belongs to.
    package mutating func join(context: Reading) {
        flags += context.flags.filter { !flags.contains($0) }
        mealCode = context.mealCode ?? mealCode
        for quantity in context.quantities where self.quantity(quantity.name) == nil {
            quantities.append(quantity)
        }
    }
}
