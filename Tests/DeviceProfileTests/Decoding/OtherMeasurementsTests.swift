import DeviceProfile
import Measurement
import Testing

@Suite("Temperature, heart rate, oximeter, activity and clock frames")
struct OtherMeasurementsTests {
    @Test(
        "A temperature keeps the digit that the thermometer shows",
        arguments: [
            ("06 680100FF E207030A153400 02", "body_temperature 36.0 Cel", "2018-03-10T21:52:00"),
            ("00 720100FF", "body_temperature 37.0 Cel", nil),
            ("01 DA0300FF", "body_temperature 98.6 [degF]", nil),
            ("04 6D0100FF 02", "body_temperature 36.5 Cel", nil),
        ] as [(String, String, String?)])
    func temperature(_ hex: String, _ shown: String, _ time: String?) {
        let reading = read(.temperatureMeasurement, hex)
        #expect(reading.outcome == .measurement)
        #expect(reading.kind == .temperature)
        #expect(reading.shown == [shown])
        #expect(reading.deviceTime?.description == time)
    }

    @Test("A thermometer that could not measure gives no temperature")
    func failedTemperature() {
        for special in ["FFFF7F00", "00008000", "FEFF7F00", "02008000", "01008000"] {
            let reading = read(.temperatureMeasurement, "00 " + special)
            #expect(reading.outcome == .failedMeasurement)
            #expect(reading.shown == ["body_temperature none Cel"])
        }
        for other in ["00 E8030000", "00 0100007F", "00 01000080", "00 FFFFFFFF"] {
            #expect(read(.temperatureMeasurement, other).outcome == .rejected)
        }
        #expect(read(.intermediateTemperature, "00 720100FF").outcome == .notFinal)
    }

    @Test(
        "The heart rate is read in both widths and past energy and beats",
        arguments: [
            ("00 48", 72), ("01 C800", 200), ("0E 4B 8000", 75), ("10 48 0004", 72),
            ("19 4800 8000 0004 1004", 72),
        ])
    func heartRate(_ hex: String, _ rate: Int) {
        let reading = read(.heartRateMeasurement, hex)
        #expect(reading.outcome == .measurement)
        #expect(reading.shown == ["heart_rate \(rate) /min"])
    }

    @Test("Without skin contact a strap says so; a rate of zero is none")
    func contact() {
        #expect(read(.heartRateMeasurement, "04 50").flags == ["no-skin-contact"])
        #expect(read(.heartRateMeasurement, "06 50").flags.isEmpty)
        #expect(read(.heartRateMeasurement, "00 50").flags.isEmpty)
        let none = read(.heartRateMeasurement, "04 00")
        #expect(none.outcome == .failedMeasurement)
        #expect(none.shown == ["heart_rate none /min"])
        #expect(read(.heartRateMeasurement, "20 48").outcome == .rejected)
    }

    @Test("A spot check of the oximeter is a record, a running value is not")
    func oximeter() {
        let spot = read(
            .pulseOximeterSpotCheck, "0F 6200 4800 E9070C1F173B3A 0000 000000 0AF0")
        #expect(spot.outcome == .measurement)
        #expect(spot.shown == ["oxygen_saturation 98 %", "pulse_rate 72 /min"])
        #expect(spot.deviceTime?.description == "2025-12-31T23:59:58")
        let running = read(
            .pulseOximeterContinuous, "1F 6200 4800 6200 4800 6200 4800 0000 000000 0AF0")
        #expect(running.outcome == .notFinal)
        #expect(read(.pulseOximeterSpotCheck, "00 FF07 FF07").outcome == .failedMeasurement)
        #expect(read(.pulseOximeterSpotCheck, "00 6500 4800").outcome == .rejected)
        #expect(read(.pulseOximeterSpotCheck, "00 FF0F 4800").outcome == .rejected)
    }

    @Test("An oximeter whose clock was never set says it with the value")
    func oximeterClock() {
        let reading = read(.pulseOximeterSpotCheck, "11 6200 4800 E9070C1F173B3A")
        #expect(reading.timeFault)
        #expect(reading.flags == ["time-fault"])
    }

