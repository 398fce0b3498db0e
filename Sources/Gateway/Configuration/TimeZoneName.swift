import Measurement
import YAML

/// The search for a time zone of the system's database by its name.
enum TimeZoneName {
    static let fallback = "Asia/Tokyo"

    /// Reads the zone that a key names, or Japan's where it is left out.
    static func read(_ reader: NodeReader?, directory: String) -> TimeZoneRules? {
        guard let reader else { return rules(fallback, directory: directory) ?? japan }
        let accepted = "a name of the tz database such as Asia/Tokyo"
        guard let name = reader.string(accepted: accepted, where: isName) else { return nil }
        guard let rules = rules(name, directory: directory) else {
            reader.report("names \(name), which is not in \(directory)", accepted: accepted)
            return nil
        }
        return rules
    }

    /// Japan has had one offset since 1951; a machine without the database knows it too.
    private static let japan = TimeZoneRules(name: fallback, fixedOffsetSeconds: 9 * 3_600)

    private static func rules(_ name: String, directory: String) -> TimeZoneRules? {
        guard let bytes = try? ConfigurationFiles.read(directory + "/" + name) else {
            return nil
        }
        return TimeZoneRules(name: name, tzif: bytes)
    }

    /// Keeps the name inside the database's directory.
    private static func isName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        return text.utf8.count <= 64
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        Words.isAlphanumeric(byte) || byte == 0x5F || byte == 0x2D || byte == 0x2B
                    }
            }
    }
}
