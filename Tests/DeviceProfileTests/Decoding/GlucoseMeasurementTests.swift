import DeviceProfile
import Measurement
import Testing

@Suite("Glucose Measurement 2A18 and its context 2A34") struct GlucoseMeasurementTests {
    struct Frame: Sendable {
        var hex: String
        var shown: String
        var time: String
        var sequence: Int
    }

    @Test(
        "The user's time is base time plus offset, and kg/L become mg/dL by the exponent alone",
        arguments: [
            Frame(
                hex: "0B 1100 E9070C1F173B3A E4FD 63B0 11 0000", shown: "glucose 99 mg/dL",
                time: "2025-12-31T14:59:58", sequence: 17),
            Frame(
                hex: "06 1200 E9070C1F173B3A 38C0 11", shown: "glucose 5.6 mmol/L",
                time: "2025-12-31T23:59:58", sequence: 18),
            Frame(
                hex: "0B 0400 E407050E0C311D 4E01 68B0 F8 0000", shown: "glucose 104 mg/dL",
                time: "2020-05-14T18:23:29", sequence: 4),
            Frame(
                hex: "03 0200 E407030A0D3100 0000 0DB0 11", shown: "glucose 13 mg/dL",
                time: "2020-03-10T13:49:00", sequence: 2),
            Frame(
                hex: "02 FFFF E407030A0D3100 0AC0 11", shown: "glucose 100 mg/dL",
                time: "2020-03-10T13:49:00", sequence: 65_535),
        ])
    func values(_ frame: Frame) {
        let reading = read(.glucoseMeasurement, frame.hex)
        #expect(reading.outcome == .measurement)
        #expect(reading.shown == [frame.shown])
        #expect(reading.deviceTime?.description == frame.time)
        #expect(reading.sequenceNumber == frame.sequence)
    }

    @Test("The offset is signed, and base time and offset are kept beside the user's time")
    func offset() {
        let reading = read(.glucoseMeasurement, "03 1100 E9070C1F173B3A E4FD 63B0 11")
        #expect(reading.timeOffsetMinutes == -540)
        #expect(reading.baseTime?.description == "2025-12-31T23:59:58")
    }

    @Test("An offset that ran over or under leaves no time", arguments: ["FF7F", "0080"])
    func offsetOverrun(_ offset: String) {
        let reading = read(.glucoseMeasurement, "03 1100 E9070C1F173B3A \(offset) 63B0 11")
        #expect(reading.outcome == .measurement)
        #expect(reading.deviceTime == nil)
        #expect(reading.deviceTimeUnusable)
        #expect(reading.baseTime != nil)
    }

    @Test("An offset cannot carry a date behind the year 9999")
    func offsetBeyondTime() {
        let reading = read(.glucoseMeasurement, "03 1100 0F270C1F173B3A 0A00 63B0 11")
        #expect(reading.deviceTime == nil)
        #expect(reading.deviceTimeUnusable)
    }

    @Test(
        "A concentration that is no number is a failed measurement, with the side it failed on",
        arguments: [
            ("FE07", ["result-too-high"]), ("0208", ["result-too-low"]), ("FF07", []),
            ("0008", []), ("0108", []), ("FFFF", []), ("0000", []),
        ])
    func failed(_ concentration: String, _ flags: [String]) {
        let reading = read(.glucoseMeasurement, "02 1100 E9070C1F173B3A \(concentration) 11")
        #expect(reading.outcome == .failedMeasurement)
        #expect(reading.shown == ["glucose none mg/dL"])
        #expect(reading.flags == flags)
    }

    @Test("A record without a concentration measured nothing")
    func noConcentration() {
        let reading = read(.glucoseMeasurement, "00 1100 E9070C1F173B3A")
        #expect(reading.outcome == .failedMeasurement)
        #expect(reading.quantities.allSatisfy { $0.number == nil })
    }

