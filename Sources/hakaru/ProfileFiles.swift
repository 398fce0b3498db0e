import DataFiles
import DeviceProfile
import Measurement

/// Profiles and time zones for the commands that need no daemon.
enum ProfileFiles {
    /// Shipped profiles and the owner's own; a directory that is not there holds none.
    static func load() throws(FileError) -> ProfileSet {
        var sources: [ProfileSet.Source] = []
        for (directory, isOwn) in [
            (DataDirectory.find().profiles, false), (DataDirectory.ownProfiles, true),
        ] {
            guard FileReader.isDirectory(directory) else { continue }
            for file in try FileReader.list(directory, suffix: ".yaml") {
                sources.append(
                    ProfileSet.Source(file: file, bytes: try FileReader.read(file), isOwn: isOwn))
            }
        }
        return ProfileSet(sources)
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
