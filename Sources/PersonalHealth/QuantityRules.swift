import Measurement

/// Which of the project's quantities a code of the nomenclature is, and in which unit it may come.
enum QuantityRules {
    /// A unit of the nomenclature in the project's units: value × factor × 10^shift.
    struct UnitRule {
        var unit: MeasurementUnit
        var shift = 0
        var factor: Int64 = 1
    }

    /// Prefixes are part of a code: base + 3 is kilo, + 17 centi, + 18 milli.
    static let units: [UInt16: UnitRule] = [
        512: UnitRule(unit: .one),
        544: UnitRule(unit: .percent),
        1_280: UnitRule(unit: .metre),
        1_283: UnitRule(unit: .kilometre),
        1_297: UnitRule(unit: .centimetre),
        1_376: UnitRule(unit: .inch),
        1_728: UnitRule(unit: .gram),
        1_731: UnitRule(unit: .kilogram),
        1_760: UnitRule(unit: .pound),
        1_952: UnitRule(unit: .kilogramPerSquareMetre),
        2_130: UnitRule(unit: .milligramPerDecilitre),
        2_176: UnitRule(unit: .second),
        2_208: UnitRule(unit: .minute),
        2_240: UnitRule(unit: .minute, factor: 60),
        2_720: UnitRule(unit: .perMinute),
        3_843: UnitRule(unit: .kilopascal),
        3_872: UnitRule(unit: .millimetreOfMercury),
        3_968: UnitRule(unit: .kilojoule, shift: -3),
        3_971: UnitRule(unit: .kilojoule),
        4_288: UnitRule(unit: .ohm),
        4_416: UnitRule(unit: .fahrenheit),
        4_722: UnitRule(unit: .millimolePerLitre),
        6_048: UnitRule(unit: .celsius),
        6_656: UnitRule(unit: .steps),
        6_784: UnitRule(unit: .kilocalorie, shift: -3),
        6_787: UnitRule(unit: .kilocalorie),
    ]

    private static let mass: [MeasurementUnit] = [.kilogram, .gram, .pound]
    private static let length: [MeasurementUnit] = [.metre, .centimetre, .inch]
    private static let pressure: [MeasurementUnit] = [.millimetreOfMercury, .kilopascal]
    private static let energy: [MeasurementUnit] = [.kilocalorie, .kilojoule]
    private static let degrees: [MeasurementUnit] = [.celsius, .fahrenheit]
    private static let sugar: [MeasurementUnit] = [.milligramPerDecilitre, .millimolePerLitre]

    /// Candidates of a code of MDC_PART_SCADA; the unit chooses among them.
    private static let physiology: [UInt16: [(QuantityName, [MeasurementUnit])]] = {
        var rules: [UInt16: [(QuantityName, [MeasurementUnit])]] = [
            18_474: [(.pulseRate, [.perMinute])],
            18_458: [(.pulseRate, [.perMinute])],
            18_949: [(.systolic, pressure)],
            18_950: [(.diastolic, pressure)],
            18_951: [(.meanArterialPressure, pressure)],
            19_384: [(.oxygenSaturation, [.percent])],
            29_148: [(.hba1c, [.percent])],
            57_664: [(.weight, mass)],
            57_668: [(.height, length)],
            57_676: [(.bodyFat, [.percent])],
            57_680: [(.bodyMassIndex, [.kilogramPerSquareMetre])],
            57_684: [(.fatFreeMass, mass)],
            57_688: [(.softLeanMass, mass)],
            57_692: [(.bodyWaterMass, mass), (.bodyWater, [.percent])],
            57_696: [(.basalMetabolism, energy)],
            57_700: [(.muscle, [.percent])],
            57_704: [(.muscleMass, mass)],
            57_708: [(.impedance, [.ohm])],
        ]
        for code in temperatures { rules[code] = [(.bodyTemperature, degrees)] }
        for code in glucoses { rules[code] = [(.glucose, sugar)] }
        return rules
    }()
    /// Body, rectal, oral, ear, finger, toe, axilla, gastro-intestinal.
    private static let temperatures: [UInt16] = [
        19_292, 57_348, 57_352, 57_356, 57_360, 57_376, 57_380, 57_384,
    ]
    /// MDC_CONC_GLU_CONTROL
    static let controlSolution: UInt16 = 29_136
    /// General, capillary, venous, arterial, control, interstitial, undetermined.
    private static let glucoses: [UInt16] = [
        28_948, 29_112, 29_116, 29_120, 29_124, 29_128, 29_132, controlSolution, 29_140, 29_292,
        29_296,
    ]

    /// Candidates of a code of MDC_PART_PHD_HF; steps are a distance in steps.
    private static let fitness: [UInt16: [(QuantityName, [MeasurementUnit])]] = [
        103: [(.steps, [.steps]), (.distance, [.metre, .kilometre])],
        114: [(.heartRate, [.perMinute])],
        119: [(.calories, energy)],
        125: [(.totalActiveDuration, [.second, .minute])],
    ]

    /// Codes that a maker gave out itself, with the label that its objects carry.
    private static let omron: [UInt16: (label: String, QuantityName, [MeasurementUnit])] = [
        0xF001: ("BME", .basalMetabolism, [.kilocalorie]),
        0xF002: ("VFL", .visceralFatLevel, [.one, .percent]),
    ]
    private static let omronID: [UInt8] = [0x00, 0x22, 0x09]

    static func candidates(
        _ type: MetricType, label: String?, makerID: [UInt8]
    ) -> [(QuantityName, [MeasurementUnit])] {
        switch type.partition {
        case MetricType.physiology:
            if makerID == omronID, let own = omron[type.code], own.label == label {
                return [(own.1, own.2)]
            }
            return physiology[type.code] ?? []
        case MetricType.fitness: return fitness[type.code] ?? []
        default: return []
        }
    }

    /// The quantity of a value; nil where code or unit are unknown, or do not fit each other.
    static func quantity(
        _ value: Observation.Value, label: String?, makerID: [UInt8]
    ) -> Quantity? {
        guard let rule = value.unit.flatMap({ units[$0] }) else { return nil }
        let found = candidates(value.type, label: label, makerID: makerID).first {
            $0.1.contains(rule.unit)
        }
        guard let name = found?.0 else { return nil }
        let unit: MeasurementUnit = name == .visceralFatLevel ? .one : rule.unit
        guard let number = value.number.number, isPossible(number) else {
            return Quantity(name, nil, unit)
        }
        let scaled = ExactDecimal(number.mantissa, exponent: number.exponent + rule.shift)
        return Quantity(name, scaled.multiplied(by: ExactDecimal(rule.factor)), unit)
    }

    /// Digits that no device shows are no number.
    private static func isPossible(_ number: ExactDecimal) -> Bool {
        (-8...6).contains(number.exponent) && !(number < ExactDecimal(0))
            && number < ExactDecimal(100_000_000)
    }
}
