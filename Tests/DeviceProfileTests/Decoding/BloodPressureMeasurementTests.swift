import DeviceProfile
import Measurement
import Testing

@Suite("Blood Pressure Measurement 2A35") struct BloodPressureMeasurementTests {
    private static let beurer = quirks {
        $0.ignoreReservedFlags = true
        $0.pulseAndStatusBigEndian = true
        $0.userIDAlwaysPresent = true
    }

    @Test("A full frame gives every field with the device's digits")
    func full() {
        let reading = read(
            .bloodPressureMeasurement, "1E 7800 5000 5D00 E9070C1F173B3A 4800 01 0400")
        #expect(reading.outcome == .measurement)
        #expect(reading.kind == .bloodPressure)
        #expect(
            reading.shown == [
                "systolic 120 mm[Hg]", "diastolic 80 mm[Hg]", "mean_arterial_pressure 93 mm[Hg]",
                "pulse_rate 72 /min",
            ])
        #expect(reading.deviceTime?.description == "2025-12-31T23:59:58")
        #expect(reading.userSlot == 1)
        #expect(reading.flags == ["irregular-pulse"])
    }

    @Test("Kilopascals stay kilopascals, and a missing mean pressure is no zero")
    func kilopascals() {
        let reading = read(.bloodPressureMeasurement, "01 A0F0 6BF0 FF07")
        #expect(reading.outcome == .measurement)
        #expect(
            reading.shown == [
                "systolic 16.0 kPa", "diastolic 10.7 kPa", "mean_arterial_pressure none kPa",
            ])
    }

    @Test(
        "A failed measurement that the cuff stored never becomes a pressure",
        arguments: [
            "16 FF07 FF07 FF07 E107010E162C04 FF07 0000",
            "00 FF07 5000 5D00", "00 7800 FF07 5D00",  // one of the two is missing
            "00 0008 0008 0008", "00 FE07 FE07 FE07", "00 0208 0208 0208", "00 0108 0108 0108",
            "00 FF0F FF0F FF0F",  // −1: "no value" of some cuffs
        ])
    func failed(_ hex: String) {
        let reading = read(.bloodPressureMeasurement, hex)
        #expect(reading.outcome == .failedMeasurement)
        let both = [reading.quantity(.systolic)?.number, reading.quantity(.diastolic)?.number]
        #expect(both.contains(nil))
    }

    @Test(
        "Each status bit says what the cuff saw, and the pulse range is one field",
        arguments: [
            (0x0000, []), (0x0001, ["body-movement"]), (0x0002, ["cuff-too-loose"]),
            (0x0004, ["irregular-pulse"]), (0x0008, ["pulse-rate-high"]),
            (0x0010, ["pulse-rate-low"]), (0x0018, []), (0x0020, ["improper-position"]),
            (
                0x0027,
                ["body-movement", "cuff-too-loose", "irregular-pulse", "improper-position"]
            ),
            (0xFFC0, []),
        ])
    func status(_ status: Int, _ flags: [String]) {
        let frame = [0x10] + le16(120) + le16(80) + le16(93) + le16(status)
        #expect(read(.bloodPressureMeasurement, frame).flags == flags)
    }

    @Test("User 255 is nobody, and user 0 is a user")
    func unknownUser() {
        #expect(read(.bloodPressureMeasurement, "08 7800 5000 5D00 FF").userSlot == nil)
        #expect(read(.bloodPressureMeasurement, "08 7800 5000 5D00 00").userSlot == 0)
    }

    @Test("The Beurer departures are read by the profile's quirks, and refused without them")
    func beurer() {
        let frame = "56 6A00 4700 0000 EA07080B121F00 003F 00 0000"
        let reading = read(.bloodPressureMeasurement, frame, quirks: Self.beurer)
        #expect(
            reading.shown == [
                "systolic 106 mm[Hg]", "diastolic 71 mm[Hg]", "mean_arterial_pressure 0 mm[Hg]",
                "pulse_rate 63 /min",
            ])
        #expect(reading.deviceTime?.description == "2026-08-11T18:31:00")
        #expect(reading.userSlot == 0)
        #expect(reading.flags.isEmpty)
        #expect(read(.bloodPressureMeasurement, frame).outcome == .rejected)
    }

    @Test(
        "Pressures that no cuff can show are another layout, not a value",
        arguments: [
            "00 2027 0075 0055",  // a maker's header read as systolic: 182400
            "00 FD07 5000 5D00", "00 7800 FD07 5D00", "00 7800 5000 FD07",
            "01 E803 6BF0 FF07",  // 1000 kPa
            "04 7800 5000 5D00 FD07",
        ])
    func outOfRange(_ hex: String) {
        let reading = read(.bloodPressureMeasurement, hex)
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities.isEmpty)
        #expect(reading.reason?.contains("out of any device's range") ?? false)
    }

    @Test("The rejection of an out-of-range value names the value and its offset")
    func rejectionOffset() {
        let reading = read(.bloodPressureMeasurement, "00 7800 FD07 5D00")
        #expect(reading.reason?.contains("diastolic") ?? false)
        #expect(reading.offset == 3)
    }

    @Test(
        "A time stamp that does not exist rejects the frame",
        arguments: [
            "E9070D01000000", "E9070220000000", "E907021E000000", "E90701011800 00",
            "E907010100 3C00", "E9070101 0000 3C", "0100 0101 000000", "FFFF 0101 000000",
        ])
    func impossibleDates(_ time: String) {
        let reading = read(.bloodPressureMeasurement, "02 7800 5000 5D00 " + time)
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities.isEmpty)
        #expect(reading.offset == 7)
    }

    @Test(
        "A clock that was never set leaves the pressure and no time",
        arguments: ["0000 0101 000000", "E907 0001 000000", "E907 0100 000000", "0000 0000 000000"])
    func unknownDates(_ time: String) {
        let reading = read(.bloodPressureMeasurement, "02 7800 5000 5D00 " + time)
        #expect(reading.outcome == .measurement)
        #expect(reading.deviceTime == nil)
        #expect(reading.deviceTimeUnusable)
    }

    @Test("An intermediate cuff pressure is never a final reading, whatever it holds")
    func intermediate() {
        for hex in [
            "00 9100 FF07 FF07", "1E 9C00 FF07 FF07 E30708090D1835 FF07 00 1000",
            "00 7800 5000 5D00",
        ] {
            #expect(read(.intermediateCuffPressure, hex).outcome == .notFinal)
        }
        let reading = read(.intermediateCuffPressure, "00 9100 FF07 FF07")
        #expect(reading.shown.first == "systolic 145 mm[Hg]")
    }
}
