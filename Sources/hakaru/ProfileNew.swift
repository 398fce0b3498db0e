import DataFiles
import DeviceProfile
import Glibc
import JSON
import Measurement
import TapeLink
import YAML

/// `hakaru profile new`: starts a profile from what was seen of a device.
enum ProfileNew {
    static let command = Command(
        path: ["profile", "new"], summary: "start a profile from what was seen of a device",
        details:
            "One of --from, --advertisement and --sighting tells what was seen. What the profile "
            + "still lacks is listed with what to do about it; a file that is there is kept.",
        options: [
            CommandOption("id", "ID", "the profile's id, which is its file's name too"),
            CommandOption("model", "NAME", "the maker's name of the model"),
            CommandOption("from", "TAPE", "a captured session"),
            CommandOption("advertisement", "HEX", "the raw advertising data"),
            CommandOption("sighting", "ADDRESS", "a device that the daemon sees now"),
            CommandOption("output", "FILE", "where it goes, else standard output; also -o"),
            CommandOption("force", nil, "write over a file that is there"),
        ]
    ) { call throws(CommandError) in
        let id = try identifier(call.options["id"])
        guard let model = call.options["model"], !model.isEmpty else {
            throw CommandError.usage("--model is missing: the maker's name of the model")
        }
        var draft = ProfileDraft(id: id, model: model, seen: try observation(call))
        if let tape = call.options["from"] { try play(tape, &draft, call.options["output"]) }
        let text = draft.text
        guard let file = call.options["output"] else { return try show(draft, text, call) }
        try write(text, to: file, replacing: call.options["force"] != nil)
        try report(draft, file, try ProfileCheck.problems([file]), call)
    }

    private static func identifier(_ text: String?) throws(CommandError) -> String {
        guard let text else { throw .usage("--id is missing: lower-case letters, digits, hyphens") }
        let isGood = text.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-")
        }
        guard isGood, !text.isEmpty else {
            throw .usage("--id is '\(text)'; accepted: lower-case letters, digits, hyphens")
        }
        return text
    }

    // MARK: what was seen

    private static func observation(_ call: Invocation) throws(CommandError) -> ProfileObservation {
        let given = ["from", "advertisement", "sighting"].filter { call.options[$0] != nil }
        guard given.count == 1, let name = given.first, let value = call.options[name] else {
            throw .usage("one of --from TAPE, --advertisement HEX and --sighting ADDRESS is due")
        }
        switch name {
        case "from": return try ProfileObservation(tape: try tape(value))
        case "advertisement":
            guard let bytes = hexBytes(value), !bytes.isEmpty else {
                throw .usage("--advertisement is not pairs of hexadecimal digits")
            }
            return try ProfileObservation(advertisement: bytes)
        default: return try ProfileObservation(sighting: try sighting(value, call))
        }
    }

    private static func tape(_ file: String) throws(CommandError) -> Tape {
        do {
            return try TapeParser.parse(try FileReader.read(file), file: file)
        } catch {
            throw .failed("\(error)")
        }
    }

    private static func sighting(
        _ address: String, _ call: Invocation
    ) throws(CommandError) -> JSONValue {
        guard let wanted = BluetoothAddress(address) else {
            throw .usage("--sighting is not an address such as A4:C1:38:00:00:01")
        }
        let seen = try call.client.get("/v1/sightings").items("sightings")
        guard let found = seen.first(where: { $0["address"]?.string == wanted.description }) else {
            throw .failed(
                "the daemon does not see \(wanted) among unknown devices; see: hakaru sightings")
        }
        return found
    }

    // MARK: the tape's own results

    /// Plays the tape with the draft, so that the profile says what it gives.
    private static func play(
        _ tape: String, _ draft: inout ProfileDraft, _ output: String?
    ) throws(CommandError) {
        let name = name(of: tape, beside: output ?? "")
        draft.tape = ProfileTape(file: name)
        let list = ProblemList()
        guard
            let profile = ProfileLoader.load(
                Array(draft.text.utf8), file: draft.id + ".yaml", problems: list)
        else { return }
        let others = try DecodeCommand.loadedProfiles().index.profiles.filter { $0.id != draft.id }
        let evidence = ProfileEvidence(
            among: ProfileIndex(others + [profile]), zone: try ProfileCheck.zone(),
            tape: { _, _ in try? FileReader.read(tape) })
        // A tape that the draft cannot play yet is named by the check that follows.
        guard let lines = try? evidence.play(ProfileTape(file: name), profile),
            lines.allSatisfy({ $0.profile == draft.id })
        else { return }
        draft.tape = ProfileTape(
            file: name, gives: Dictionary(grouping: lines, by: \.outcome).mapValues(\.count),
            records: lines.compactMap(\.record))
    }

    /// The tape's name as the profile can find it: beside the profile, else by its whole path.
    static func name(of tape: String, beside file: String) -> String {
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        if tape.hasPrefix(folder), !tape.hasPrefix("/") || !folder.isEmpty {
            return String(tape.dropFirst(folder.utf8.count))
        }
        guard let path = realpath(tape, nil) else { return tape }
        defer { free(path) }
        return String(cString: path)
    }

    // MARK: output

    private static func write(
        _ text: String, to file: String, replacing: Bool
    ) throws(CommandError) {
        let how = O_WRONLY | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL)
        let descriptor = open(file, how, 0o644)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? .failed("\(file) is there already; --force writes over it")
                : .failed("\(file): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let output = Output(descriptor: descriptor)
        try output.line(Array(text.utf8.dropLast()))
        try output.flush()
    }

    /// Without a file: the profile to standard output, and what is missing beside it.
    private static func show(
        _ draft: ProfileDraft, _ text: String, _ call: Invocation
    ) throws(CommandError) {
        if call.wantsJSON {
            return try call.output.line(document(draft, nil, [], text: text))
        }
        try call.output.line(Array(text.utf8.dropLast()))
        try call.output.flush()
        for item in draft.missing { Output.complain("missing: \(item.what): \(item.remedy)") }
    }

    private static func report(
        _ draft: ProfileDraft, _ file: String, _ problems: [String], _ call: Invocation
    ) throws(CommandError) {
        if call.wantsJSON {
            return try call.output.line(document(draft, file, problems, text: nil))
        }
        try call.output.line("\(file): a first version of \(draft.id) for \(draft.model)")
        for item in draft.missing {
            try call.output.line("missing: \(item.what): \(item.remedy)")
        }
        for problem in problems { try call.output.line("check: \(problem)") }
        try call.output.line(
            problems.isEmpty
                ? "hakaru profile check finds no problem"
                : "hakaru profile check names what is left: \(problems.count) problem(s)")
    }

    private static func document(
        _ draft: ProfileDraft, _ file: String?, _ problems: [String], text: String?
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("profile", draft.id)
            writer.member("file", file)
            if let text { writer.member("text", text) }
            writer.member(
                "missing",
                array: { writer in
                    for item in draft.missing {
                        writer.object { writer in
                            writer.member("what", item.what)
                            writer.member("remedy", item.remedy)
                        }
                    }
                })
            writer.member("problems", strings: problems)
        }
        return writer.bytes
    }
}
