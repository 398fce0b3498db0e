import DeviceProfile
import Measurement
import Testing

/// Frames that are whole and right, of every named format.
private let whole: [(format: String, hex: String)] = [
    ("blood-pressure-measurement", "1E 7800 5000 5D00 E9070C1F173B3A 4800 01 0400"),
    ("blood-pressure-measurement", "01 A0F0 6BF0 FF07"),
    ("blood-pressure-measurement", "16 7D00 5000 6600 E10701100C2736 4000 0000"),
    ("blood-pressure-measurement", "16 FF07 FF07 FF07 E107010E162C04 FF07 0000"),
    ("intermediate-cuff-pressure", "00 9100 FF07 FF07"),
    ("intermediate-cuff-pressure", "1E 9C00 FF07 FF07 E30708090D1835 FF07 00 1000"),
    ("weight-measurement", "0E C832 E9070C1F173B3A 02 D400 DB06"),
    ("weight-measurement", "01 FA37"),
    ("weight-measurement", "06 FFFF E9070C1F173B3A 02"),
    ("body-composition-measurement", "0606 EB00 E9070C1F173B3A 02 0314 C832"),
    ("body-composition-measurement", "9803 C200 DF1A 9701 CC2F CA21 A811"),
    ("glucose-measurement", "0B 1100 E9070C1F173B3A E4FD 63B0 11 0000"),
    ("glucose-measurement", "06 1200 E9070C1F173B3A 38C0 11"),
    ("glucose-measurement", "1B 0400 E407070E0B0605 5A02 77B0 F8 0000"),
    ("glucose-measurement-context", "42 1100 02 3EF0"),
    ("glucose-measurement-context", "FF 1100 00 01 1EB0 02 21 8403 50 01 0AB0 3EF0"),
    ("record-access-control-point", "01 03 01 0400"),
    ("record-access-control-point", "06 00 01 01"),
    ("record-access-control-point", "05 00 0300"),
    ("temperature-measurement", "06 680100FF E207030A153400 02"),
    ("intermediate-temperature", "04 680100FF 02"),
    ("heart-rate-measurement", "0E 4B 8000"),
    ("heart-rate-measurement", "11 C800 0004"),
    ("pulse-oximeter-spot-check", "0F 6200 4800 E9070C1F173B3A 0000 000000 0AF0"),
    ("pulse-oximeter-continuous", "1F 6200 4800 6200 4800 6200 4800 0000 000000 0AF0"),
    ("running-speed-measurement", "03 8002 B4 6400 10000000"),
    ("step-counter-summary", "C0 03 0100 0200 0A000000 01000000 100000 050000"),
    ("enhanced-blood-pressure-measurement", "7E 7800 5000 5D00 7E75E830 4800 01 0400 7E75E830"),
    ("enhanced-blood-pressure-measurement", "40 7800 5000 5D00"),
    ("enhanced-intermediate-cuff-pressure", "00 9100 FF07 FF07"),
    (
        "general-activity-summary",
        "80 07000000 0100 0200 0A000000 01000000 64000000 32000000 96000000"
    ),
    (
        "general-activity-summary",
        "C0 FFFFFF01 0100 0200 0A000000 01000000 01000000 02000000 03000000 0400 05 06 07 080000 0900"
            + "0A00 0B00 0C0000 0D0000 0E00 0F00 1000 11 120000 130000 14000000 1500 1600 1700 1800"
            + "190000"
    ),
    (
        "general-activity-instantaneous",
        "80 FF0780 0100 0200 0A000000 01000000"
            + "0100 0200 0300 0400 05 0600 0700 080000 0900 0A00 0B00"
    ),
    ("continuous-glucose-measurement", "0D 43 7300 2C01 03 2400 0A00 0000"),
    ("continuous-glucose-measurement", "06 00 7300 2C01 06 00 7400 3101"),
    ("day-date-time", "E9070C1F173B3A 03"),
    ("local-time-information", "24 00"),
    ("elapsed-time", "32 7E75E8300000 04 24 00 03"),
    ("device-text", "55412D363531424C45"),
    ("system-id", "DEBC9AFEFF563412"),
    ("pnp-id", "01 0102 0304 0506"),
    ("blood-pressure-feature", "3700"),
    ("glucose-feature", "FF07"),
    ("weight-scale-feature", "BF010000"),
    ("body-composition-feature", "FFBF0100"),
    ("physical-activity-features", "0102030405060708"),
    ("user-index", "02"),
    ("user-control-point", "01 D204"),
    ("user-control-point", "02 03 D204"),
    ("user-control-point", "20 01 01 03"),
    ("user-control-point", "20 02 05"),
    ("database-change-increment", "01000000"),
    ("date-time", "E9070C1F173B3A"),
    ("current-time", "E9070C1F173B3A 03 00 00"),
    ("battery-level", "64"),
    ("medical-float", "F6F4"),
]

@Suite("Broken frames") struct BrokenFramesTests {
    @Test("There is a whole frame for every format that a profile can name")
    func everyFormat() {
        let formats = Set(FrameLayout.namedFormats.map(\.name))
        #expect(formats == Set(whole.map(\.format)))
        for (format, hex) in whole {
            #expect(read(.named(format), hex).outcome != .rejected, "\(format) \(hex)")
        }
    }

