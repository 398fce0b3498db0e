import DataFiles
import DeviceProfile
import EventLoop
import YAML

/// The loaded profiles; what cannot be read leaves the old ones in place.
@LoopActor final class ProfileStore {
    private(set) var profiles: ProfileSet
    private let data: DataDirectory

    /// Holds nothing until `reload`: the socket answers before the files are read.
    init(_ data: DataDirectory) {
        self.data = data
        profiles = ProfileSet([])
    }

    var index: ProfileIndex { profiles.index }

    /// Reads all files again whenever one of them changes, until the task is cancelled.
    func watch() async {
        let watcher = DirectoryWatcher(data.profileDirectories)
        while (try? await watcher.next()) != nil {
            // An editor writes more than once: what follows at once is taken together.
            guard (try? await sleep(for: .milliseconds(300))) != nil else { return }
            reload()
        }
    }

    /// Reads all files again; a file that has become bad leaves its old profile in place.
    func reload() {
        do throws(FileError) {
            profiles = try Self.read(data, keeping: profiles)
            report()
        } catch {
            Log.error("profiles-unreadable", ["reason": "\(error)"])
        }
    }

    /// What is wrong in the profile files, without a store.
    nonisolated static func problems(_ data: DataDirectory) -> [Problem] {
        do throws(FileError) {
            return try read(data).problems
        } catch {
            return [
                Problem(
                    file: error.path, line: 1, column: 1, key: "",
                    message: "cannot be read: \(error.reason)")
            ]
        }
    }

    /// The profiles of a directory, for those who only ask; nil where it cannot be read.
    nonisolated static func index(_ data: DataDirectory) -> ProfileIndex? { try? read(data).index }

    private func report() {
        Log.notice(
            "profiles-loaded",
            ["count": "\(profiles.index.profiles.count)", "problems": "\(profiles.problems.count)"])
        for problem in profiles.problems {
            Log.error("profile-problem", ["problem": problem.description])
        }
    }

    private nonisolated static func read(
        _ data: DataDirectory, keeping old: ProfileSet? = nil
    ) throws(FileError) -> ProfileSet {
        let sources = try data.profileFiles().map {
            ProfileSet.Source(
                file: $0.path, bytes: $0.bytes, isOwn: $0.isOwn,
                unreadable: $0.error?.reason)
        }
        return ProfileSet(sources, keeping: old, evidence: false)
    }
}
