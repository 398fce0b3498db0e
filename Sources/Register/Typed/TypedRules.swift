package import Measurement

/// What a person may type, in which units, and within which limits.
///
/// Two limits for each value: beyond the *usual* ones it is taken only when it was confirmed, beyond the
/// *possible* ones never. Neither says anything about health: they find slips of the finger.
package struct TypedRule: Sendable, Equatable {
    package var name: QuantityName
    /// The unit that is meant where none is typed; limits are in it.
    package var unit: MeasurementUnit
    /// Further units that may be typed; their values are judged in `unit`.
    package var units: [MeasurementUnit]
    package var usual: ClosedRange<ExactDecimal>
    package var possible: ClosedRange<ExactDecimal>
    /// Counted in whole numbers: steps, minutes.
    package var isWhole: Bool

    init(
        _ name: QuantityName, _ unit: MeasurementUnit, or units: [MeasurementUnit] = [],
        usual: ClosedRange<Int64>, possible: ClosedRange<Int64>, isWhole: Bool = false
    ) {
        self.name = name
        self.unit = unit
        self.units = units
        self.usual = ExactDecimal(usual.lowerBound)...ExactDecimal(usual.upperBound)
        self.possible = ExactDecimal(possible.lowerBound)...ExactDecimal(possible.upperBound)
        self.isWhole = isWhole
    }
}

/// A kind of measurement that can be typed: the values it needs and those it may have.
package struct TypedForm: Sendable, Equatable {
    package var kind: MeasurementKind
    package var needed: [TypedRule]
    package var further: [TypedRule]

    package var rules: [TypedRule] { needed + further }

    package static let all = [
        TypedForm(kind: .bloodPressure, needed: [systolic, diastolic], further: [pulse]),
        TypedForm(kind: .bodyComposition, needed: [weight, bodyFat], further: []),
        TypedForm(kind: .weight, needed: [weight], further: []),
        TypedForm(kind: .activity, needed: [steps, active], further: activity),
        TypedForm(kind: .hba1c, needed: [hba1c], further: []),
        TypedForm(kind: .glucose, needed: [glucose], further: []),
    ]

    /// The rules of a kind, also where values of it cannot be typed anew.
    package static func of(_ kind: MeasurementKind) -> TypedForm? { all.first { $0.kind == kind } }

    private static let weight = TypedRule(
        .weight, .kilogram, or: [.pound, .stone, .gram], usual: 20...200, possible: 1...500)
    private static let bodyFat = TypedRule(.bodyFat, .percent, usual: 3...60, possible: 1...90)
    private static let systolic = TypedRule(
        .systolic, .millimetreOfMercury, or: [.kilopascal], usual: 70...220, possible: 30...320)
    private static let diastolic = TypedRule(
        .diastolic, .millimetreOfMercury, or: [.kilopascal], usual: 40...130, possible: 10...250)
    private static let pulse = TypedRule(
        .pulseRate, .perMinute, usual: 40...140, possible: 20...300, isWhole: true)
    private static let hba1c = TypedRule(.hba1c, .percent, usual: 4...14, possible: 3...20)
    private static let glucose = TypedRule(
        .glucose, .milligramPerDecilitre, or: [.millimolePerLitre], usual: 40...400,
        possible: 20...1_000)
    private static let steps = TypedRule(
        .steps, .steps, usual: 0...50_000, possible: 0...99_999, isWhole: true)
    private static let active = TypedRule(
        .totalActiveDuration, .minute, usual: 1...1_440, possible: 1...1_440, isWhole: true)
    private static let activity = [
        TypedRule(.walkTime, .minute, usual: 0...720, possible: 0...1_440, isWhole: true),
        TypedRule(
            .moderateIntensityActivity, .minute, usual: 0...720, possible: 0...1_440,
            isWhole: true),
        TypedRule(.calories, .kilocalorie, or: [.kilojoule], usual: 0...4_000, possible: 0...9_999),
        TypedRule(
            .totalCalories, .kilocalorie, or: [.kilojoule], usual: 0...8_000,
            possible: 0...9_999),
        TypedRule(.distance, .metre, or: [.kilometre], usual: 0...50_000, possible: 0...200_000),
    ]
}
