import JSON

/// `hakaru quarantine`: readings whose time or value needs a person's decision.
enum QuarantineCommands {
    static let all = [list, show] + QuarantineDecisions.all

    private static let list = Command(
        path: ["quarantine", "list"], summary: "list readings that need a decision, and why"
    ) { call throws(CommandError) in
        var isFirst = true
        try RecordPages.each("/v1/quarantine", "records", [], call) {
            page throws(CommandError) in
            if call.wantsJSON {
                for record in page { try call.output.line(record.line) }
            } else {
                let lines = table(page).lines
                for line in isFirst ? lines[...] : lines.dropFirst() { try call.output.line(line) }
            }
            isFirst = false
        }
        if isFirst, !call.wantsJSON { try call.output.line("Nothing is in quarantine.") }
    }

    private static let show = Command(
        path: ["quarantine", "show"], summary: "show one reading in quarantine with all it holds",
        details: "RECORD is its id, its key, or the beginning of its key.",
        words: "RECORD", wordCount: 1...1
    ) { call throws(CommandError) in
        let key = try key(call.words[0], call)
        let story = try call.client.get("/v1/quarantine/" + key)
        guard !call.wantsJSON else { return try call.output.line(story.line) }
        try call.output.line(Plain.text(story["known"]))
        try call.output.line(Plain.text(story["releasing"]))
        if let last = story["last_try"]?.string {
            try call.output.line("Decoding it again gave nothing: " + Plain.text(last) + ".")
        }
        try call.output.line("")
        try call.print(page(story))
    }

    /// The whole key of a reading in quarantine that is named by its id or the beginning of it.
    static func key(_ wanted: String, _ call: Invocation) throws(CommandError) -> String {
        // A whole key may be asked for even when it is decided on: the daemon tells then.
        if wanted.utf8.count == 32, wanted.allSatisfy(\.isHexDigit) { return wanted.lowercased() }
        var found: Set<String> = []
        let all = Invocation(words: [], options: call.options, output: call.output)
        try RecordPages.each("/v1/quarantine", "records", [], all) { page in
            found.formUnion(
                page.filter { isMeant($0, by: wanted) }.compactMap { $0["key"]?.string })
        }
        guard let key = found.first else {
            throw .refused(code: "not-found", "no reading '\(wanted)' is in quarantine")
        }
        guard found.count == 1 else {
            throw .usage("'\(wanted)' is the beginning of \(found.count) keys; write more of it")
        }
        return key
    }

    static func table(_ records: [JSONValue]) -> TextTable {
        TextTable(
            ["ID", "RECEIVED", "DEVICE TIME", "DEVICE", "VALUES", "REASON"],
            rows: records.map { record in
                [
                    Plain.text(record["id"]), Plain.time(record["received_at"]),
                    Plain.time(record["device_time"]),
                    Plain.text(record["model"] ?? record["device"]), Plain.values(record),
                    Plain.text(record["reason"]),
                ]
            })
    }

    private static func isMeant(_ record: JSONValue, by wanted: String) -> Bool {
        if let id = record["id"]?.integer, String(id) == wanted { return true }
        // An id is short; so that 12 never means a key by chance, a key's beginning is longer.
        guard wanted.count >= 6 else { return false }
        return record["key"]?.string?.hasPrefix(wanted.lowercased()) == true
    }

    /// What stands in sentences already.
    private static let told = ["known", "releasing", "last_try", "reason_text"]

    private static func page(_ record: JSONValue) -> TextTable {
        var table = TextTable([])
        for member in record.members ?? [] where !told.contains(member.name) {
            switch member.value {
            case .object where member.name == "values":
                table.add(["values", Plain.values(record)])
            case .object(let members):
                for inner in members {
                    table.add([Plain.text("\(member.name).\(inner.name)"), Plain.text(inner.value)])
                }
            case .array(let items):
                let parts = items.map { Plain.text($0) }
                table.add([
                    Plain.text(member.name),
                    parts.isEmpty ? Plain.none : parts.joined(separator: ", "),
                ])
            default: table.add([Plain.text(member.name), Plain.text(member.value)])
            }
        }
        return table
    }
}