    @Test("A frame that is cut off anywhere gives no value, but a reason and an offset")
    func truncations() {
        // A text has no length of its own; a clock and a run of records may end earlier.
        let shorter = [
            "current-time": 7, "elapsed-time": 9, "continuous-glucose-measurement": 6,
        ]
        for (format, hex) in whole where format != "device-text" {
            let frame = bytes(hex)
            for count in 0..<frame.count where shorter[format] != count {
                let reading = read(.named(format), Array(frame.prefix(count)))
                #expect(reading.outcome == .rejected, "\(format) \(hex) cut to \(count)")
                #expect(reading.quantities.isEmpty)
                #expect(reading.deviceTime == nil)
                #expect(reading.reason != nil)
                #expect(reading.offset.map { $0 <= count } ?? false)
            }
        }
    }

    @Test("A byte after the last field is refused unless the profile allows it")
    func trailing() {
        let loose = quirks { $0.ignoreTrailingBytes = true }
        let open = ["heart-rate-measurement", "device-text"]
        for (format, hex) in whole where !open.contains(format) {
            let frame = bytes(hex) + [0]
            #expect(read(.named(format), frame).outcome == .rejected, "\(format) \(hex)")
            let fixed = ["record-access-control-point", "medical-float"]
            let counted = format == "continuous-glucose-measurement"
            if fixed.contains(format) || StateFormat(rawValue: format) != nil || counted {
                continue
            }
            let allowed = read(.named(format), frame, quirks: loose)
            #expect(allowed.shown == read(.named(format), hex).shown)
            #expect(allowed.outcome == read(.named(format), hex).outcome)
        }
    }

    @Test(
        "Each reserved flag bit is refused unless the profile says that the model sets it",
        arguments: [
            ("blood-pressure-measurement", [5, 6, 7]), ("intermediate-cuff-pressure", [5, 6, 7]),
            ("enhanced-blood-pressure-measurement", [7]),
            ("enhanced-intermediate-cuff-pressure", [7]), ("weight-measurement", [4, 5, 6, 7]),
            ("glucose-measurement", [5, 6, 7]),
            ("temperature-measurement", [3, 4, 5, 6, 7]), ("heart-rate-measurement", [5, 6, 7]),
            ("pulse-oximeter-spot-check", [5, 6, 7]), ("pulse-oximeter-continuous", [5, 6, 7]),
            ("running-speed-measurement", [3, 4, 5, 6, 7]),
        ])
    func reserved(_ format: String, _ bits: [Int]) {
        let loose = quirks { $0.ignoreReservedFlags = true }
        for (_, hex) in whole.filter({ $0.format == format }) {
            for bit in bits {
                var frame = bytes(hex)
                frame[0] |= UInt8(1 << bit)
                let reading = read(.named(format), frame)
                #expect(reading.outcome == .rejected)
                #expect(reading.reason == "reserved bits are set in flags")
                #expect(reading.offset == 0)
                #expect(
                    read(.named(format), frame, quirks: loose).shown
                        == read(.named(format), hex).shown)
            }
        }
    }

    @Test(
        "Empty frames and frames of one repeated byte never crash and never give a value by accident"
    )
    func repeatedBytes() {
        for format in FrameLayout.namedFormats {
            #expect(read(format.format, [UInt8]()).outcome == .rejected)
            for byte in UInt8.min...UInt8.max {
                for count in 1...24 {
                    check(read(format.format, [UInt8](repeating: byte, count: count)))
                }
            }
        }
    }

    @Test("Two hundred thousand random frames never crash, and a measurement always has its number")
    func fuzz() {
        var generator = Seeded(20_260_301)
        let layouts = FrameLayout.namedFormats.map(\.format)
        let loose = quirks {
            $0.ignoreReservedFlags = true
            $0.ignoreTrailingBytes = true
            $0.userIDAlwaysPresent = true
            $0.pulseAndStatusBigEndian = true
            $0.weightBit4IsNegative = true
        }
        for round in 0..<200_000 {
            let count = Int.random(in: 0...40, using: &generator)
            let frame = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let format = layouts[round % layouts.count]
            check(read(format, frame, quirks: round % 3 == 0 ? loose : LayoutQuirks()))
        }
    }

    @Test("A whole frame with one byte changed never crashes and keeps the promises of its outcome")
    func mutations() {
        for (format, hex) in whole {
            let frame = bytes(hex)
            for index in frame.indices {
                for byte in UInt8.min...UInt8.max {
                    var changed = frame
                    changed[index] = byte
                    check(read(.named(format), changed))
                }
            }
        }
    }

    private func check(_ reading: Reading) {
        if let broken = brokenPromise(reading) { Issue.record("\(broken): \(reading)") }
    }

    /// What every reading keeps, whatever the bytes were; nil where it is kept.
    private func brokenPromise(_ reading: Reading) -> String? {
        let numbers = reading.quantities.compactMap(\.number)
        switch reading.outcome {
        case .measurement:
            if reading.kind == nil { return "a measurement of no kind" }
            if numbers.isEmpty { return "a measurement without a number" }
            if reading.reason != nil { return "a measurement with a reason" }
        case .failedMeasurement:
            if numbers.count == reading.quantities.count { return "nothing failed" }
        case .rejected:
            if !reading.quantities.isEmpty || reading.deviceTime != nil { return "a value" }
            if reading.reason == nil || reading.offset == nil { return "no reason" }
        case .notFinal, .controlSolution, .deviceState: break
        }
        if numbers.contains(where: { $0.text.utf8.count >= 24 }) { return "a number without end" }
        let year = reading.deviceTime?.year ?? 2_000
        return (1...9_999).contains(year) ? nil : "a year that no device has"
    }
}
