import DataFiles
import DeviceProfile
import Measurement

/// Profiles and time zones for the commands that need no daemon.
enum ProfileFiles {
    /// Shipped profiles and the owner's own; a directory that is not there holds none.
    static func load() throws(FileError) -> ProfileSet {
        ProfileSet(
            try DataDirectory.find().profileFiles().map {
                ProfileSet.Source(
                    file: $0.path, bytes: $0.bytes, isOwn: $0.isOwn,
                    unreadable: $0.error?.reason)
            })
    }

    /// The rules of a zone by its name in the zone database; nil for a name that is not there.
    static func timeZone(_ name: String) -> TimeZoneRules? {
        if name == "UTC" { return .utc }
        guard !name.hasPrefix("/"), !name.contains(".."),
            let bytes = try? FileReader.read("/usr/share/zoneinfo/" + name)
        else { return nil }
        return TimeZoneRules(name: name, tzif: bytes)
    }
}