    @Test("Control solution is never a person's value", arguments: ["1A", "F8"])
    func control(_ typeAndLocation: String) {
        let isControl = typeAndLocation == "1A"
        let reading = read(
            .glucoseMeasurement, "02 1100 E9070C1F173B3A 63B0 \(typeAndLocation)")
        #expect(reading.outcome == (isControl ? .controlSolution : .measurement))
        let byLocation = read(.glucoseMeasurement, "02 1100 E9070C1F173B3A 63B0 41")
        #expect(byLocation.outcome == .controlSolution)
    }

    @Test(
        "Each sensor status bit is named, and bit 11 is the clock, not the temperature",
        arguments: [
            (0, "battery-low"), (1, "sensor-malfunction"), (2, "sample-insufficient"),
            (3, "strip-insertion-error"), (4, "strip-type-incorrect"), (5, "result-too-high"),
            (6, "result-too-low"), (7, "temperature-too-high"), (8, "temperature-too-low"),
            (9, "read-interrupted"), (10, "general-fault"), (11, "time-fault"),
        ])
    func status(_ bit: Int, _ flag: String) {
        let frame = bytes("0A 1100 E9070C1F173B3A 63B0 11") + le16(1 << bit)
        let reading = read(.glucoseMeasurement, frame)
        #expect(reading.flags == [flag])
        #expect(reading.timeFault == (bit == 11))
    }

    @Test("A concentration that no meter shows is another layout")
    func outOfRange() {
        let reading = read(.glucoseMeasurement, "02 1100 E9070C1F173B3A FD07 11")
        #expect(reading.outcome == .rejected)
        #expect(reading.quantities.isEmpty)
    }

    @Test("An impossible base time rejects the record; an unknown one leaves it without a time")
    func baseTimes() {
        #expect(
            read(.glucoseMeasurement, "02 1100 E9070D1F173B3A 63B0 11").outcome == .rejected)
        let unknown = read(.glucoseMeasurement, "02 1100 00000000173B3A 63B0 11")
        #expect(unknown.outcome == .measurement)
        #expect(unknown.deviceTimeUnusable)
        #expect(unknown.baseTime == nil)
    }

    @Test("A record says whether its context follows")
    func contextFollows() {
        #expect(read(.glucoseMeasurement, "12 1100 E9070C1F173B3A 63B0 11").contextFollows)
        #expect(!read(.glucoseMeasurement, "02 1100 E9070C1F173B3A 63B0 11").contextFollows)
    }

    // MARK: context

    @Test(
        "The meal of a context becomes a flag",
        arguments: [
            (1, "before-meal"), (2, "after-meal"), (3, "fasting"), (4, "casual"), (5, "bedtime"),
        ])
    func meals(_ code: UInt8, _ flag: String) {
        let reading = read(.glucoseMeasurementContext, [0x02, 0x11, 0x00, code])
        #expect(reading.outcome == .deviceState)
        #expect(reading.flags == [flag])
        #expect(reading.mealCode == String(code))
        #expect(reading.sequenceNumber == 17)
    }

    @Test("Fields in front of the HbA1c are passed over, whichever are there")
    func hba1c() {
        #expect(read(.glucoseMeasurementContext, "42 1100 02 3EF0").shown == ["hba1c 6.2 %"])
        let full = "FF 1100 00 01 1EB0 02 21 8403 50 01 0AB0 3EF0"
        #expect(read(.glucoseMeasurementContext, full).shown == ["hba1c 6.2 %"])
        #expect(read(.glucoseMeasurementContext, "40 1100 FF07").shown == ["hba1c none %"])
        #expect(read(.glucoseMeasurementContext, "40 1100 FD07").outcome == .rejected)
    }

    @Test("A joined context adds its meal once and leaves the value alone")
    func join() {
        var reading = read(.glucoseMeasurement, "12 1100 E9070C1F173B3A 63B0 11")
        let context = read(.glucoseMeasurementContext, "42 1100 02 3EF0")
        reading.join(context: context)
        reading.join(context: context)
        #expect(reading.shown == ["glucose 99 mg/dL", "hba1c 6.2 %"])
        #expect(reading.flags == ["after-meal"])
        #expect(reading.mealCode == "2")
    }
}
