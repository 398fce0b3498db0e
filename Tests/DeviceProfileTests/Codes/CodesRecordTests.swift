import Measurement
import Testing

@testable import DeviceProfile

/// What a record carries beside its values: key, codes, maker and model, and why it waits.
@Suite struct CodesRecordTests {
    let device = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:01"))

    func builder(_ id: String) throws -> RecordBuilder {
        RecordBuilder(
            profile: try #require(Shipped.loaded.index[id: id]), zone: tokyo, simulated: false)
    }

    /// 125/80 of a cuff, with a stamp.
    func pressure(_ stamp: String = "ea070301080f00") -> Reading {
        read(
            .named("blood-pressure-measurement"), "16 7d00 5000 6600 \(stamp) 4000 0000")
    }

    func weight(_ hex: String = "00 783e") -> Reading { read(.named("weight-measurement"), hex) }

    let received = gateway("2026-03-01T08:15:30")

    // MARK: the key

    @Test func `the same bytes of the same device are the same record, whenever they come`() throws
    {
        let builder = try builder("and-ua-651ble")
        let first = builder.key(pressure(), device: device.id, received: received)
        let later = builder.key(
            pressure(), device: device.id, received: gateway("2026-04-01T00:00:00"))
        #expect(first == later)
        #expect(first.hex.count == 32)
        #expect(first.hex.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Reading) -> Void
        init(_ name: String, _ change: @escaping @Sendable (inout Reading) -> Void) {
            testDescription = name
            self.change = change
        }
    }

    @Test(arguments: [
        Change("stamp") { $0.deviceTime = $0.deviceTime?.adding(.seconds(1)) },
        Change("number") { $0.sequenceNumber = 2 },
        Change("base time") { $0.baseTime = wall("2026-03-01T00:00:00") },
        Change("base time and offset") {
            $0.baseTime = wall("2026-03-01T07:15:00")
            $0.timeOffsetMinutes = 60
        },
        Change("counter") { $0.tick = 9 },
        Change("duration") { $0.duration = .seconds(60) },
        Change("value bytes") { $0.keyBytes = [0] },
        Change("kind") { $0.kind = .heartRate },
    ]) func `two records that differ in what identifies them are never taken for one`(
        change: Change
    )
        throws
    {
        let builder = try builder("and-ua-651ble")
        var reading = pressure()
        reading.sequenceNumber = 1
        var other = reading
        change.change(&other)
        #expect(
            builder.key(reading, device: device.id, received: received)
                != builder.key(other, device: device.id, received: received))
        #expect(
            builder.key(reading, device: device.id, received: received)
                != builder.key(reading, device: DeviceID("ble:B"), received: received))
    }

    @Test func `two equal weighings without a stamp are two records`() throws {
        let builder = try builder("detecto-6880")
        let one = builder.key(weight(), device: device.id, received: received)
        let next = builder.key(
            weight(), device: device.id, received: gateway("2026-03-02T08:15:30"))
        #expect(one != next)
        #expect(!builder.hasOwnIdentity(weight()))
        #expect(builder.hasOwnIdentity(pressure()))
    }

    @Test func `a glucose record keeps its key when a person changes the hour of the meter`() throws
    {
        let builder = try builder("roche-accu-chek")
        let frame = "03 1100 e9070c1f173b3a e4fd 68b0 11"
        let reading = read(.named("glucose-measurement"), frame)
        let again = read(.named("glucose-measurement"), frame)
        #expect(
            builder.key(reading, device: device.id, received: received)
                == builder.key(again, device: device.id, received: gateway("2026-05-01T00:00:00")))
    }

    @Test func `a meter that is read over Bluetooth and on its cable gives each record once`()
        throws
    {
        var air = DeviceDescription(id: DeviceID("ble:A4:C1:38:00:00:02"))
        var cable = DeviceDescription(id: DeviceID("usb:173a:21d5@1-2"))
        func glucose(_ stamp: String, _ value: String, _ number: Int?) throws -> Reading {
            var reading = Reading(.measurement, kind: .glucose)
            reading.deviceTime = wall(stamp)
            reading.sequenceNumber = number
            reading.keyBytes = [UInt8(number ?? 0)]
            let exact = try #require(ExactDecimal(value) as ExactDecimal?)
            reading.quantities = [Quantity(.glucose, exact, .milligramPerDecilitre)]
            return reading
        }
        let first = try builder("roche-accu-chek")
        let second = try builder("roche-accu-chek-usb")
        let one = try glucose("2026-03-01T07:00:41", "120", 17)
        let same = try glucose("2026-03-01T07:00:00", "120.0", nil)
        func keys() -> (RecordKey, RecordKey) {
            (
                first.key(one, device: air, received: received),
                second.key(same, device: cable, received: received)
            )
        }
        #expect(keys().0 != keys().1, "without a serial number nobody knows that it is one meter")
        air.serial = "92513000123"
        cable.serial = "92513000123"
        #expect(keys().0 == keys().1)
        cable.serial = "92513000124"
        #expect(keys().0 != keys().1, "two meters of the model")
        // Another minute, another value: another record.
        for other in [
            try glucose("2026-03-01T07:01:00", "120", 17),
            try glucose("2026-03-01T07:00:41", "121", 17),
        ] {
            #expect(first.key(other, device: air, received: received) != keys().0)
        }
    }

    // MARK: codes and description

    @Test func `a device's own record is neither typed nor edited`() throws {
        let record = try #require(
            try builder("and-ua-651ble").record(
                pressure(), device: device, received: received, evidence: TimeEvidence(.pushed)))
        #expect(record.dataInputCode == .device)
        #expect(record.profile == "and-ua-651ble")
        #expect(record.profileRevision >= 1)
        #expect(!record.simulated)
    }

    @Test func `maker and model are what the device says, and the profile's where it says nothing`()
        throws
    {
        let builder = try builder("and-ua-651ble")
        func described(_ device: DeviceDescription) throws -> DeviceDescription {
            try #require(
                builder.record(
                    pressure(), device: device, received: received, evidence: TimeEvidence(.pushed))
            ).device
        }
        #expect(try described(device).manufacturer == "A&D")
        #expect(try described(device).model == "UA-651BLE")
        var talking = device
        talking.manufacturer = "A&D Medical"
        talking.model = "UA-651BLE-EU"
        talking.serial = "5170100123"
        #expect(try described(talking).manufacturer == "A&D Medical")
        #expect(try described(talking).model == "UA-651BLE-EU")
        #expect(try described(talking).serial == "5170100123")
    }

    @Test(arguments: [
        ReadingOutcome.failedMeasurement, .notFinal, .controlSolution, .deviceState, .rejected,
    ]) func `only a measurement becomes a record`(outcome: ReadingOutcome) throws {
        var reading = pressure()
        reading.outcome = outcome
        let record = try builder("and-ua-651ble").record(
            reading, device: device, received: received, evidence: TimeEvidence(.pushed))
        #expect(record == nil)
    }

    @Test func `a time by an offset from before a jump is marked as a fault of the clock`() throws {
        var clock = SessionClock(earlier: earlier(.zero, knownAt: "2026-02-20T08:00:00"))
        clock.check = ClockCheck(gateway: received, device: wall("2010-01-01T00:00:00"))
        let record = try #require(
            try builder("and-ua-651ble").record(
                pressure("ea07021c080f00"), device: device, received: received,
                evidence: TimeEvidence(.pushed, clock)))
        #expect(record.flags == ["time-fault"])
        #expect(record.time?.observed == moment("2026-02-28T08:15:00"))
    }

    // MARK: values that no person has

    struct Value: Sendable {
        var name: QuantityName
        var number: String
        var unit: MeasurementUnit
        var isPlausible: Bool
    }

    @Test(arguments: [
        Value(name: .weight, number: "1", unit: .kilogram, isPlausible: true),
        Value(name: .weight, number: "0.995", unit: .kilogram, isPlausible: false),
        Value(name: .weight, number: "500", unit: .kilogram, isPlausible: true),
        Value(name: .weight, number: "500.005", unit: .kilogram, isPlausible: false),
        Value(name: .weight, number: "1100", unit: .pound, isPlausible: true),
        Value(name: .weight, number: "1100.01", unit: .pound, isPlausible: false),
        Value(name: .systolic, number: "30", unit: .millimetreOfMercury, isPlausible: true),
        Value(name: .systolic, number: "29", unit: .millimetreOfMercury, isPlausible: false),
        Value(name: .systolic, number: "16.7", unit: .kilopascal, isPlausible: true),
        Value(name: .systolic, number: "120", unit: .kilopascal, isPlausible: false),
        Value(name: .diastolic, number: "251", unit: .millimetreOfMercury, isPlausible: false),
        Value(name: .pulseRate, number: "301", unit: .perMinute, isPlausible: false),
        Value(name: .glucose, number: "5.4", unit: .millimolePerLitre, isPlausible: true),
        Value(name: .glucose, number: "5.4", unit: .milligramPerDecilitre, isPlausible: false),
        Value(name: .bodyTemperature, number: "19.9", unit: .celsius, isPlausible: false),
        // Nothing is known of a weight in another unit, so it is not judged.
        Value(name: .weight, number: "9999", unit: .percent, isPlausible: true),
        Value(name: .steps, number: "9999999", unit: .steps, isPlausible: true),
    ]) func `a value outside of every person's range is not sent`(value: Value) throws {
        let number = try #require(ExactDecimal(value.number))
        let quantities = [Quantity(value.name, number, value.unit)]
        let violation = Plausibility.violation(quantities, profile: [:])
        #expect((violation == nil) == value.isPlausible)
    }

    @Test func `a profile's own range counts before the general one`() throws {
        let own: [QuantityName: PlausibleRange] = [
            .glucose: PlausibleRange(
                unit: .milligramPerDecilitre, minimum: ExactDecimal(10), maximum: ExactDecimal(600))
        ]
        func violation(_ number: Int64, _ unit: MeasurementUnit) -> QuantityName? {
            Plausibility.violation(
                [Quantity(.glucose, ExactDecimal(number), unit)], profile: own)
        }
        #expect(violation(15, .milligramPerDecilitre) == nil)
        #expect(violation(601, .milligramPerDecilitre) == .glucose)
        // A unit that the profile does not name has the general range.
        #expect(violation(57, .millimolePerLitre) == .glucose)
        #expect(violation(5, .millimolePerLitre) == nil)
    }

    @Test func `an absent value is not implausible`() {
        #expect(
            Plausibility.violation(
                [Quantity(.systolic, nil, .millimetreOfMercury)], profile: [:]) == nil)
    }

    @Test func `an implausible value waits for a person and has no time`() throws {
        let record = try #require(
            try builder("detecto-6880").record(
                weight("00 0100"), device: device,
                received: received, evidence: TimeEvidence(.pushed)))
        #expect(record.quarantine == .implausible)
        #expect(record.time == nil)
    }

    @Test func `a record is either dated or says why not`() throws {
        let builder = try builder("and-ua-651ble")
        var random = Seeded(3)
        for _ in 0..<500 {
            let scene = Scene.random(&random)
            var reading = pressure()
            reading.deviceTime = scene.reading.deviceTime
            let record = try #require(
                builder.record(
                    reading, device: device, received: scene.received,
                    evidence: TimeEvidence(scene.delivery, scene.clock)))
            #expect((record.time == nil) == (record.quarantine != nil))
        }
    }
}
