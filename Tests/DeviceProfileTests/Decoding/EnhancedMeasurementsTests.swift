import DeviceProfile
import Measurement
import Testing

@Suite("Enhanced blood pressure, activity summaries and continuous glucose")
struct EnhancedMeasurementsTests {
    private func line(_ format: String, _ hex: String) -> String {
        let reading = read(.named(format), hex)
        guard let reason = reading.reason else { return reading.line }
        return "\(reading.line); \(reason) @\(reading.offset ?? -1)"
    }

    @Test(
        "An enhanced pressure has its time in seconds of either epoch",
        arguments: [
            // Both epochs of the same moment: 2000 and, 3155673600 s earlier, 1900.
            ("42 7800 5000 5D00 7E75E830", "2025-12-31T23:59:58"),
            ("02 7800 5000 5D00 7E3700ED", "2025-12-31T23:59:58"),
            ("42 7800 5000 5D00 00000000", nil), ("42 7800 5000 5D00 FFFFFFFF", nil),
            ("40 7800 5000 5D00", nil),
        ] as [(String, String?)])
    func epochs(_ hex: String, _ time: String?) {
        let reading = read(.enhancedBloodPressure, hex)
        #expect(reading.outcome == .measurement)
        #expect(reading.shown.first == "systolic 120 mm[Hg]")
        #expect(reading.deviceTime?.description == time)
        #expect(reading.deviceTimeUnusable == (time == nil && bytes(hex).count > 7))
    }

    @Test("The time that the cuff shows its user counts, and the stamp stays the record's own")
    func userFacing() {
        // Stamp in UTC, shown nine hours later.
        let both = read(
            .enhancedBloodPressure, "7E 7800 5000 5D00 7E75E830 4800 01 0400 0EF4E830")
        #expect(both.deviceTime?.description == "2026-01-01T08:59:58")
        #expect(both.baseTime?.description == "2025-12-31T23:59:58")
        #expect(both.userSlot == 1)
        #expect(both.flags == ["irregular-pulse"])
        let unknown = read(.enhancedBloodPressure, "62 7800 5000 5D00 7E75E830 00000000")
        #expect(unknown.deviceTime?.description == "2025-12-31T23:59:58")
        let only = read(.enhancedBloodPressure, "60 7800 5000 5D00 7E75E830")
        #expect(only.deviceTime?.description == "2025-12-31T23:59:58")
        #expect(only.baseTime == nil)
    }

    @Test(
        "An enhanced frame keeps to the rules of the plain one",
        arguments: [
            ("C0 7800 5000 5D00", "rejected; reserved bits are set in flags @0"),
            (
                "41 A0F0 6BF0 FF07",
                "measurement; systolic 16.0 kPa; diastolic 10.7 kPa; mean_arterial_pressure none kPa"
            ),
            (
                "40 FF07 FF07 FF07",
                "failed-measurement; systolic none mm[Hg]; diastolic none mm[Hg]; "
                    + "mean_arterial_pressure none mm[Hg]"
            ),
            ("42 7800 5000 5D00 7E75E8", "rejected; the frame ends inside the time stamp @10"),
            ("40 7800 5000 5D00 00", "rejected; 1 byte(s) after the last field @7"),
        ])
    func pressure(_ hex: String, _ expected: String) {
        #expect(line("enhanced-blood-pressure-measurement", hex) == expected)
    }

    @Test("A pressure on its way up is never a record, in either service")
    func intermediate() {
        for format in ["intermediate-cuff-pressure", "enhanced-intermediate-cuff-pressure"] {
            for hex in ["00 9100 FF07 FF07", "00 7800 5000 5D00", "00 FF07 FF07 FF07"] {
                #expect(read(.named(format), hex).outcome == .notFinal, "\(format) \(hex)")
            }
        }
    }

    private static let head = "0100 0200 0A000000 01000000"

    @Test(
        "A summary gives durations, energies and a distance, marked as of unconfirmed units",
        arguments: [
            (
                "80 00180000 \(head) 580200 2C0100",
                "measurement; walk_time 600 s; moderate_intensity_activity 300 s; number 1; "
                    + "#units-unconfirmed"
            ),
            (
                "80 07000000 \(head) 64000000 32000000 F4010000",
                "measurement; calories 150 kJ; total_calories 500 kJ; number 1; #units-unconfirmed"
            ),
            (
                "80 82000000 \(head) 32000000 E80300",
                "measurement; calories 50 kJ; distance 1000 m; number 1; #units-unconfirmed"
            ),
            ("80 00000100 \(head) 05", "device-state; number 1"),
            ("80 00000002 \(head)", "rejected; reserved bits are set in flags @1"),
            ("81 00000000 \(head)", "rejected; a part of a summary in several segments @0"),
            ("80 01000000 \(head) 640000", "rejected; the frame ends inside normal energy @20"),
        ])
    func summary(_ hex: String, _ expected: String) {
        let shown = line("general-activity-summary", hex).split(separator: "; ").filter {
            !$0.contains("=")
        }
        #expect(shown.joined(separator: "; ") == expected)
    }

