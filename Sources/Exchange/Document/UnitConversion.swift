package import Measurement

/// The way from the unit a device reports to the unit a format wants, exact until the one rounding.
///
/// A factor is a fraction of two decimals, so that neither a pound nor a kilopascal is rounded before
/// the result is. `docs/decisions/0002-unit-conversion.md` says where each comes from.
package enum UnitConversion {
    /// The number in another unit with `decimals` digits; nil where there is no way or no room.
    package static func convert(
        _ number: ExactDecimal, from unit: MeasurementUnit, to wanted: MeasurementUnit,
        decimals: Int
    ) -> ExactDecimal? {
        if unit == wanted { return number.rounded(toDecimals: decimals) }
        guard let factor = factor(from: unit, to: wanted),
            let product = number.multiplied(by: factor.numerator)
        else { return nil }
        if factor.denominator == one { return product.rounded(toDecimals: decimals) }
        return product.divided(by: factor.denominator, decimals: decimals)
    }

    private struct Factor {
        var numerator: ExactDecimal
        var denominator: ExactDecimal = one
    }

    private static let one = ExactDecimal(1)

    private static func factor(
        from unit: MeasurementUnit, to wanted: MeasurementUnit
    ) -> Factor? {
        switch (unit, wanted) {
        // Mass: the international avoirdupois pound is exactly 0.45359237 kg.
        case (.pound, .kilogram): Factor(numerator: ExactDecimal(45_359_237, exponent: -8))
        case (.stone, .kilogram): Factor(numerator: ExactDecimal(635_029_318, exponent: -8))
        case (.ounce, .kilogram): Factor(numerator: ExactDecimal(28_349_523_125, exponent: -12))
        case (.jin, .kilogram): Factor(numerator: ExactDecimal(5, exponent: -1))
        case (.gram, .kilogram): Factor(numerator: ExactDecimal(1, exponent: -3))
        // The conventional millimetre of mercury is exactly 133.322387415 Pa.
        case (.kilopascal, .millimetreOfMercury):
            Factor(
                numerator: ExactDecimal(1, exponent: 3),
                denominator: ExactDecimal(133_322_387_415, exponent: -9))
        // Glucose, C6H12O6: 180.156 g/mol.
        case (.millimolePerLitre, .milligramPerDecilitre):
            Factor(numerator: ExactDecimal(180_156, exponent: -4))
        // The thermochemical calorie is exactly 4.184 J.
        case (.kilojoule, .kilocalorie):
            Factor(numerator: one, denominator: ExactDecimal(4_184, exponent: -3))
        case (.second, .minute): Factor(numerator: one, denominator: ExactDecimal(60))
        default: nil
        }
    }
}
