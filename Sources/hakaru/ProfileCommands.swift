import DataFiles
import DeviceProfile
import JSON
import Measurement
import YAML

/// `hakaru profile list|show|check`: the device profiles, without a daemon.
enum ProfileCommands {
    static let all = [list, show, check]

    // MARK: list

    private static let list = Command(
        path: ["profile", "list"], summary: "list the device profiles and the models they cover",
        details: "Profiles of /etc/hakaru/device-profiles win over shipped ones of the same id."
    ) { call throws(CommandError) in
        let set = try DecodeCommand.loadedProfiles()
        let profiles = set.index.profiles
        if call.wantsJSON {
            for profile in profiles {
                try call.output.line(summary(profile, set))
            }
        } else {
            var table = TextTable(["PROFILE", "CLASS", "CONFIDENCE", "ORIGIN", "MODELS"])
            for profile in profiles {
                table.add([
                    profile.id, profile.deviceClass.rawValue, profile.confidence.rawValue,
                    origin(profile, set), profile.models.map(\.name).joined(separator: ", "),
                ])
            }
            for line in table.lines { try call.output.line(line) }
        }
        for problem in set.problems { Output.complain(problem.description) }
        guard set.problems.isEmpty else {
            throw CommandError.failed("\(set.problems.count) problem(s) in profile files")
        }
    }

    private static func summary(_ profile: DeviceProfile, _ set: ProfileSet) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", profile.id)
            writer.member("revision", profile.revision)
            writer.member("title", profile.title)
            writer.member("class", profile.deviceClass.rawValue)
            writer.member("transport", profile.transport.rawValue)
            writer.member("confidence", profile.confidence.rawValue)
            writer.member("confidence_note", profile.confidenceNote)
            writer.member("origin", origin(profile, set))
            writer.member("file", profile.file)
            writer.member("models", strings: profile.models.map(\.name))
            writer.member("aliases", strings: profile.models.flatMap(\.aliases))
            writer.member("sources", strings: profile.layouts.map(\.source.description))
            writer.member("bond", profile.session?.bond.rawValue)
            writer.member("decode_only", profile.decodeOnly)
            writer.member("vectors", profile.vectors.count)
            writer.member("notes", strings: profile.notes)
        }
        return writer.bytes
    }

    private static func origin(_ profile: DeviceProfile, _ set: ProfileSet) -> String {
        guard profile.file.hasPrefix(DataDirectory.ownProfiles + "/") else { return "shipped" }
        return set.overridden.contains(profile.id) ? "own, in place of the shipped one" : "own"
    }

    // MARK: show

    private static let show = Command(
        path: ["profile", "show"], summary: "show one device profile", words: "ID|MODEL",
        wordCount: 1...1
    ) { call throws(CommandError) in
        let set = try DecodeCommand.loadedProfiles()
        guard let profile = set.index.profile(model: call.words[0]) else {
            throw CommandError.failed(
                "no profile has the id or a model '\(call.words[0])'; see: hakaru profile list")
        }
        if call.wantsJSON { return try call.output.line(summary(profile, set)) }
        for line in description(profile, set) { try call.output.line(line) }
    }

    private static func description(_ profile: DeviceProfile, _ set: ProfileSet) -> [String] {
        var lines = [
            "\(profile.title)", "  profile     \(profile.id), revision \(profile.revision)",
            "  file        \(profile.file) (\(origin(profile, set)))",
            "  models      \(profile.modelNames.joined(separator: ", "))",
            "  confidence  \(profile.confidence.rawValue)",
        ]
        if let note = profile.confidenceNote { lines.append("              \(note)") }
        lines.append(
            "  reads       \(profile.layouts.map(\.source.description).joined(separator: ", "))")
        if let why = profile.decodeOnly { lines.append("  not connected  \(why)") }
        if let session = profile.session {
            lines.append("  bond        \(session.bond.rawValue), \(session.bondLifetime.rawValue)")
        }
        lines.append(
            "  clock       \(profile.time.clock.rawValue); readings are \(profile.time.readings.rawValue)"
        )
        for note in profile.notes { lines.append("  note        \(note)") }
        return lines
    }

    // MARK: check

    private static let check = Command(
        path: ["profile", "check"],
        summary: "check profile files: keys, vectors, and who wins their examples",
        details:
            "Every problem is named with file, line and column. The files are checked together "
            + "with the installed profiles; one of the same id takes the place of the installed one.",
        words: "FILE…", wordCount: 1...1_000, takesFiles: true
    ) { call throws(CommandError) in
        let list = ProblemList()
        let installed = try DecodeCommand.loadedProfiles()
        let checked = try load(call.words, installed.fragments, list)
        var complaints = list.sorted.map(\.description)
        let ids = Set(checked.map(\.id))
        let others = installed.index.profiles.filter {
            !ids.contains($0.id)
        }
        let index = ProfileIndex(others + checked)
        for profile in checked { complaints += problems(of: profile, in: index) }
        for complaint in complaints { try report(complaint, call) }
        guard complaints.isEmpty else {
            try call.output.flush()
            throw CommandError.failed("\(complaints.count) problem(s)")
        }
        if !call.wantsJSON {
            try call.output.line("\(call.words.count) file(s) checked, no problem found")
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

    private static func report(_ text: String, _ call: Invocation) throws(CommandError) {
        guard call.wantsJSON else { return try call.output.line(text) }
        var writer = JSONWriter()
        writer.object { $0.member("problem", text) }
        try call.output.line(writer.bytes)
    }

    /// What the profile's own evidence contradicts.
    private static func problems(of profile: DeviceProfile, in index: ProfileIndex) -> [String] {
        var found: [String] = []
        for (number, vector) in profile.vectors.enumerated() {
            guard let layout = profile.layout(for: vector.source) else {
                found.append("\(profile.file): vectors[\(number)]: no layout for \(vector.source)")
                continue
            }
            for line in vector.differences(from: layout.decode(vector.bytes)) {
                found.append("\(profile.file): vectors[\(number)]: \(line)")
            }
        }
        for (number, example) in profile.examples.enumerated() {
            let place = "\(profile.file): examples[\(number)]"
            do throws(DecodeError) {
                let advertisement = try Advertisement(adStructures: example.advertisement)
                let winner = index.match(advertisement)
                if winner?.id != profile.id {
                    found.append("\(place): goes to \(winner?.id ?? "nobody")")
                }
            } catch {
                found.append("\(place): \(error)")
            }
        }
        if profile.vectors.isEmpty { found.append("\(profile.file): has no vectors") }
        return found
    }
}
