import Glibc
import Measurement
package import YAML

extension Configuration {
    /// Reads a configuration file.
    ///
    /// - Throws: All problems of the file, in its order.
    package static func load(
        path: String, zoneDirectory: String = "/usr/share/zoneinfo"
    ) throws(ConfigurationProblems) -> Configuration {
        let problems = ProblemList()
        do throws(Problem) {
            let bytes = try ConfigurationFiles.read(path)
            let node = try YAMLDocument.parse(bytes, file: path)
            let root = NodeReader(node, file: path, problems: problems)
            let loaded = read(root, zoneDirectory: zoneDirectory)
            if let loaded, problems.isEmpty { return loaded }
        } catch {
            problems.add(error)
        }
        throw ConfigurationProblems(problems: problems.sorted)
    }

    /// Reads a configuration from a parsed text; problems go into the reader's list.
    package static func read(
        _ root: NodeReader, zoneDirectory: String = "/usr/share/zoneinfo"
    ) -> Configuration? {
        root.mapping { keys in
            var namesConsortium = false
            let gateway = keys.required("gateway", accepted: "gateway: { id: … }")?
                .mapping { gateway in
                    namesConsortium = gateway.has("consortium-id")
                    return Gateway.read(gateway, zoneDirectory: zoneDirectory)
                }
            let bluetooth = keys.optional("bluetooth")?.mapping(Bluetooth.read)
            let usb = keys.optional("usb")?.mapping(USB.read)
            let tape = keys.optional("tape")?.mapping(Tape.read)
            let retention = keys.optional("retention")?.mapping(Retention.read)
            let storage = keys.optional("storage")?.mapping(Storage.read)
            let status = keys.optional("status")?.mapping(Status.read)
            let (destinations, names) = Destination.readAll(keys.optional("destinations"))
            let participants = Participant.readAll(
                keys.optional("participants"), destinations: names)
            let codes = keys.optional("participant-codes")?.mapping(ParticipantCodes.read)
            let stations = Station.readAll(keys.optional("stations"), gateway: gateway)
            guard let gateway else { return nil }
            if !namesConsortium, destinations.contains(where: \.format.isExchangeFormat) {
                keys.problem(
                    about: "gateway", "lacks consortium-id, which the meti formats carry",
                    accepted: consortiumIDs)
            }
            return Configuration(
                gateway: gateway, bluetooth: bluetooth ?? Bluetooth(), usb: usb ?? USB(),
                tape: tape ?? Tape(), destinations: destinations, participants: participants,
                participantCodes: codes ?? ParticipantCodes(), stations: stations,
                retention: retention ?? Retention(), storage: storage ?? Storage(),
                status: status ?? Status())
        }
    }

    static let consortiumIDs = "1 to 6 half-width letters and digits"
}

/// Everything that is wrong in a configuration, in the order of the file.
package struct ConfigurationProblems: Error, Equatable, CustomStringConvertible {
    package let problems: [Problem]
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

extension Configuration.Format {
    /// True for the formats of 交換規約, whose documents name the consortium.
    package var isExchangeFormat: Bool {
        guard case .shipped(let name) = self else { return false }
        return name.hasPrefix("meti-")
    }
}

extension Configuration.Gateway {
    static func read(_ keys: MappingReader, zoneDirectory: String) -> Self? {
        let id = keys.required("id")?
            .string(accepted: "1 to 64 letters, digits, '.', '_' and '-'", where: Words.isName)
        let consortium = keys.optional("consortium-id")?
            .string(accepted: Configuration.consortiumIDs) { Words.isAlphanumeric($0, upTo: 6) }
        let zone = TimeZoneName.read(keys.optional("timezone"), directory: zoneDirectory)
        let setting = keys.optional("setting")?.choice(of: Configuration.Setting.self) ?? .home
        let laboratory = keys.optional("test-lab-id")?
            .string(accepted: "1 to 12 half-width letters and digits") {
                Words.isAlphanumeric($0, upTo: 12)
            }
        if setting == .checkup, !keys.has("test-lab-id") {
            keys.problem(
                about: "test-lab-id", "is missing, and the setting is checkup",
                accepted: "1 to 12 half-width letters and digits")
        }
        guard let id, let zone else { return nil }
        return Self(
            id: id, consortiumID: consortium, timeZone: zone, setting: setting,
            testLabID: laboratory)
    }
}

extension Configuration.Bluetooth {
    static func read(_ keys: MappingReader) -> Self? {
        var made = Self()
        made.enabled = keys.optional("enabled")?.bool() ?? made.enabled
        if let adapters = keys.optional("adapters")?.list(count: 1...16) {
            var names: [String] = []
            for item in adapters {
                let accepted = "an adapter's name such as hci0"
                guard let name = item.string(accepted: accepted, where: Words.isAdapter) else {
                    continue
                }
                if names.contains(name) { item.report("names \(name) twice") }
                names.append(name)
            }
            made.adapters = names
        }
        return made
    }
}

extension Configuration.USB {
    static func read(_ keys: MappingReader) -> Self? {
        Self(enabled: keys.optional("enabled")?.bool() ?? true)
    }
}

extension Configuration.Tape {
    static func read(_ keys: MappingReader) -> Self? {
        var made = Self()
        made.enabled = keys.optional("enabled")?.bool() ?? made.enabled
        if let path = keys.optional("directory")?
            .string(accepted: "an absolute path", where: Words.isAbsolutePath)
        {
            made.directory = path
        }
        return made
    }
}

extension Configuration.Retention {
    static func read(_ keys: MappingReader) -> Self? {
        let range: ClosedRange<Duration> = .seconds(3_600) ... .days(3_660)
        var made = Self()
        made.delivered = keys.optional("delivered")?.duration(in: range) ?? made.delivered
        made.rawFrames = keys.optional("raw-frames")?.duration(in: range) ?? made.rawFrames
        return made
    }
}

extension Configuration.Storage {
    static func read(_ keys: MappingReader) -> Self? {
        let range = 8_000_000...1_000_000_000_000
        var made = Self()
        made.maximumBytes = keys.optional("maximum")?.byteSize(in: range) ?? made.maximumBytes
        made.reserve = keys.optional("reserve")?.byteSize(in: 100_000...range.upperBound)
        if made.reserveBytes > made.maximumBytes / 2 {
            keys.problem(
                about: "reserve", "is more than half of the maximum",
                accepted: "at most \(made.maximumBytes / 2) bytes")
        }
        made.encryption = keys.optional("encryption")?.mapping(Configuration.Encryption.read)
        return made
    }
}

extension Configuration.Status {
    static func read(_ keys: MappingReader) -> Self? {
        let accepted = "the name of a group"
        return Self(
            group: keys.optional("group")?.string(accepted: accepted, where: Words.isName),
            adminGroup: keys.optional("admin-group")?
                .string(accepted: accepted, where: Words.isName))
    }
}
