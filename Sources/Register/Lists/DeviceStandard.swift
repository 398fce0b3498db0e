/// A standard for one class of devices, as a device list (機器リスト) names what a model conforms to.
struct DeviceStandard: Equatable {
    /// As in the profiles: `blood-pressure`.
    var deviceClass: String
    /// The IEEE 11073 specialisation first, then the Bluetooth profile and service.
    var names: [String]

    private static let all = [
        DeviceStandard(deviceClass: "oximeter", names: ["11073-10404", "PLXP", "PLXS"]),
        DeviceStandard(deviceClass: "blood-pressure", names: ["11073-10407", "BLP", "BLS"]),
        DeviceStandard(deviceClass: "thermometer", names: ["11073-10408", "HTP", "HTS"]),
        DeviceStandard(deviceClass: "scale", names: ["11073-10415", "WSP", "WSS"]),
        DeviceStandard(deviceClass: "glucose", names: ["11073-10417", "GLP", "GLS"]),
        DeviceStandard(deviceClass: "scale", names: ["11073-10420", "BCS"]),
        DeviceStandard(deviceClass: "activity", names: ["11073-10441"]),
    ]

    /// The standards that stand in a text as words of their own.
    static func named(in text: String) -> [DeviceStandard] {
        let words = text.uppercased().split { !($0.isLetter || $0.isNumber || $0 == "-") }
            .map(String.init)
        return all.filter { standard in standard.names.contains { words.contains($0) } }
    }

    /// What a model of a class can conform to.
    static func of(_ deviceClass: String) -> String? {
        let names = all.filter { $0.deviceClass == deviceClass }.flatMap(\.names)
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }
}
