import Measurement
import Testing

@testable import DeviceProfile

/// The codes of a record, each by the sentence of the exchange format's decisions that asks for it.
@Suite struct CodeDecisionsTests {
    struct Input: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var flags: [String]
        var codes = CodeRules()
        var typedTime = TimeRules.TypedTime.asTyped
        var clock = "2026-03-01T08:09:30"
        var expected: String
    }

    /// "0 device, 1 typed by a person, 2 device value edited by a person. origin_of_time_code: 0 device
    /// clock as is, 1 corrected by the gateway. A typed record has code 1 for both unless configured
    /// otherwise."
    static let inputs: [Input] = [
        Input(
            testDescription: "a device's value, its clock right", flags: [],
            clock: "2026-03-01T08:15:30", expected: "0 0 device-clock 2026-03-01T08:00:00"),
        Input(
            testDescription: "a device's value, its clock six minutes slow", flags: [],
            expected: "0 1 corrected 2026-03-01T08:06:00"),
        Input(
            testDescription: "typed into the device", flags: ["manual-entry"],
            expected: "1 1 person 2026-03-01T08:00:00"),
        Input(
            testDescription: "typed, configured to have the clock's time", flags: ["manual-entry"],
            typedTime: .deviceClock, expected: "1 1 corrected 2026-03-01T08:06:00"),
        Input(
            testDescription: "typed, the clock right, configured to have its time",
            flags: ["manual-entry"], typedTime: .deviceClock, clock: "2026-03-01T08:15:30",
            expected: "1 0 device-clock 2026-03-01T08:00:00"),
        Input(
            testDescription: "edited on the device", flags: ["edited"],
            expected: "2 1 corrected 2026-03-01T08:06:00"),
        Input(
            testDescription: "edited on the device, its clock right", flags: ["edited"],
            clock: "2026-03-01T08:15:30", expected: "2 0 device-clock 2026-03-01T08:00:00"),
        Input(
            testDescription: "typed, then edited", flags: ["edited", "manual-entry"],
            expected: "1 1 person 2026-03-01T08:00:00"),
        Input(
            testDescription: "the profile's own word for it", flags: ["logbook"],
            codes: {
                var codes = CodeRules()
                codes.typedFlags = ["logbook"]
                return codes
            }(), expected: "1 1 person 2026-03-01T08:00:00"),
        Input(
            testDescription: "a flag of another meaning", flags: ["body-movement"],
            expected: "0 1 corrected 2026-03-01T08:06:00"),
    ]

    @Test(arguments: inputs) func `decision 6: who gave the value, and what its time is`(
        input: Input
    ) throws {
        var profile = try #require(Shipped.loaded.index[id: "and-ua-651ble"])
        profile.codes = input.codes
        profile.time.typedTime = input.typedTime
        let builder = RecordBuilder(profile: profile, zone: tokyo, simulated: false)
        var reading = read(
            .named("blood-pressure-measurement"), "16 7d00 5000 6600 ea070301080000 4000 0000")
        reading.flags = input.flags
        let received = gateway("2026-03-01T08:15:30")
        let check = ClockCheck(gateway: received, device: wall(input.clock))
        let record = try #require(
            builder.record(
                reading, device: DeviceDescription(id: DeviceID("ble:A")), received: received,
                evidence: TimeEvidence(.pushed, SessionClock(check: check))))
        let time = try #require(record.time)
        let shown =
            "\(record.dataInputCode.rawValue) \(time.origin.rawValue) \(time.basis.rawValue) "
            + "\(tokyo.local(time.observed))"
        #expect(shown == input.expected)
    }

    /// "from the participant's registered wearing position for that device, else the profile's
    /// default, else left out."
    @Test(arguments: ["31", nil]) func `decision 9: the profile's position stands in the record`(
        position: String?
    ) throws {
        var profile = try #require(Shipped.loaded.index[id: "and-ua-651ble"])
        profile.codes.measurementPosition = position
        let builder = RecordBuilder(profile: profile, zone: tokyo, simulated: false)
        let reading = read(.named("weight-measurement"), "00 783e")
        let record = try #require(
            builder.record(
                reading, device: DeviceDescription(id: DeviceID("ble:A")),
                received: gateway("2026-03-01T08:15:30"), evidence: TimeEvidence(.pushed)))
        #expect(record.measurementPositionCode == position)
    }

    /// "Parts the device did not measure (seconds, minutes, hours) are written 00 … Sub-seconds are
    /// cut, not rounded."
    @Test(arguments: [
        (TimeResolution.subsecond, "2026-03-01T08:15:30.999"),
        (.second, "2026-03-01T08:15:30"), (.minute, "2026-03-01T08:15:00"),
        (.hour, "2026-03-01T08:00:00"), (.day, "2026-03-01T00:00:00"),
    ]) func `decision 5: what the device did not measure is zero`(
        resolution: TimeResolution, expected: String
    ) {
        #expect(resolution.cut(wall("2026-03-01T08:15:30.999")).description == expected)
    }
}
