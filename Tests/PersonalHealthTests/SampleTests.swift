import Measurement
import Testing

@testable import PersonalHealth

@Suite("SampleBuilder")
struct SampleTests {
    private func observation(
        _ type: MetricType, _ number: MedicalFloat? = nil, unit: UInt16? = nil,
        label: String? = nil,
        time: AgentTime? = nil, chosen: UInt16? = nil, status: UInt16 = 0, person: UInt16? = nil,
        seconds: MedicalFloat? = nil
    ) -> Observation {
        var made = Observation(AgentObject(handle: 1, type: type, unit: unit, valueMap: []))
        made.label = label
        made.time = time
        made.chosen = chosen
        made.status = status
        made.person = person
        made.activeSeconds = seconds
        if let number {
            made.values = [.init(type: type, number: number, unit: unit, raw: [1, 2])]
        }
        return made
    }

    private func lines(_ observations: [Observation], maker: [UInt8] = []) -> [String] {
        SampleBuilder(makerID: maker).samples(observations).map(\.line)
    }

    private func number(_ mantissa: Int64, _ exponent: Int = 0) -> MedicalFloat {
        .number(ExactDecimal(mantissa, exponent: exponent))
    }

    struct Value: Sendable, CustomTestStringConvertible {
        var code: UInt16
        var unit: UInt16
        var number: ExactDecimal
        var line: String
        var partition: UInt16 = 2
        var testDescription: String { line }
    }

    @Test(
        "each code of the nomenclature is one quantity, in the unit the device sent",
        arguments: [
            Value(
                code: 57_664, unit: 1_731, number: .init(7_620, exponent: -2),
                line: "weight measured · weight=76.20 kg"),
            Value(
                code: 57_664, unit: 1_760, number: .init(1_600, exponent: -1),
                line: "weight measured · weight=160.0 [lb_av]"),
            Value(
                code: 57_684, unit: 1_731, number: .init(50),
                line: "body-composition measured · fat_free_mass=50 kg"),
            Value(
                code: 57_688, unit: 1_731, number: .init(50),
                line: "body-composition measured · soft_lean_mass=50 kg"),
            Value(
                code: 57_692, unit: 1_731, number: .init(40),
                line: "body-composition measured · body_water_mass=40 kg"),
            Value(
                code: 57_692, unit: 544, number: .init(55),
                line: "body-composition measured · body_water=55 %"),
            Value(
                code: 57_696, unit: 3_971, number: .init(6_500),
                line: "body-composition measured · basal_metabolism=6500 kJ"),
            Value(
                code: 57_696, unit: 3_968, number: .init(6_500_000),
                line: "body-composition measured · basal_metabolism=6500.000 kJ"),
            Value(
                code: 57_700, unit: 544, number: .init(401, exponent: -1),
                line: "body-composition measured · muscle=40.1 %"),
            Value(
                code: 57_704, unit: 1_731, number: .init(26),
                line: "body-composition measured · muscle_mass=26 kg"),
            Value(
                code: 57_708, unit: 4_288, number: .init(512),
                line: "body-composition measured · impedance=512 Ohm"),
            Value(
                code: 19_292, unit: 6_048, number: .init(3_700, exponent: -2),
                line: "temperature measured · body_temperature=37.00 Cel"),
            Value(
                code: 57_356, unit: 4_416, number: .init(986, exponent: -1),
                line: "temperature measured · body_temperature=98.6 [degF]"),
            Value(
                code: 29_112, unit: 2_130, number: .init(850, exponent: -1),
                line: "glucose measured · glucose=85.0 mg/dL"),
            Value(
                code: 29_116, unit: 4_722, number: .init(47, exponent: -1),
                line: "glucose measured · glucose=4.7 mmol/L"),
            Value(
                code: 29_148, unit: 544, number: .init(58, exponent: -1),
                line: "hba1c measured · hba1c=5.8 %"),
            Value(
                code: 18_474, unit: 2_720, number: .init(71),
                line: "heart-rate measured · heart_rate=71 /min"),
            Value(
                code: 103, unit: 6_656, number: .init(8_348),
                line: "activity measured · steps=8348 {steps}", partition: 129),
            Value(
                code: 103, unit: 1_280, number: .init(6_775),
                line: "activity measured · distance=6775 m", partition: 129),
            Value(
                code: 119, unit: 6_784, number: .init(308_000),
                line: "activity measured · calories=308.000 kcal", partition: 129),
            Value(
                code: 119, unit: 6_787, number: .init(308),
                line: "activity measured · calories=308 kcal", partition: 129),
            Value(
                code: 125, unit: 2_240, number: .init(2),
                line: "activity measured · total_active_duration=120 min", partition: 129),
            Value(
                code: 114, unit: 2_720, number: .init(88),
                line: "heart-rate measured · heart_rate=88 /min", partition: 129),
        ])
    func quantities(_ value: Value) {
        let type = MetricType(value.partition, value.code)
        #expect(lines([observation(type, .number(value.number), unit: value.unit)]) == [value.line])
    }

