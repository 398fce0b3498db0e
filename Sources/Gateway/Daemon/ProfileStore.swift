import DataFiles
import DeviceProfile
import EventLoop
import YAML

/// The loaded profiles; a directory that cannot be read leaves the old ones in place.
@LoopActor final class ProfileStore {
    private(set) var profiles: ProfileSet
    private let data: DataDirectory

    init(_ data: DataDirectory) throws(FileError) {
        self.data = data
        profiles = try Self.read(data)
        report()
    }

    var index: ProfileIndex { profiles.index }

    /// Reads all files again.
    func reload() {
        do throws(FileError) {
            profiles = try Self.read(data)
            report()
        } catch {
            Log.error("profiles-unreadable", ["reason": "\(error)"])
        }
    }

    private func report() {
        Log.notice(
            "profiles-loaded",
            ["count": "\(profiles.index.profiles.count)", "problems": "\(profiles.problems.count)"])
        for problem in profiles.problems {
            Log.error("profile-problem", ["problem": problem.description])
        }
    }

    private static func read(_ data: DataDirectory) throws(FileError) -> ProfileSet {
        var sources: [ProfileSet.Source] = []
        for (directory, isOwn) in [
            (data.profiles, false), (DataDirectory.ownProfiles, true),
        ] where FileReader.isDirectory(directory) {
            for file in try FileReader.list(directory, suffix: ".yaml") {
                sources.append(
                    ProfileSet.Source(file: file, bytes: try FileReader.read(file), isOwn: isOwn))
            }
        }
        return ProfileSet(sources)
    }
}
