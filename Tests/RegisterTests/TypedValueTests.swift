import Measurement
import Testing

@testable import Register

/// What a person types: taken as it was meant, or refused with what would be taken.
@Suite struct TypedValueTests {
    private func read(
        _ words: String, known: [Quantity] = []
    ) throws(TypedRefusal) -> (kind: MeasurementKind, quantities: [Quantity]) {
        let values = words.split(separator: " ").map { word in
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            return (name: parts[0], text: parts.count > 1 ? parts[1] : "")
        }
        let form = try TypedValue.form(values.map(\.name))
        return (form.kind, try TypedValue.quantities(values, of: form, known: known))
    }

    struct Good: Sendable, CustomTestStringConvertible {
        var words: String
        var kind: MeasurementKind
        var texts: [String]
        var testDescription: String { words }
    }

    @Test(arguments: [
        Good(words: "weight=72.5", kind: .weight, texts: ["weight 72.5 kg"]),
        Good(words: "weight=72.50kg", kind: .weight, texts: ["weight 72.50 kg"]),
        Good(words: "weight=160lb", kind: .weight, texts: ["weight 160 [lb_av]"]),
        Good(
            words: "weight=７２．５", kind: .weight, texts: ["weight 72.5 kg"]),
        Good(
            words: "weight=72.5 body_fat=23.1", kind: .bodyComposition,
            texts: ["weight 72.5 kg", "body_fat 23.1 %"]),
        Good(
            words: "systolic=125 diastolic=80 pulse=64", kind: .bloodPressure,
            texts: ["systolic 125 mm[Hg]", "diastolic 80 mm[Hg]", "pulse_rate 64 /min"]),
        Good(
            words: "diastolic=80mmHg systolic=16.7kPa", kind: .bloodPressure,
            texts: ["diastolic 80 mm[Hg]", "systolic 16.7 kPa"]),
        Good(words: "hba1c=6.5%", kind: .hba1c, texts: ["hba1c 6.5 %"]),
        Good(words: "glucose=5.4mmol/L", kind: .glucose, texts: ["glucose 5.4 mmol/L"]),
        Good(
            words: "steps=8000 total-active-duration=1440 walk_time=95", kind: .activity,
            texts: ["steps 8000 {steps}", "total_active_duration 1440 min", "walk_time 95 min"]),
    ])
    func `a measurement is told by its values, digits and units as typed`(good: Good) throws {
        let found = try read(good.words)
        #expect(found.kind == good.kind)
        let texts = found.quantities.map {
            "\($0.name.rawValue) \($0.number?.text ?? "?") \($0.unit.rawValue)"
        }
        #expect(texts == good.texts)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var words: String
        var code: String
        var says: String
        var testDescription: String { words }
    }

    @Test(arguments: [
        Bad(words: "systolic=125", code: "missing-value", says: "diastolic"),
        Bad(words: "steps=8000", code: "missing-value", says: "total_active_duration"),
        Bad(words: "pulse=64", code: "missing-value", says: "systolic, diastolic"),
        Bad(words: "mood=7", code: "unknown-value", says: "systolic diastolic [pulse_rate]"),
        Bad(words: "weight=70 glucose=90", code: "unknown-value", says: "accepted"),
        Bad(words: "weight=heavy", code: "not-a-number", says: "72.5"),
        Bad(words: "weight=-70", code: "not-a-number", says: "weight"),
        Bad(words: "weight=7e1", code: "wrong-unit", says: "kg"),
        Bad(words: "weight=.5", code: "not-a-number", says: "weight"),
        Bad(words: "weight=72,5", code: "wrong-unit", says: "kg"),
        Bad(words: "weight=1234567890123", code: "not-a-number", says: "weight"),
        Bad(words: "weight=70mmHg", code: "wrong-unit", says: "kg, [lb_av], [stone_av], g"),
        Bad(words: "hba1c=48mmol/mol", code: "wrong-unit", says: "%"),
        Bad(words: "weight=70 WEIGHT=71", code: "value-twice", says: "WEIGHT"),
    ])
    func `what is no value is refused with what would be taken`(bad: Bad) {
        let refusal = #expect(throws: TypedRefusal.self) { try read(bad.words) }
        #expect(refusal?.code == bad.code, "\(refusal?.description ?? "")")
        #expect(refusal?.description.contains(bad.says) == true, "\(refusal?.description ?? "")")
    }

