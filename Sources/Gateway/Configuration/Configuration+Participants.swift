import DeviceProfile
import Measurement
import Register
import USBLink
import YAML

extension Configuration.Participant {
    /// Reads the list of participants; one code or one device twice is a problem.
    static func readAll(
        _ reader: NodeReader?, destinations: Set<String>
    ) -> [Self] {
        var codes: Set<ParticipantCode> = []
        var owned = DeviceOwnership()
        return (reader?.list() ?? []).compactMap { item in
            item.mapping { keys in
                let code = code(keys.required("id", accepted: ParticipantCode.accepted))
                if let code, !codes.insert(code).inserted {
                    keys.problem(
                        about: "id", "names \(code) twice", accepted: "each participant once")
                }
                var devices: [Configuration.OwnedDevice] = []
                for device in keys.optional("devices")?.list(count: 0...1_000) ?? [] {
                    guard let made = device.mapping(Configuration.OwnedDevice.read) else {
                        continue
                    }
                    owned.claim(made, at: device)
                    devices.append(made)
                }
                let consent = Configuration.Consent.readAll(
                    keys.optional("consent"), destinations: destinations)
                return code.map { Self(id: $0, devices: devices, consent: consent) }
            }
        }
    }

    private static func code(_ reader: NodeReader?) -> ParticipantCode? {
        guard let reader, let text = reader.string(accepted: ParticipantCode.accepted) else {
            return nil
        }
        guard let code = ParticipantCode(text) else {
            reader.report("is no participant code", accepted: ParticipantCode.accepted)
            return nil
        }
        return code
    }
}

/// The devices and slots that somebody in the file owns already.
private struct DeviceOwnership {
    private var slots: [String: [Int?]] = [:]

    /// Reports a device whose values would belong to two people.
    mutating func claim(_ device: Configuration.OwnedDevice, at reader: NodeReader) {
        let serial = device.serial.map { (device.model ?? "") + "/" + $0 }
        guard let name = device.address ?? serial else { return }
        let earlier = slots[name] ?? []
        let clashes = earlier.contains { $0 == nil || device.slot == nil || $0 == device.slot }
        if clashes {
            reader.report(
                "names a device that has an owner already",
                accepted: "a device once, or once for each user slot")
        }
        slots[name] = earlier + [device.slot]
    }
}

extension Configuration.OwnedDevice {
    static let wearingPositions = ["10", "11", "20", "21", "30", "31", "40", "50"]

    static func read(_ keys: MappingReader) -> Self? {
        var made = Self()
        made.model = keys.optional("model")?.string(length: 1...100)
        made.address = address(keys.optional("address")) ?? port(keys.optional("port"))
        made.serial = keys.optional("serial")?.string(length: 1...50)
        made.slot = keys.optional("slot")?.int(in: 0...255)
        made.wearingPosition = keys.optional("wearing-position")?.word(of: wearingPositions)
        made.passkey = passkey(keys.optional("passkey"))
        made.key = key(keys.optional("key"))
        made.consentCode = consentCode(keys.optional("consent-code"))
        if made.consentCode != nil, !keys.has("slot") {
            keys.problem(
                about: "consent-code", "stands without a slot",
                accepted: "slot: the number of the user on the device")
        }
        made.assetNumber = keys.optional("asset-number")?
            .string(accepted: "1 to 44 half-width letters, digits and hyphens") { text in
                text.utf8.count <= 44 && ParticipantCode(text.prefix(20)) != nil
                    && text.utf8.allSatisfy { Words.isAlphanumeric($0) || $0 == 0x2D }
            }
        if !keys.has("address"), !keys.has("serial"), !keys.has("port") {
            keys.reader.report(
                "names no device", accepted: "an address (Bluetooth), a serial or a port (USB)")
        }
        return made
    }

    /// The socket of a device without a serial number; it stands where a radio has its address.
    private static func port(_ reader: NodeReader?) -> String? {
        reader?.string(accepted: "a USB port such as 1-1.2") { USBPath($0) != nil }
    }

    private static func address(_ reader: NodeReader?) -> String? {
        let accepted = "a Bluetooth address such as A4:C1:38:00:00:01"
        guard let reader, let text = reader.string(accepted: accepted) else { return nil }
        guard text.utf8.count == 17, let address = BluetoothAddress(text) else {
            reader.report("is no Bluetooth address", accepted: accepted)
            return nil
        }
        return address.description
    }

    private static func key(_ reader: NodeReader?) -> OwnerKey? {
        let accepted = "4 to 32 bytes in hexadecimal, such as 16 for an AES key"
        guard let reader, let text = reader.secret.string(accepted: accepted) else { return nil }
        let digits = text.filter { $0 != " " && $0 != ":" }
        guard digits.utf8.count % 2 == 0, (8...64).contains(digits.utf8.count),
            let bytes = hexadecimalBytes(digits)
        else {
            reader.secret.report("is no key", accepted: accepted)
            return nil
        }
        return OwnerKey(bytes: bytes)
    }

    private static func hexadecimalBytes(_ digits: String) -> [UInt8]? {
        let values = digits.utf8.map { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x37
            case 0x61...0x66: byte - 0x57
            default: nil
            }
        }
        let known = values.compactMap { $0 }
        guard known.count == values.count else { return nil }
        return stride(from: 0, to: known.count, by: 2).map { known[$0] << 4 | known[$0 + 1] }
    }

    private static func consentCode(_ reader: NodeReader?) -> OwnerKey? {
        let accepted = "the consent code, 0 to 9999"
        guard let reader, let text = reader.secret.string(accepted: accepted) else { return nil }
        guard (1...4).contains(text.utf8.count), let value = UInt16(text) else {
            reader.secret.report("is no consent code", accepted: accepted)
            return nil
        }
        return OwnerKey(bytes: [UInt8(value & 0xFF), UInt8(value >> 8)])
    }

    private static func passkey(_ reader: NodeReader?) -> Passkey? {
        let accepted = "the six digits of the passkey"
        guard let reader, let text = reader.secret.string(accepted: accepted) else { return nil }
        guard text.utf8.count == 6, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = UInt32(text)
        else {
            reader.report("is no passkey", accepted: accepted)
            return nil
        }
        return Passkey(value: value)
    }
}

extension Configuration.Consent {
    /// Reads a person's consents; each names a destination of the file, once.
    static func readAll(
        _ reader: NodeReader?, destinations: Set<String>
    ) -> [Self] {
        let names = destinations.sorted()
        var seen: Set<String> = []
        return (reader?.list(count: 0...100) ?? []).compactMap { item in
            item.mapping { keys in
                let destination = keys.required("destination")?.word(of: names)
                let kinds = kinds(keys.required("kinds", accepted: "all, or a list of kinds"))
                guard let destination, let kinds else { return nil }
                if !seen.insert(destination).inserted {
                    keys.problem(
                        about: "destination", "names \(destination) twice",
                        accepted: "each destination once")
                }
                return Self(destination: destination, kinds: kinds)
            }
        }
    }

    private static func kinds(_ reader: NodeReader?) -> Set<MeasurementKind>? {
        guard let reader else { return nil }
        if reader.node.scalarText == "all" { return Set(MeasurementKind.allCases) }
        guard case .sequence = reader.node.content else {
            _ = reader.word(of: ["all"] + MeasurementKind.allCases.map { "[\($0.rawValue)]" })
            return nil
        }
        let items = reader.list(count: 1...64) ?? []
        return Set(items.compactMap { $0.choice(of: MeasurementKind.self) })
    }
}
