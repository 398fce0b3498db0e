import DataFiles
import DeviceProfile
import JSON
import Measurement
import TapeLink
import YAML

/// `hakaru profile check`: files, and whether their own evidence shows what they say.
enum ProfileCheck {
    static let command = Command(
        path: ["profile", "check"],
        summary: "check profile files: keys, frames, tapes, and who wins their examples",
        details:
            "Every problem is named with file, line and column; so is evidence that is missing. The "
            + "files are checked together with the installed profiles; one of the same id takes "
            + "the place of the installed one.",
        words: "FILE…", wordCount: 1...1_000, takesFiles: true
    ) { call throws(CommandError) in
        let complaints = try problems(call.words)
        for complaint in complaints { try report(complaint, call) }
        guard complaints.isEmpty else {
            try call.output.flush()
            throw CommandError.failed("\(complaints.count) problem(s)")
        }
        if !call.wantsJSON {
            try call.output.line("\(call.words.count) file(s) checked, no problem found")
        }
    }

    /// Everything wrong or missing in these files, one line each.
    static func problems(_ files: [String]) throws(CommandError) -> [String] {
        let list = ProblemList()
        let installed = try DecodeCommand.loadedProfiles()
        var checked: [DeviceProfile] = []
        for profile in try load(files, installed.fragments, list) {
            if let other = checked.first(where: { $0.id == profile.id }) {
                list.add(repeated(profile, other))
            } else {
                checked.append(profile)
            }
        }
        let ids = Set(checked.map(\.id))
        let others = installed.index.profiles.filter {
            !ids.contains($0.id)
        }
        let evidence = ProfileEvidence(
            among: ProfileIndex(others + checked), zone: try zone(),
            tape: { profile, name in try? FileReader.read(path(of: name, beside: profile.file)) })
        return list.sorted.map(\.description)
            + checked.flatMap { profile in
                evidence.problems(of: profile).map { "\(profile.file): \($0)" }
            }
    }

    /// Reads the files; fragments among them count before those that are installed.
    private static func load(
        _ files: [String], _ installed: FragmentLibrary, _ list: ProblemList
    ) throws(CommandError) -> [DeviceProfile] {
        var fragments = installed
        var profiles: [(file: String, bytes: [UInt8])] = []
        for file in files {
            let bytes: [UInt8]
            do throws(FileError) {
                bytes = try FileReader.read(file)
            } catch {
                throw CommandError.failed("\(error)")
            }
            if FragmentLibrary.isFragment(bytes) {
                fragments.replace(bytes, file: file, problems: list)
            } else {
                profiles.append((file, bytes))
            }
        }
        return profiles.compactMap {
            ProfileLoader.load(
                $0.bytes, file: $0.file, problems: list, fragments: fragments)
        }
    }

    private static func repeated(_ profile: DeviceProfile, _ other: DeviceProfile) -> Problem {
        Problem(
            file: profile.file, line: profile.idLine, column: profile.idColumn, key: "id",
            message: "\(profile.id) is the id of \(other.file) too", accepted: "an id of its own")
    }

    /// Where a tape is that a profile names: beside the profile, or at an absolute path.
    static func path(of tape: String, beside file: String) -> String {
        if tape.hasPrefix("/") { return tape }
        guard let slash = file.lastIndex(of: "/") else { return tape }
        return file[...slash] + tape
    }

    /// The zone in which profiles write the times of their records.
    static func zone() throws(CommandError) -> TimeZoneRules {
        guard let zone = ProfileFiles.timeZone("Asia/Tokyo") else {
            throw CommandError.failed(
                "Asia/Tokyo is not in the zone database (/usr/share/zoneinfo)")
        }
        return zone
    }

    private static func report(_ text: String, _ call: Invocation) throws(CommandError) {
        guard call.wantsJSON else { return try call.output.line(text) }
        var writer = JSONWriter()
        writer.object { $0.member("problem", text) }
        try call.output.line(writer.bytes)
    }
}
