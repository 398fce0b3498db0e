/// Standard values that say something of the device and nothing of a person, as profiles spell them.
package enum StateFormat: String, Sendable, CaseIterable {
    case dateTime = "date-time"
    case dayDateTime = "day-date-time"
    case currentTime = "current-time"
    case localTimeInformation = "local-time-information"
    case elapsedTime = "elapsed-time"
    case batteryLevel = "battery-level"
    case deviceText = "device-text"
    case systemID = "system-id"
    case pnpID = "pnp-id"
    case bloodPressureFeature = "blood-pressure-feature"
    case glucoseFeature = "glucose-feature"
    case weightScaleFeature = "weight-scale-feature"
    case bodyCompositionFeature = "body-composition-feature"
    case physicalActivityFeatures = "physical-activity-features"
    case userIndex = "user-index"
    case userControlPoint = "user-control-point"
    case databaseChangeIncrement = "database-change-increment"

    func decode(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        switch self {
        case .dateTime: try DeviceStateFrames.dateTime(bytes)
        case .dayDateTime: try DeviceStateFrames.dayDateTime(bytes)
        case .currentTime: try DeviceStateFrames.currentTime(bytes)
        case .localTimeInformation: try DeviceInformationFrames.localTime(bytes)
        case .elapsedTime: try ElapsedTime.frame(bytes)
        case .batteryLevel: try DeviceStateFrames.batteryLevel(bytes)
        case .deviceText: try DeviceInformationFrames.text(bytes)
        case .systemID: try DeviceInformationFrames.systemID(bytes)
        case .pnpID: try DeviceInformationFrames.pnpID(bytes)
        case .bloodPressureFeature: try FeatureFrames.bloodPressure(bytes)
        case .glucoseFeature: try FeatureFrames.glucose(bytes)
        case .weightScaleFeature: try FeatureFrames.weightScale(bytes)
        case .bodyCompositionFeature: try FeatureFrames.bodyComposition(bytes)
        case .physicalActivityFeatures: try FeatureFrames.physicalActivity(bytes)
        case .userIndex: try UserControl.userIndex(bytes)
        case .userControlPoint: try UserControl.frame(bytes)
        case .databaseChangeIncrement: try UserControl.changeIncrement(bytes)
        }
    }
}
