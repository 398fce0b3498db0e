import DeviceProfile
import Measurement
import Register
import USBLink
import YAML

extension Configuration.ParticipantCodes {
    static func read(_ keys: MappingReader) -> Self? {
        Self(checkDigit: keys.optional("check-digit")?.choice(of: CheckDigit.self) ?? .none)
    }
}

extension Configuration.Station {
    /// Reads the list of stations; a name or a device that stands twice is a problem.
    static func readAll(
        _ reader: NodeReader?, gateway: Configuration.Gateway?
    ) -> [Self] {
        var names: Set<String> = []
        var devices: Set<String> = []
        var places: Set<ReaderPlace> = []
        return (reader?.list(count: 0...200) ?? []).compactMap { item in
            item.mapping { keys in
                let name = keys.required("name")?
                    .string(
                        accepted: "1 to 64 letters, digits, '.', '_' and '-'", where: Words.isName)
                if let name, !names.insert(name).inserted {
                    keys.problem(
                        about: "name", "names \(name) twice", accepted: "a name of its own")
                }
                var made = Self(name: name ?? "")
                made.readers = ReaderSettings.readAll(keys.optional("readers"), taken: &places)
                made.devices = Self.devices(keys.optional("devices"), taken: &devices)
                made.expected = (keys.optional("expect")?.list(count: 1...20) ?? [])
                    .compactMap { $0.choice(of: MeasurementKind.self) }
                made.session =
                    keys.optional("session")?.duration(in: .seconds(10) ... .seconds(86_400))
                    ?? made.session
                made.setting = keys.optional("setting")?.choice(of: Configuration.Setting.self)
                made.testLabID = keys.optional("test-lab-id")?
                    .string(accepted: "1 to 12 half-width letters and digits") {
                        Words.isAlphanumeric($0, upTo: 12)
                    }
                made.measuredBy =
                    keys.optional("measured-by")?.choice(of: Configuration.MeasuredBy.self)
                    ?? made.measuredBy
                if made.setting == .checkup, made.testLabID == nil, gateway?.testLabID == nil {
                    keys.problem(
                        about: "test-lab-id", "is missing, and the setting is checkup",
                        accepted: "1 to 12 half-width letters and digits")
                }
                return name == nil ? nil : made
            }
        }
    }

    private static func devices(_ reader: NodeReader?, taken: inout Set<String>) -> [String] {
        var found: [String] = []
        for item in reader?.list(count: 0...200) ?? [] {
            let name = item.mapping { keys -> String? in
                guard let (key, value) = keys.exactlyOne(of: ["address", "serial", "port"])
                else { return nil }
                if key == "port" {
                    return value.string(accepted: "a USB port such as 1-1.2") {
                        USBPath($0) != nil
                    }
                }
                if key == "serial" { return value.string(length: 1...50) }
                let accepted = "a Bluetooth address such as A4:C1:38:00:00:01"
                guard let text = value.string(accepted: accepted) else { return nil }
                guard text.utf8.count == 17, let address = BluetoothAddress(text) else {
                    value.report("is no Bluetooth address", accepted: accepted)
                    return nil
                }
                return address.description
            }
            guard let name else { continue }
            if !taken.insert(name.lowercased()).inserted {
                item.report("names a device that stands at a station already")
            }
            found.append(name)
        }
        return found
    }
}
