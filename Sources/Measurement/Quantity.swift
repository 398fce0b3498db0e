/// What was measured, in groups that a person would call one measurement.
package enum MeasurementKind: String, Sendable, CaseIterable {
    case weight
    case bodyComposition = "body-composition"
    case bloodPressure = "blood-pressure"
    case activity
    case glucose
    case hba1c
    case heartRate = "heart-rate"
    case temperature
    case oxygenSaturation = "oxygen-saturation"
}

/// The name of one value inside a measurement, as every output of the project spells it.
package enum QuantityName: String, Sendable, CaseIterable {
    case weight
    case bodyFat = "body_fat"
    case bodyMassIndex = "body_mass_index"
    case height
    case basalMetabolism = "basal_metabolism"
    case muscle
    case muscleMass = "muscle_mass"
    case skeletalMuscle = "skeletal_muscle"
    case fatFreeMass = "fat_free_mass"
    case softLeanMass = "soft_lean_mass"
    case bodyWater = "body_water"
    case bodyWaterMass = "body_water_mass"
    case boneMass = "bone_mass"
    case visceralFatLevel = "visceral_fat_level"
    case impedance
    case impedanceLow = "impedance_low"
    case impedanceHigh = "impedance_high"
    case systolic
    case diastolic
    case meanArterialPressure = "mean_arterial_pressure"
    case pulseRate = "pulse_rate"
    case glucose
    case hba1c
    case steps
    case walkTime = "walk_time"
    case moderateIntensityActivity = "moderate_intensity_activity"
    case calories
    case totalCalories = "total_calories"
    case distance
    case exercise
    case totalActiveDuration = "total_active_duration"
    case heartRate = "heart_rate"
    case bodyTemperature = "body_temperature"
    case oxygenSaturation = "oxygen_saturation"
}

/// One value with the unit the device reported; `number` is nil where the device says "absent".
package struct Quantity: Sendable, Equatable {
    package var name: QuantityName
    package var number: ExactDecimal?
    package var unit: MeasurementUnit

    package init(_ name: QuantityName, _ number: ExactDecimal?, _ unit: MeasurementUnit) {
        self.name = name
        self.number = number
        self.unit = unit
    }
}
