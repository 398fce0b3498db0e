package import Measurement

/// Ranges outside which no person's value lies; a profile may narrow or widen them for its model.
package enum Plausibility {
    /// Limits in the unit a device may report; values in other units are not judged here.
    static let defaults: [QuantityName: [PlausibleRange]] = [
        .weight: [range(.kilogram, 1, 500), range(.pound, 2, 1_100), range(.jin, 2, 1_000)],
        .systolic: [range(.millimetreOfMercury, 30, 320), range(.kilopascal, 4, 43)],
        .diastolic: [range(.millimetreOfMercury, 10, 250), range(.kilopascal, 1, 34)],
        .pulseRate: [range(.perMinute, 20, 300)],
        .glucose: [range(.milligramPerDecilitre, 20, 1_000), range(.millimolePerLitre, 1, 56)],
        .bodyTemperature: [range(.celsius, 20, 45)],
        .oxygenSaturation: [range(.percent, 20, 100)],
        .heartRate: [range(.perMinute, 20, 300)],
        .hba1c: [range(.percent, 3, 20)],
    ]

    private static func range(
        _ unit: MeasurementUnit, _ minimum: Int64, _ maximum: Int64
    ) -> PlausibleRange {
        PlausibleRange(
            unit: unit, minimum: ExactDecimal(minimum), maximum: ExactDecimal(maximum))
    }

    /// The first quantity that cannot be a person's value; nil when all can.
    package static func violation(
        _ quantities: [Quantity], profile: [QuantityName: PlausibleRange]
    ) -> QuantityName? {
        quantities.first { quantity in
            guard let number = quantity.number else { return false }
            let own = profile[quantity.name].map { [$0] } ?? []
            let ranges = (own + (defaults[quantity.name] ?? [])).filter {
                $0.unit == quantity.unit
            }
            guard let range = ranges.first else { return false }
            return number < range.minimum || number > range.maximum
        }?.name
    }
}