    @Test func `a correction takes the unit of the record and may name each of its values`() throws
    {
        let known = [
            Quantity(.weight, ExactDecimal(160), .pound),
            Quantity(.impedance, ExactDecimal(500), .ohm),
        ]
        let form = TypedForm.of(.weight)
        let found = try TypedValue.quantities(
            [(name: "weight", text: "161"), (name: "impedance", text: "510")], of: form,
            known: known)
        #expect(found.map(\.unit) == [.pound, .ohm])
        let refusal = #expect(throws: TypedRefusal.self) {
            try TypedValue.quantities([(name: "pulse", text: "60")], of: form, known: known)
        }
        #expect(refusal?.description.contains("weight, impedance") == true)
    }

    // MARK: limits

    /// Enough of the conversion for the limits: kPa and mmol/L roughly, the rest as it is.
    private func convert(
        _ number: ExactDecimal, _ unit: MeasurementUnit, _ wanted: MeasurementUnit
    ) -> ExactDecimal? {
        switch (unit, wanted) {
        case let (a, b) where a == b: number
        case (.kilopascal, .millimetreOfMercury):
            number.multiplied(by: ExactDecimal("7.5") ?? number)
        case (.pound, .kilogram): number.multiplied(by: ExactDecimal("0.45") ?? number)
        case (.millimolePerLitre, .milligramPerDecilitre): number.multiplied(by: ExactDecimal(18))
        default: nil
        }
    }

    private func refusal(_ words: String, confirmed: Bool = false) throws -> TypedRefusal? {
        let found = try read(words).quantities
        do throws(TypedRefusal) {
            try TypedValue.check(found, isConfirmed: confirmed, convert: convert)
            return nil
        } catch {
            return error
        }
    }

    struct Limit: Sendable, CustomTestStringConvertible {
        var words: String
        /// Nil: taken; `unusual`: only when confirmed; else never.
        var code: String?
        var testDescription: String { words }
    }

    @Test(arguments: [
        Limit(words: "weight=20"), Limit(words: "weight=200"), Limit(words: "weight=150lb"),
        Limit(words: "weight=19.9", code: "unusual"),
        Limit(words: "weight=725", code: "impossible"),
        Limit(words: "weight=0", code: "impossible"), Limit(words: "weight=500lb", code: "unusual"),
        Limit(words: "systolic=120 diastolic=80"),
        Limit(words: "systolic=230 diastolic=80", code: "unusual"),
        Limit(words: "systolic=80 diastolic=120", code: "impossible"),
        Limit(words: "systolic=16kPa diastolic=80"),
        Limit(words: "systolic=16kPa diastolic=125", code: "impossible"),
        Limit(words: "systolic=1200 diastolic=80", code: "impossible"),
        Limit(words: "systolic=120 diastolic=80 pulse=64.5", code: "not-whole"),
        Limit(words: "glucose=5.4mmol/L"), Limit(words: "glucose=30mmol/L", code: "unusual"),
        Limit(words: "hba1c=6.5"), Limit(words: "hba1c=65", code: "impossible"),
        Limit(words: "steps=60000 total_active_duration=1440", code: "unusual"),
        Limit(words: "steps=100000 total_active_duration=1440", code: "impossible"),
        Limit(words: "steps=10 total_active_duration=1441", code: "impossible"),
    ])
    func `a slip of the finger is asked about or refused`(limit: Limit) throws {
        #expect(try refusal(limit.words)?.code == limit.code)
        let confirmed = limit.code == "unusual" ? nil : limit.code
        #expect(try refusal(limit.words, confirmed: true)?.code == confirmed)
    }
}
