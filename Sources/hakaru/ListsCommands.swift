import DataFiles
import DeviceProfile
import JSON
import Register
import YAML

/// `hakaru lists`: the lists that the exchange spec has registered beforehand.
enum ListsCommands {
    static let all = [overview, check, importList, exportList]

    static let names = ListKind.allCases.map(\.rawValue)
    private static let listOption = CommandOption(
        "list", "LIST", "which list a CSV file is, where its header does not tell",
        choices: names)

    private static let overview = Command(
        path: ["lists"], summary: "tell which lists are registered, and how many rows they have"
    ) { call throws(CommandError) in
        let lists = try call.client.get("/v1/lists").items("lists")
        if call.wantsJSON {
            for list in lists { try call.output.line(list.line) }
            return
        }
        var table = TextTable(["LIST", "一覧", "ROWS"])
        for list in lists {
            table.add([
                Plain.text(list["list"]), Plain.text(list["title"]), Plain.text(list["rows"]),
            ])
        }
        try call.print(table)
    }

    private static let check = Command(
        path: ["lists", "check"],
        summary: "check a file with lists; changes nothing, needs no daemon",
        details: "CSV in UTF-8 or Shift_JIS, or YAML. All problems are told, by row and column.",
        words: "FILE", wordCount: 1...1, takesFiles: true,
        options: [
            listOption,
            CommandOption(
                "check-digit", "RULE", "how participant codes are made",
                choices: CheckDigit.allCases.map(\.rawValue)),
        ]
    ) { call throws(CommandError) in
        let (tables, warnings) = try read(call.words[0], call.options)
        try report(
            tables.map { ($0.kind.rawValue, $0.rows.count) }, warnings.map(\.description),
            "is right", call)
    }

    private static let importList = Command(
        path: ["lists", "import"], summary: "register a list: all of its rows, or none",
        details:
            "It takes the place of the list that was there. Of a file with any problem nothing "
            + "is taken.",
        words: "FILE", wordCount: 1...1, takesFiles: true, options: [listOption]
    ) { call throws(CommandError) in try send(call, kind: call.options["list"]) }

    private static let exportList = Command(
        path: ["lists", "export"], summary: "write a registered list as CSV",
        words: "LIST", wordCount: 1...1, wordChoices: names
    ) { call throws(CommandError) in try export(call) }

    static func export(_ call: Invocation) throws(CommandError) {
        let answer = try call.client.get("/v1/lists/" + call.words[0])
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        guard let kind = ListKind(rawValue: call.words[0]) else {
            throw .usage("there is no list \(call.words[0])")
        }
        let rows = (answer["rows"]?.array ?? []).map { row in
            (row.array ?? []).map { $0.string ?? "" }
        }
        let csv = ListTable(kind, rows: rows).csv
        // The output ends the last line itself.
        try call.output.line(Array(csv.utf8.dropLast()))
    }

    // MARK: parts

    static func send(_ call: Invocation, kind: String?) throws(CommandError) {
        let bytes = try bytes(call.words[0])
        let query = [
            ("file", call.words[0]), ("format", isYAML(call.words[0]) ? "yaml" : "csv"),
        ]
        let answer = try call.client.post(
            "/v1/lists", query: query + (kind.map { [("list", $0)] } ?? []), bytes: bytes)
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        try report(
            answer.items("lists").map { (Plain.text($0["list"]), $0["rows"]?.integer ?? 0) },
            (answer["warnings"]?.array ?? []).map { Plain.text($0) }, "is registered", call)
    }

    private static func report(
        _ lists: [(name: String, rows: Int)], _ warnings: [String], _ what: String,
        _ call: Invocation
    ) throws(CommandError) {
        guard !call.wantsJSON else {
            var writer = JSONWriter()
            writer.object { writer in
                writer.key("lists")
                writer.array { writer in
                    for list in lists {
                        writer.object { writer in
                            writer.member("list", list.name)
                            writer.member("rows", list.rows)
                        }
                    }
                }
                writer.member("warnings", strings: warnings)
            }
            return try call.output.line(writer.text)
        }
        for warning in warnings { try call.output.line("warning: " + warning) }
        for list in lists {
            try call.output.line("The list \(list.name) \(what): \(list.rows) rows.")
        }
    }

    private static func read(
        _ path: String, _ options: [String: String]
    ) throws(CommandError) -> (tables: [ListTable], warnings: [Problem]) {
        let raw = try bytes(path)
        let text: [UInt8]
        do throws(TextTrouble) {
            text = try TextDecoding.utf8(raw)
        } catch {
            throw .failed("\(path):\(error.line): \(error.description)")
        }
        let models = (try? ProfileFiles.load().index.profiles.map(\.knownModel)) ?? []
        let digit = options["check-digit"].flatMap { CheckDigit(rawValue: $0) } ?? .none
        let kind = options["list"].flatMap { ListKind(rawValue: $0) }
        var reader = ListReader(file: path, models: models, checkDigit: digit)
        do throws(ListReader.Problems) {
            let tables = isYAML(path) ? try reader.yaml(text) : [try reader.csv(text, kind: kind)]
            return (tables, reader.warnings)
        } catch {
            let more = error.dropped > 0 ? ["\(error.dropped) more problems"] : []
            throw .failed((error.list.map(\.description) + more).joined(separator: "\n"))
        }
    }

    private static func bytes(_ path: String) throws(CommandError) -> [UInt8] {
        do throws(FileError) {
            return try FileReader.read(path)
        } catch {
            throw .failed("\(error)")
        }
    }

    private static func isYAML(_ path: String) -> Bool {
        path.hasSuffix(".yaml") || path.hasSuffix(".yml")
    }
}

extension DeviceProfile {
    /// What a device list is held against.
    fileprivate var knownModel: KnownModel {
        KnownModel(
            names: modelNames, manufacturer: manufacturerCode, correctsTime: correctsTime,
            deviceClass: deviceClass == .any ? nil : deviceClass.rawValue)
    }
}