    @Test("Steps of normal and of intensive walking are one number; no steps are no record")
    func steps() {
        let head = "0100 0200 0A000000 01000000"
        let both = read(.stepCounterSummary, "C0 1F \(head) 100000 050000 010000 000400 3C0000")
        #expect(both.outcome == .measurement)
        #expect(both.shown == ["steps 21 {steps}"])
        #expect(both.sequenceNumber == 1)
        let none = read(.stepCounterSummary, "C0 00 \(head)")
        #expect(none.outcome == .deviceState)
        #expect(none.quantities.isEmpty)
        #expect(read(.stepCounterSummary, "80 00 \(head)").outcome == .deviceState)
        #expect(read(.stepCounterSummary, "81 00 \(head)").outcome == .rejected)
        #expect(read(.stepCounterSummary, "00 00 \(head)").outcome == .rejected)
        #expect(read(.stepCounterSummary, "C0 20 \(head)").outcome == .rejected)
    }

    @Test("A running speed is understood and kept out of the records")
    func runningSpeed() {
        #expect(read(.runningSpeedMeasurement, "00 8002 B4").outcome == .notFinal)
        #expect(read(.runningSpeedMeasurement, "03 8002 B4 6400 10000000").outcome == .notFinal)
        #expect(read(.runningSpeedMeasurement, "08 8002 B4").outcome == .rejected)
    }

    struct Clock: Sendable {
        var format: String
        var hex: String
        var time: String?
    }

    @Test(
        "A clock is read without its fraction, and one without a date has no time",
        arguments: [
            Clock(format: "date-time", hex: "E9070C1F173B3A", time: "2025-12-31T23:59:58"),
            Clock(format: "date-time", hex: "E3070C190A1E2D", time: "2019-12-25T10:30:45"),
            Clock(format: "date-time", hex: "E8070 21D000000", time: "2024-02-29T00:00:00"),
            Clock(format: "date-time", hex: "00000000173B3A"),
            Clock(
                format: "current-time", hex: "E907010F0E1E2D 03 21 01", time: "2025-01-15T14:30:45"),
            Clock(
                format: "current-time", hex: "E9070C1F173B3B 07 FF 06", time: "2025-12-31T23:59:59"),
            Clock(
                format: "current-time", hex: "EA07060C143008 00 00 01", time: "2026-06-12T20:48:08"),
            Clock(format: "current-time", hex: "000000000C1E00 01 00 00"),
        ])
    func clocks(_ clock: Clock) {
        let reading = read(.named(clock.format), clock.hex)
        #expect(reading.outcome == .deviceState)
        #expect(reading.deviceTime?.description == clock.time)
        #expect(reading.deviceTimeUnusable == (clock.time == nil))
    }

    @Test(
        "A clock that shows a time which does not exist is refused",
        arguments: [
            ("date-time", "E907021D000000"), ("date-time", "E9070C1F183B3A"),
            ("date-time", "E9070C1F173C3A"), ("date-time", "E9070C1F173B3C"),
            ("date-time", "E907 0C20 000000"), ("date-time", "1027 0101 000000"),
            ("date-time", "2D06 0101 000000"), ("current-time", "E907010F0E1E2D 08 21 01"),
            ("current-time", "E907010F0E1E2D 03 21 11"),
            ("current-time", "E9070D0F0E1E2D 03 21 01"),
        ])
    func impossibleClocks(_ format: String, _ hex: String) {
        #expect(read(.named(format), hex).outcome == .rejected)
    }

    @Test("The first and the last year that Bluetooth can say are times")
    func yearLimits() {
        #expect(read(.state(.dateTime), "2E06 0101 000000").deviceTime?.year == 1_582)
        #expect(read(.state(.dateTime), "0F27 0C1F 173B3B").deviceTime?.year == 9_999)
    }

    @Test("A time written and read again is the same", arguments: [2_000, 2_026, 9_999])
    func roundTrip(_ year: Int) throws {
        let time = try #require(
            LocalDateTime(year: year, month: 2, day: 28, hour: 23, minute: 59, second: 59))
        #expect(read(.state(.dateTime), DateTimeField.bytes(time)).deviceTime == time)
    }

    @Test("A battery above 100 % is no battery")
    func battery() {
        #expect(read(.state(.batteryLevel), [100]).outcome == .deviceState)
        #expect(read(.state(.batteryLevel), [101]).outcome == .rejected)
    }
}
