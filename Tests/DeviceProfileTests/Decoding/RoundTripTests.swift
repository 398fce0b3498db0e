import DeviceProfile
import Measurement
import Testing

/// Writes frames of the standard layouts field by field, so that each combination of flags can be
/// read back. It is written against the layout lists in the decoders' comments, not against their code.
struct FrameWriter {
    var frame: [UInt8]
    static let time = bytes("E9070C1F173B3A")
    static let timeText = "2025-12-31T23:59:58"

    init(flags: Int, wide: Bool = false) { frame = wide ? le16(flags) : [UInt8(flags)] }

    mutating func add(_ values: Int...) { for value in values { frame += le16(value) } }
}

@Suite("Frames with every combination of flags") struct RoundTripTests {
    @Test("A blood pressure is read the same whatever stands behind it")
    func bloodPressure() {
        for flags in 0..<32 {
            var writer = FrameWriter(flags: flags)
            writer.add(flags & 1 == 0 ? 124 : 0xF0A5, flags & 1 == 0 ? 81 : 0xF06C, 0x07FF)
            if flags & 2 != 0 { writer.frame += FrameWriter.time }
            if flags & 4 != 0 { writer.add(66) }
            if flags & 8 != 0 { writer.frame += [3] }
            if flags & 16 != 0 { writer.add(0x21) }
            let reading = read(.bloodPressureMeasurement, writer.frame)
            let unit = flags & 1 == 0 ? "mm[Hg]" : "kPa"
            let pressures =
                flags & 1 == 0 ? ["124", "81"] : ["16.5", "10.8"]
            #expect(
                reading.shown == [
                    "systolic \(pressures[0]) \(unit)", "diastolic \(pressures[1]) \(unit)",
                    "mean_arterial_pressure none \(unit)",
                ] + (flags & 4 != 0 ? ["pulse_rate 66 /min"] : []), "flags \(flags)")
            #expect(reading.outcome == .measurement)
            #expect(
                reading.deviceTime?.description == (flags & 2 != 0 ? FrameWriter.timeText : nil))
            #expect(reading.userSlot == (flags & 8 != 0 ? 3 : nil))
            #expect(reading.flags.count == (flags & 16 != 0 ? 2 : 0))
        }
    }

    @Test("A weight is read the same whatever stands behind it")
    func weight() {
        for flags in 0..<16 {
            var writer = FrameWriter(flags: flags)
            writer.add(14_000)
            if flags & 2 != 0 { writer.frame += FrameWriter.time }
            if flags & 4 != 0 { writer.frame += [9] }
            if flags & 8 != 0 { writer.add(245, 1_750) }
            let reading = read(.weightMeasurement, writer.frame)
            let imperial = flags & 1 != 0
            var shown = [imperial ? "weight 140.00 [lb_av]" : "weight 70.000 kg"]
            if flags & 8 != 0 {
                shown.append("body_mass_index 24.5 kg/m2")
                shown.append(imperial ? "height 175.0 [in_i]" : "height 1.750 m")
            }
            #expect(reading.shown == shown, "flags \(flags)")
            #expect(reading.userSlot == (flags & 4 != 0 ? 9 : nil))
            #expect(reading.deviceTime != nil || flags & 2 == 0)
        }
    }

    @Test("A body composition is read the same whatever stands behind it")
    func bodyComposition() {
        let names = [
            3: "basal_metabolism 5000 kJ", 4: "muscle 500.0 %", 5: "muscle_mass",
            6: "fat_free_mass", 7: "soft_lean_mass", 8: "body_water_mass",
            9: "impedance 500.0 Ohm", 10: "weight", 11: "height",
        ]
        for flags in 0..<0x1000 {
            var writer = FrameWriter(flags: flags, wide: true)
            writer.add(200)
            if flags & 2 != 0 { writer.frame += FrameWriter.time }
            if flags & 4 != 0 { writer.frame += [1] }
            var shown = ["body_fat 20.0 %"]
            let imperial = flags & 1 != 0
            for bit in 3...11 where flags >> bit & 1 == 1 {
                writer.add(5_000)
                var text = names[bit] ?? ""
                if bit == 11 { text += imperial ? " 500.0 [in_i]" : " 5.000 m" }
                if !text.contains(" ") { text += imperial ? " 50.00 [lb_av]" : " 25.000 kg" }
                shown.append(text)
            }
            let reading = read(.bodyCompositionMeasurement, writer.frame)
            #expect(reading.shown == shown, "flags \(flags)")
            #expect(reading.userSlot == (flags & 4 != 0 ? 1 : nil))
        }
    }

    @Test("A glucose value is read the same whatever stands around it")
    func glucose() {
        for flags in 0..<32 {
            var writer = FrameWriter(flags: flags)
            writer.add(300)
            writer.frame += FrameWriter.time
            if flags & 1 != 0 { writer.add(90) }
            if flags & 2 != 0 {
                writer.add(flags & 4 == 0 ? 0xB05F : 0xC035)
                writer.frame += [0x11]
            }
            if flags & 8 != 0 { writer.add(1) }
            let reading = read(.glucoseMeasurement, writer.frame)
            let shown = flags & 4 == 0 ? "glucose 95 mg/dL" : "glucose 5.3 mmol/L"
            #expect(reading.shown == [flags & 2 != 0 ? shown : "glucose none mg/dL"])
            #expect(reading.outcome == (flags & 2 != 0 ? .measurement : .failedMeasurement))
            #expect(reading.sequenceNumber == 300)
            let time = flags & 1 != 0 ? "2026-01-01T01:29:58" : FrameWriter.timeText
            #expect(reading.deviceTime?.description == time)
            #expect(reading.contextFollows == (flags & 16 != 0))
            #expect(reading.flags == (flags & 8 != 0 ? ["battery-low"] : []))
        }
    }

    @Test("The HbA1c of a context is found whatever stands in front of it")
    func context() {
        for flags in 0..<256 {
            var writer = FrameWriter(flags: flags)
            writer.add(300)
            if flags & 0x80 != 0 { writer.frame += [0] }
            if flags & 0x01 != 0 { writer.frame += [1, 0x1E, 0xB0] }
            if flags & 0x02 != 0 { writer.frame += [3] }
            if flags & 0x04 != 0 { writer.frame += [0x21] }
            if flags & 0x08 != 0 { writer.frame += [0x84, 0x03, 0x50] }
            if flags & 0x10 != 0 { writer.frame += [1, 0x0A, 0xB0] }
            if flags & 0x40 != 0 { writer.add(0xF041) }
            let reading = read(.glucoseMeasurementContext, writer.frame)
            #expect(reading.outcome == .deviceState, "flags \(flags)")
            #expect(reading.shown == (flags & 0x40 != 0 ? ["hba1c 6.5 %"] : []))
            #expect(reading.flags == (flags & 0x02 != 0 ? ["fasting"] : []))
        }
    }

    @Test("A temperature is read the same whatever stands behind it")
    func temperature() {
        for flags in 0..<8 {
            var frame = [UInt8(flags)] + bytes("6D0100FF")
            if flags & 2 != 0 { frame += FrameWriter.time }
            if flags & 4 != 0 { frame += [2] }
            let unit = flags & 1 == 0 ? "Cel" : "[degF]"
            #expect(read(.temperatureMeasurement, frame).shown == ["body_temperature 36.5 \(unit)"])
        }
    }

    @Test("Every SFLOAT in a blood pressure is a number in range, absent, or refused")
    func everyPressure() {
        for raw in 0...0xFFFF {
            let reading = read(.bloodPressureMeasurement, [0] + le16(raw) + le16(80) + le16(93))
            let number = MedicalFloat(sfloat: UInt16(raw)).number
            switch reading.outcome {
            case .measurement:
                #expect(reading.quantity(.systolic)?.number == number)
                #expect(number.map { $0 < ExactDecimal(1_000) } ?? false)
            case .failedMeasurement:
                #expect(number.map { $0 < ExactDecimal(0) } ?? true)
            case .rejected: #expect(number.map { $0 >= ExactDecimal(1_000) } ?? false)
            default: Issue.record("\(raw): \(reading.outcome)")
            }
        }
    }

    @Test("Every Date Time is a time of the calendar, unknown, or refused")
    func everyDate() {
        for month in 0...255 {
            for day in 0...255 {
                let frame = [0xE8, 0x07, UInt8(month), UInt8(day), 12, 0, 0]
                let reading = read(.state(.dateTime), frame)
                let exists =
                    (1...12).contains(month) && day >= 1
                    && day <= LocalDateTime.daysInMonth(year: 2_024, month: month)
                if month == 0 || day == 0 {
                    #expect(reading.deviceTimeUnusable)
                } else {
                    #expect((reading.outcome == .deviceState) == exists, "\(month)-\(day)")
                }
            }
        }
    }
}
