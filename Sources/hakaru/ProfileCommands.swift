import DataFiles
import DeviceProfile
import JSON
import YAML

/// `hakaru profile list|show|check|new`: the device profiles, without a daemon.
enum ProfileCommands {
    static let all = [list, show, ProfileCheck.command, ProfileNew.command]

    // MARK: list

    private static let list = Command(
        path: ["profile", "list"], summary: "list the device profiles and the models they cover",
        details: "Profiles of /etc/hakaru/device-profiles win over shipped ones of the same id; "
            + "HAKARU_OWN_PROFILES names another directory.",
        options: [
            CommandOption("markdown", nil, "print the page of all models (docs/devices.md)")
        ]
    ) { call throws(CommandError) in
        let set = try DecodeCommand.loadedProfiles()
        let profiles = set.index.profiles
        if call.options["markdown"] != nil {
            for line in ProfilePage.lines(profiles) { try call.output.line(line) }
        } else if call.wantsJSON {
            for profile in profiles {
                try call.output.line(ProfileText.json(profile, set))
            }
        } else {
            var table = TextTable(["PROFILE", "CLASS", "CONFIDENCE", "ORIGIN", "MODELS"])
            for profile in profiles {
                table.add([
                    profile.id, profile.deviceClass.rawValue, profile.confidence.rawValue,
                    ProfileText.origin(profile, set),
                    profile.models.map(\.name).joined(separator: ", "),
                ])
            }
            try call.print(table)
        }
        guard !set.problems.isEmpty else { return }
        // The list first: what is wrong stands below it on a terminal.
        try call.output.flush()
        for problem in set.problems { complain(problem.description, call) }
        throw CommandError.failed("\(set.problems.count) problem(s) in profile files")
    }

    /// One problem beside the results, as an object where JSON is asked for.
    private static func complain(_ text: String, _ call: Invocation) {
        Output.complain(
            call.wantsJSON ? CommandError.refused(code: "profile-problem", text).json : text)
    }

    // MARK: show

    private static let show = Command(
        path: ["profile", "show"], summary: "show device profiles whole", words: "ID|MODEL…",
        wordCount: 1...1_000
    ) { call throws(CommandError) in
        let set = try DecodeCommand.loadedProfiles()
        for word in call.words {
            guard let profile = set.index.profile(model: word) else {
                throw CommandError.failed(
                    "no profile has the id or a model '\(word)'; see: hakaru profile list")
            }
            if call.wantsJSON {
                try call.output.line(ProfileText.json(profile, set, whole: true))
            } else {
                for line in ProfileText.lines(profile, set) { try call.output.line(line) }
            }
        }
    }
}
