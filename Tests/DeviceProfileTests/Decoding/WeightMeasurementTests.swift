import DeviceProfile
import Measurement
import Testing

@Suite("Weight Measurement 2A9D") struct WeightMeasurementTests {
    struct Frame: Sendable {
        var hex: String
        var shown: [String]
        var time: String?
        var user: Int?
    }

    @Test(
        "Each optional field is read in its place",
        arguments: [
            Frame(
                hex: "0E C832 E9070C1F173B3A 02 D400 DB06",
                shown: ["weight 65.000 kg", "body_mass_index 21.2 kg/m2", "height 1.755 m"],
                time: "2025-12-31T23:59:58", user: 2),
            Frame(hex: "01 FA37", shown: ["weight 143.30 [lb_av]"]),
            Frame(
                hex: "0F 543D E7070C190E1E2D 03 F500 A802",
                shown: [
                    "weight 157.00 [lb_av]", "body_mass_index 24.5 kg/m2", "height 68.0 [in_i]",
                ], time: "2023-12-25T14:30:45", user: 3),
            Frame(hex: "04 8813 FF", shown: ["weight 25.000 kg"], user: nil),
            Frame(hex: "04 8813 00", shown: ["weight 25.000 kg"], user: 0),
            Frame(
                hex: "0C 8813 02 0000 0000", shown: ["weight 25.000 kg"], user: 2),
            Frame(hex: "00 FEFF", shown: ["weight 327.670 kg"]),
        ])
    func fields(_ frame: Frame) {
        let reading = read(.weightMeasurement, frame.hex)
        #expect(reading.outcome == .measurement)
        #expect(reading.kind == .weight)
        #expect(reading.shown == frame.shown)
        #expect(reading.deviceTime?.description == frame.time)
        #expect(reading.userSlot == frame.user)
    }

    @Test("0xFFFF means that the scale could not measure, and never 327 kg")
    func unsuccessful() {
        let reading = read(.weightMeasurement, "06 FFFF E9070C1F173B3A 02")
        #expect(reading.outcome == .failedMeasurement)
        #expect(reading.shown == ["weight none kg"])
        #expect(reading.userSlot == 2)
        #expect(read(.weightMeasurement, "01 FFFF").shown == ["weight none [lb_av]"])
        #expect(read(.weightMeasurement, "08 FFFF D400 DB06").outcome == .rejected)
    }

    @Test(
        "A model's own step replaces that of the standard, in kilograms alone",
        arguments: [
            ("0.05", "00 6A07", "weight 94.90 kg"), ("0.01", "00 581B", "weight 70.00 kg"),
            ("0.05", "01 543D", "weight 157.00 [lb_av]"),
        ])
    func step(_ step: String, _ hex: String, _ shown: String) {
        let quirk = quirks { $0.weightStep = step }
        #expect(read(.weightMeasurement, hex, quirks: quirk).shown == [shown])
    }

    @Test("The Renpho frame with a reserved bit is read by its quirks alone")
    func renpho() {
        let hex = "4E 6A07 EA0707040C1A06 AA 0000 0000"
        let quirk = quirks {
            $0.weightStep = "0.05"
            $0.ignoreReservedFlags = true
        }
        let reading = read(.weightMeasurement, hex, quirks: quirk)
        #expect(reading.shown == ["weight 94.90 kg"])
        #expect(reading.deviceTime?.description == "2026-07-04T12:26:06")
        #expect(read(.weightMeasurement, hex).outcome == .rejected)
    }

    @Test("A weight below zero is what was taken off, never a person's weight")
    func belowZero() {
        let quirk = quirks { $0.weightBit4IsNegative = true }
        let reading = read(.weightMeasurement, "10 3200", quirks: quirk)
        #expect(reading.outcome == .notFinal)
        #expect(reading.shown == ["weight -0.250 kg"])
        #expect(read(.weightMeasurement, "10 3200").outcome == .rejected)
        #expect(read(.weightMeasurement, "20 3200", quirks: quirk).outcome == .rejected)
    }
}

@Suite("Body Composition Measurement 2A9C") struct BodyCompositionMeasurementTests {
    @Test("Muscle in percent stands before muscle mass, and each value has its own step")
    func everyField() {
        let reading = read(
            .bodyCompositionMeasurement,
            "FE0F EB00 E9070C1F173B3A 02 DF1A 9701 1027 E02E CC2F CA21 0314 C832 DB06")
        #expect(reading.outcome == .measurement)
        #expect(reading.kind == .bodyComposition)
        #expect(
            reading.shown == [
                "body_fat 23.5 %", "basal_metabolism 6879 kJ", "muscle 40.7 %",
                "muscle_mass 50.000 kg", "fat_free_mass 60.000 kg", "soft_lean_mass 61.180 kg",
                "body_water_mass 43.250 kg", "impedance 512.3 Ohm", "weight 65.000 kg",
                "height 1.755 m",
            ])
        #expect(reading.deviceTime?.description == "2025-12-31T23:59:58")
        #expect(reading.userSlot == 2)
    }

    @Test("Pounds have the step of pounds")
    func pounds() {
        let reading = read(.bodyCompositionMeasurement, "210C EB00 543D 543D A802")
        #expect(
            reading.shown == [
                "body_fat 23.5 %", "muscle_mass 157.00 [lb_av]", "weight 157.00 [lb_av]",
                "height 68.0 [in_i]",
            ])
    }

    @Test("An unsuccessful measurement and a frame of zeros hold no composition")
    func nothingMeasured() {
        let unsuccessful = read(.bodyCompositionMeasurement, "0600 FFFF E9070C1F173B3A 02")
        #expect(unsuccessful.outcome == .failedMeasurement)
        #expect(unsuccessful.shown == ["body_fat none %"])
        #expect(unsuccessful.userSlot == 2)
        #expect(read(.bodyCompositionMeasurement, "0002 FFFF 0314").outcome == .rejected)
        let stub = read(.bodyCompositionMeasurement, "9803 0000 0000 0000 0000 0000 0000")
        #expect(stub.outcome == .failedMeasurement)
        #expect(stub.quantities.allSatisfy { $0.number == nil })
    }

    @Test("A weight beside zeros stays out of the record: the weight frame brings it")
    func stubWithWeight() {
        let stub = read(.bodyCompositionMeasurement, "0006 0000 0000 C832")
        #expect(stub.outcome == .failedMeasurement)
        #expect(stub.shown == ["body_fat none %", "impedance none Ohm"])
    }

    @Test("A part of a measurement in two packets says so")
    func twoPackets() {
        let reading = read(.bodyCompositionMeasurement, "0012 EB00 0314")
        #expect(reading.outcome == .notFinal)
        #expect(reading.flags == ["multiple-packets"])
    }

    @Test("Bits that the standard reserves are refused", arguments: [0x2000, 0x4000, 0x8000])
    func reserved(_ flags: Int) {
        #expect(read(.bodyCompositionMeasurement, le16(flags) + [0xEB, 0]).outcome == .rejected)
    }
}