    @Test("What a meter measures just now is no record, and one that lies on a table says so")
    func instantaneous() {
        let worn = read(.generalActivityInstantaneous, "80 200080 \(Self.head) 0A00")
        #expect(worn.outcome == .notFinal)
        #expect(worn.flags.isEmpty)
        #expect(
            read(.generalActivityInstantaneous, "80 000000 \(Self.head)").flags == ["not-worn"])
        #expect(
            read(.generalActivityInstantaneous, "80 000800 \(Self.head)").outcome == .rejected)
    }

    @Test("A summary is dated by the counter of its device and knows its session")
    func session() {
        let reading = read(.generalActivitySummary, "80 00000000 \(Self.head)")
        #expect(reading.tick == 10)
        #expect(
            reading.details.map { "\($0.name)=\($0.value)" }
                == ["session=1", "sub_session=2", "relative_timestamp_s=10"])
    }

    @Test("A summary in segments is put together, and a lost segment costs only that summary")
    func segments() throws {
        let layout = FrameLayout(source: .usb, format: .stepCounterSummary)
        let first = bytes("82 03 0100 0200")
        let second = bytes("01 0A000000 01000000")
        let third = bytes("00 100000 050000")
        var assembler = FrameAssembler()
        #expect(assembler.take(first, for: layout) == .waiting)
        #expect(assembler.take(second, for: layout) == .waiting)
        guard case .whole(let frame) = assembler.take(third, for: layout) else {
            Issue.record("the last segment gave nothing")
            return
        }
        #expect(layout.decode(frame).shown == ["steps 21 {steps}"])
        #expect(assembler.take(first, for: layout) == .waiting)
        #expect(assembler.unfinished == [.usb])
        guard case .broken = assembler.take(third, for: layout) else {
            Issue.record("a segment is missing and nothing was said")
            return
        }
        #expect(assembler.take(first, for: layout) == .waiting)
        #expect(assembler.take(first, for: layout) == .waiting)
        #expect(assembler.broken == 2)
        guard case .broken = assembler.take([], for: layout) else {
            Issue.record("a segment without a header went through")
            return
        }
    }

    @Test("A speed keeps the digits of its 256th parts")
    func speed() {
        let reading = read(.runningSpeedMeasurement, "07 8102 B4 6400 10000000")
        #expect(
            reading.details.map { "\($0.name)=\($0.value)" } == [
                "speed_m_s=2.50390625", "cadence_per_min=180", "stride_length_m=1.00",
                "distance_m=1.6",
            ])
        #expect(reading.flags == ["running"])
        #expect(reading.quantities.isEmpty)
    }

    @Test(
        "A sensor's records come one or several in a frame, each with its minutes",
        arguments: [
            ("06 00 7300 2C01", ["measurement; glucose 115 mg/dL"]),
            (
                "06 00 7300 2C01 06 00 7400 3101",
                ["measurement; glucose 115 mg/dL", "measurement; glucose 116 mg/dL"]
            ),
            ("0D 43 7300 2C01 03 2400 0A00 0000", ["measurement; glucose 115 mg/dL"]),
            ("06 00 FE07 2C01", ["failed-measurement; glucose none mg/dL; #result-too-high"]),
            ("06 00 0208 2C01", ["failed-measurement; glucose none mg/dL; #result-too-low"]),
            ("06 00 FF07 2C01", ["failed-measurement; glucose none mg/dL"]),
            // The sample of a capture that is cut off after nine of its thirteen bytes.
            ("0D 43 7300 2C01 03 2400", ["rejected"]), ("05 00 7300 2C", ["rejected"]),
            ("06 04 7300 2C01", ["rejected"]), ("07 00 7300 2C01 00", ["rejected"]),
            ("06 00 7300 2C01 06", ["rejected"]),
        ])
    func continuousGlucose(_ hex: String, _ expected: [String]) {
        let layout = FrameLayout(source: .usb, format: .continuousGlucose)
        #expect(layout.readings(bytes(hex)).map(\.line) == expected)
    }
}