    @Test("a value in a unit that its quantity cannot have is kept as a detail, never as a value")
    func wrongUnit() {
        let weight = MetricType(2, 57_664)
        #expect(
            lines([observation(weight, number(76), unit: 544)])
                == ["none state · mdc-0002e140: 76 unit 544"])
        #expect(
            lines([observation(weight, number(76), unit: 9_999)])
                == ["none state · mdc-0002e140: 76 unit 9999"])
        #expect(lines([observation(weight, number(76))]) == ["none state · mdc-0002e140: 76"])
    }

    @Test("a maker's own codes count only for that maker's devices and under their labels")
    func makers() {
        let metabolism = observation(
            MetricType(2, 0xF001), number(1_695, 3), unit: 6_784, label: "BME")
        let visceral = observation(MetricType(2, 0xF002), number(80, -1), unit: 544, label: "VFL")
        #expect(
            lines([metabolism, visceral], maker: [0x00, 0x22, 0x09]) == [
                "body-composition measured · basal_metabolism=1695 kcal · visceral_fat_level=8.0 1"
            ])
        #expect(
            lines([metabolism], maker: [0x00, 0x60, 0x19])
                == ["none state · mdc-0002f001: 1695000 unit 6784"])
        let unlabelled = observation(MetricType(2, 0xF001), number(1_695, 3), unit: 6_784)
        #expect(lines([unlabelled], maker: [0x00, 0x22, 0x09])[0].hasPrefix("none state"))
    }

    @Test("HI, LO and NaN of a meter are no number, and say which they were")
    func specials() {
        let glucose = MetricType(2, 29_112)
        func line(_ number: MedicalFloat) -> String {
            lines([observation(glucose, number, unit: 2_130)])[0]
        }
        #expect(line(.positiveInfinity) == "glucose failed · glucose=- mg/dL · #result-too-high")
        #expect(line(.negativeInfinity) == "glucose failed · glucose=- mg/dL · #result-too-low")
        #expect(line(.notANumber) == "glucose failed · glucose=- mg/dL")
        #expect(line(.notAtThisResolution) == "glucose failed · glucose=- mg/dL")
        #expect(line(.reserved) == "glucose failed · glucose=- mg/dL")
    }

    @Test("nothing on the scale, or no sugar at all, is no measurement")
    func zero() {
        let weight = observation(MetricType(2, 57_664), number(0, -1), unit: 1_731)
        #expect(lines([weight]) == ["weight failed · weight=0.0 kg"])
        let glucose = observation(MetricType(2, 29_112), number(0), unit: 2_130)
        #expect(lines([glucose]) == ["glucose failed · glucose=0 mg/dL"])
        let steps = observation(MetricType(129, 103), number(0), unit: 6_656)
        #expect(lines([steps]) == ["activity measured · steps=0 {steps}"])
    }

    @Test("numbers that no device shows are no number")
    func impossible() {
        let weight = MetricType(2, 57_664)
        for number in [number(-5), number(1, 100), number(1, -100), number(999_999, 6)] {
            #expect(
                lines([observation(weight, number, unit: 1_731)]) == ["weight failed · weight=- kg"]
            )
        }
    }

    struct Status: Sendable, CustomTestStringConvertible {
        var word: UInt16
        var line: String
        var testDescription: String { line }
    }

    @Test(
        "what the device says of its own value decides whether it is one",
        arguments: [
            Status(word: 0x8000, line: "weight failed · weight=76 kg"),
            Status(word: 0x2000, line: "weight failed · weight=76 kg"),
            Status(word: 0x1000, line: "weight ongoing · weight=76 kg"),
            Status(word: 0x0040, line: "weight ongoing · weight=76 kg"),
            Status(word: 0x0020, line: "weight ongoing · weight=76 kg"),
            Status(word: 0x4000, line: "weight measured · weight=76 kg · #questionable"),
            Status(word: 0x0800, line: "weight state · weight=76 kg · #test-data"),
            Status(word: 0x0400, line: "weight state · weight=76 kg · #test-data"),
            Status(word: 0x0080, line: "weight measured · weight=76 kg"),
        ])
    func statuses(_ status: Status) {
        let weight = observation(
            MetricType(2, 57_664), number(76), unit: 1_731, status: status.word)
        #expect(lines([weight]) == [status.line])
    }

    @Test("nothing of a test association is a person's value")
    func testAssociation() {
        let weight = observation(MetricType(2, 57_664), number(76), unit: 1_731)
        let found = SampleBuilder(isTest: true).samples([weight])
        #expect(found.map(\.outcome) == [.state])
    }

    @Test("control solution is never a person's glucose, said by type or by place")
    func controlSolution() {
        let control = observation(MetricType(2, 29_136), number(100), unit: 2_130)
        #expect(lines([control]) == ["glucose controlSolution · glucose=100 mg/dL"])
        let value = observation(MetricType(2, 29_112), number(100), unit: 2_130)
        let place = observation(MetricType(128, 29_236), chosen: 29_252)
        #expect(lines([value, place]) == ["glucose controlSolution · glucose=100 mg/dL"])
    }

    @Test("the meal belongs to the glucose value of the same moment")
    func meals() {
        let moment = AgentTime.absolute(LocalDateTime(year: 2026, month: 3, day: 1, hour: 8))
        let other = AgentTime.absolute(LocalDateTime(year: 2026, month: 3, day: 1, hour: 9))
        func glucose(_ time: AgentTime) -> Observation {
            observation(MetricType(2, 29_112), number(100), unit: 2_130, time: time)
        }
        let expected: [(UInt16, String)] = [
            (29_260, "meal 1 · #before-meal"), (29_264, "meal 2 · #after-meal"),
            (29_268, "meal 3 · #fasting"), (29_272, "meal 4 · #casual"),
            (29_261, "meal 5 · #bedtime"),
        ]
        for (code, text) in expected {
            let meal = observation(MetricType(128, 29_256), time: moment, chosen: code)
            #expect(
                lines([glucose(moment), glucose(other), meal]) == [
                    "glucose measured · glucose=100 mg/dL · @2026-03-01T08:00:00 · \(text)",
                    "glucose measured · glucose=100 mg/dL · @2026-03-01T09:00:00",
                ])
        }
        let unknown = observation(MetricType(128, 29_256), time: moment, chosen: 1)
        #expect(lines([glucose(moment), unknown])[0].hasSuffix("mdc-00807248: code 1"))
    }

    @Test("two weighings of the same second are two weighings")
    func sameMoment() {
        let moment = AgentTime.absolute(LocalDateTime(year: 2026, month: 3, day: 1))
        let weights = [76, 77].map {
            observation(MetricType(2, 57_664), number($0), unit: 1_731, time: moment)
        }
        #expect(lines(weights).count == 2)
    }

    @Test("the pulse goes with the pressures of its person and moment, else it stands alone")
    func pulses() {
        let moment = AgentTime.relative(5)
        func pressure(_ code: UInt16, _ value: Int64, _ person: UInt16) -> Observation {
            observation(
                MetricType(2, code), number(value), unit: 3_872, time: moment, person: person)
        }
        let pulse = observation(
            MetricType(2, 18_474), number(60), unit: 2_720, time: moment, person: 2)
        let found = lines([
            pulse, pressure(18_949, 120, 1), pressure(18_950, 80, 1), pressure(18_949, 130, 2),
            pressure(18_950, 85, 2),
        ])
        #expect(
            found == [
                "blood-pressure measured · systolic=120 mm[Hg] · diastolic=80 mm[Hg] · @tick 5 · person 1",
                "blood-pressure measured · systolic=130 mm[Hg] · diastolic=85 mm[Hg] · pulse_rate=60 /min "
                    + "· @tick 5 · person 2",
            ])
    }

    @Test("a pressure without its other half is no blood pressure")
    func halfPressure() {
        let systolic = observation(MetricType(2, 18_949), number(120), unit: 3_872)
        #expect(lines([systolic]) == ["blood-pressure failed · systolic=120 mm[Hg]"])
    }

    @Test("height alone is no measurement; with a weight it belongs to it")
    func height() {
        let height = observation(MetricType(2, 57_668), number(171), unit: 1_297)
        let weight = observation(MetricType(2, 57_664), number(796, -1), unit: 1_731)
        #expect(lines([height]) == ["none state · height=171 cm"])
        #expect(lines([weight, height]) == ["weight measured · weight=79.6 kg · height=171 cm"])
    }

    @Test("an activity has the length of its session, and walking time where it was a walk")
    func activity() {
        let session = observation(
            MetricType(129, 124), time: .relative(9), chosen: 1_017, seconds: number(600))
        let steps = observation(
            MetricType(129, 103), number(1_012), unit: 6_656, time: .relative(9))
        #expect(
            lines([session, steps]) == [
                "activity measured · steps=1012 {steps} · walk_time=600 s · @tick 9 · for 600 s · "
                    + "mdc-0081007c: code 1017"
            ])
    }

    @Test("a value is typed where somebody typed it; a typed height beside a weighing is not that")
    func typed() {
        var weight = observation(MetricType(2, 57_664), number(76), unit: 1_731)
        var height = observation(MetricType(2, 57_668), number(171), unit: 1_297)
        height.isManual = true
        #expect(lines([weight, height]) == ["weight measured · weight=76 kg · height=171 cm"])
        weight.isManual = true
        #expect(lines([weight]) == ["weight measured · weight=76 kg · #manual-entry"])
    }

    @Test("the key's bytes hold types and raw values, so that a second read gives the same key")
    func keys() {
        let first = SampleBuilder().samples([
            observation(MetricType(2, 57_664), number(76), unit: 1_731, time: .relative(1))
        ])
        let later = SampleBuilder().samples([
            observation(MetricType(2, 57_664), number(76), unit: 1_731, time: .relative(2))
        ])
        #expect(first[0].keyBytes == [0xE1, 0x40, 1, 2])
        #expect(first[0].keyBytes == later[0].keyBytes)
    }
}
