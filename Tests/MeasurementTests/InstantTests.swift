import Measurement
import Testing

@Suite struct InstantTests {
    @Test(
        arguments: [
            (Int64(0), Int64(0)), (1, 0), (999_999, 0), (1_000_000, 1), (-1, -1), (-999_999, -1),
            (-1_000_000, -1), (-1_000_001, -2), (Int64.max, 9_223_372_036_854),
            (Int64.min, -9_223_372_036_855),
        ] as [(Int64, Int64)])
    func `whole seconds are cut towards the past, before 1970 too`(
        microseconds: Int64, seconds: Int64
    ) {
        #expect(Instant(microseconds: microseconds).seconds == seconds)
    }

    @Test func `moments and lengths add up`() {
        let start = Instant(seconds: 1_772_334_000)
        let end = start + .minutes(6)
        #expect(end - start == .seconds(360))
        #expect(end - .seconds(360) == start)
        #expect(start < end)
        #expect(start - end == -Interval.seconds(360))
        #expect((start - end).magnitude == .minutes(6))
        #expect(Interval.milliseconds(1_500) + .zero == Interval(microseconds: 1_500_000))
        #expect(Interval.seconds(-1) < .zero)
    }

    @Test(
        arguments: [
            (Int64(360_000_000), "360"), (-1_500_000, "-1.5"), (0, "0"), (1, "0.000001"),
            (60_000_000, "60"), (100_000, "0.1"),
        ] as [(Int64, String)])
    func `seconds are written with the digits they need`(microseconds: Int64, text: String) {
        #expect(Interval(microseconds: microseconds).secondsDecimal.text == text)
    }

    @Test(arguments: [
        ("ble:A4:C1:38:00:00:01", "…00:01"), ("ble:A4:C1:38:00:00:FF", "…00:FF"),
        ("usb:1a79-6002-9876543210", "…3210"), ("serial:1-1.2", "…-1.2"), ("x", "…x"), ("", "…"),
    ])
    func `a log never names the whole device`(identity: String, shortened: String) {
        #expect(DeviceID(identity).shortened == shortened)
    }

    @Test func `a quantity is found by its name`() {
        let received = GatewayTime(
            utc: Instant(seconds: 1), monotonicNanoseconds: 2, synchronised: true)
        let record = Record(
            key: RecordKey(hex: "00"), device: DeviceDescription(id: DeviceID("ble:x")),
            kind: .weight, quantities: [Quantity(.weight, ExactDecimal("72.50"), .kilogram)],
            received: received, time: nil, profile: "p", profileRevision: 1)
        #expect(record.quantity(.weight)?.number?.text == "72.50")
        #expect(record.quantity(.bodyFat) == nil)
    }

    @Test func `names and units are never spelled twice`() {
        #expect(Set(QuantityName.allCases.map(\.rawValue)).count == QuantityName.allCases.count)
        #expect(
            Set(MeasurementUnit.allCases.map(\.rawValue)).count == MeasurementUnit.allCases.count)
        #expect(
            Set(MeasurementKind.allCases.map(\.rawValue)).count == MeasurementKind.allCases.count)
    }
}
