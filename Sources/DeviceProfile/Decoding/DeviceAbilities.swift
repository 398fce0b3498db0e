/// What a device says that it can do, out of its standard feature characteristics.
package enum DeviceAbilities {
    private static let formats: [(BluetoothUUID, StateFormat)] = [
        (.bloodPressureFeature, .bloodPressureFeature), (.glucoseFeature, .glucoseFeature),
        (.weightScaleFeature, .weightScaleFeature),
        (.bodyCompositionFeature, .bodyCompositionFeature),
        (.physicalActivityFeatures, .physicalActivityFeatures),
    ]

    /// The characteristics that tell it.
    package static var characteristics: [BluetoothUUID] { formats.map(\.0) }

    /// The device keeps the bond of one partner: that of a phone takes the place of the gateway's.
    package static let oneBond = "one-bond-only"

    private static func tellsBonds(_ uuid: BluetoothUUID) -> Bool {
        uuid == .bloodPressureFeature || uuid == .glucoseFeature
    }

    /// The abilities by name, in the order of their bits; resolutions follow as `weight-resolution 0.05 kg`.
    ///
    /// - Throws: bytes of a wrong length, or a resolution that the standard does not know.
    package static func read(
        _ uuid: BluetoothUUID, _ bytes: [UInt8]
    ) throws(DecodeError) -> [String] {
        guard let format = formats.first(where: { $0.0 == uuid })?.1 else {
            throw DecodeError("\(uuid) is no feature characteristic", offset: 0)
        }
        let reading = try format.decode(bytes)
        // The imperial step says the same once more.
        let details = reading.details.filter { !$0.name.hasSuffix("_imperial") }
        let bonds = tellsBonds(uuid) && !reading.flags.contains("multiple-bonds") ? [oneBond] : []
        return reading.flags + bonds
            + details.map { detail in
                detail.name.split(separator: "_").joined(separator: "-") + " " + detail.value
            }
    }
}
