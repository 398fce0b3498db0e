import JSON
import Register

/// `hakaru deliveries` and `hakaru export`: what a person may know and take along.
enum OwnDataCommands {
    static let all = [deliveries, export]

    /// Both work without a network, and without a daemon too.
    private static let offline = [
        CommandOption("config", "FILE", "where no daemon runs: its configuration"),
        CommandOption("state-directory", "DIR", "where no daemon runs: its store"),
    ]

    private static let deliveries = Command(
        path: ["deliveries"], summary: "list what of a participant went where and when",
        details:
            "Told from the ledger: each version that was sent stands for itself, also of records "
            + "that retention removed. Where no daemon runs, the store is read directly.",
        words: "PARTICIPANT", wordCount: 1...1,
        options: [
            CommandOption("after", "ID", "only deliveries after this entry of the ledger"),
            CommandOption("limit", "N", "at most so many"),
        ] + offline
    ) { call throws(CommandError) in
        try StandIn.answering(call) { call throws(CommandError) in
            let path = "/v1/participants/\(SocketClient.escape(call.words[0]))/deliveries"
            var isFirst = true
            try RecordPages.each(path, "deliveries", [], call) { page throws(CommandError) in
                if call.wantsJSON {
                    for item in page { try call.output.line(item.line) }
                } else {
                    let lines = table(page).lines
                    for line in isFirst ? lines[...] : lines.dropFirst() {
                        try call.output.line(line)
                    }
                }
                isFirst = false
            }
            if isFirst, !call.wantsJSON {
                try call.output.line("Nothing of this participant was delivered.")
            }
        }
    }

    private static func table(_ items: [JSONValue]) -> TextTable {
        TextTable(
            ["DELIVERED", "TO", "ANSWER", "KIND", "MEASURED", "RECORD"],
            rows: items.map { item in
                [
                    Plain.time(item["at"]), Plain.text(item["destination"]),
                    Plain.text(item["answer"]),
                    Plain.text(item["kind"]), Plain.time(item["observation_time"]),
                    Plain.text(item["key"]),
                ]
            })
    }

    // MARK: export

    private static let export = Command(
        path: ["export"], summary: "write everything that is stored of a participant",
        details: "meti-1.0 is the document of the exchange spec (交換規約); what has no place in it is "
            + "named on standard error. csv has a line for every value, withdrawn and quarantined "
            + "ones too. Where no daemon runs, the store is read directly.",
        words: "PARTICIPANT", wordCount: 1...1,
        options: [
            CommandOption(
                "format", "FORMAT", "meti-1.0, meti-1.0-tis, csv or json; meti-1.0",
                choices: ["meti-1.0", "meti-1.0-tis", "csv", "json"])
        ] + offline
    ) { call throws(CommandError) in
        try StandIn.answering(call) { call throws(CommandError) in
            switch call.options["format"] ?? "meti-1.0" {
            case "csv": try csv(call)
            case "json":
                try each(call) { record throws(CommandError) in
                    try call.output.line(record.line)
                }
            case let format: try document(format, call)
            }
        }
    }

    private static func document(_ format: String, _ call: Invocation) throws(CommandError) {
        let code = SocketClient.escape(call.words[0])
        let answer = try call.client.get(
            "/v1/participants/\(code)/export", query: [("format", format)])
        for record in answer["omitted"]?.array ?? [] {
            Output.complain(
                "not in the document: \(Plain.text(record["key"])): \(Plain.text(record["reason"]))"
            )
        }
        guard let document = answer["document"], !document.isNull else {
            throw .refused(code: "nothing-to-export", "nothing of it has a place in \(format)")
        }
        try call.output.line(document.line)
    }

    private static let columns = [
        "id", "key", "observation_time", "kind", "name", "value", "unit", "data_input_code",
        "origin_of_time_code", "manufacturer", "model", "serial", "measured_by", "setting",
        "state", "revision",
    ]

    private static func csv(_ call: Invocation) throws(CommandError) {
        guard !call.wantsJSON else {
            return try each(call) { record throws(CommandError) in
                try call.output.line(record.line)
            }
        }
        var writer = CSVWriter()
        writer.add(columns)
        try each(call) { record throws(CommandError) in
            for value in record["values"]?.members ?? [] {
                writer.add(
                    columns.map { column in
                        switch column {
                        case "name": value.name
                        case "value", "unit": raw(value.value[column])
                        default: raw(record[column])
                        }
                    })
            }
        }
        try call.output.line(Array(writer.text.utf8.dropLast(2)))
    }

    /// A cell as it is; nothing where there is nothing.
    private static func raw(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): text
        case .number(let digits): digits
        default: ""
        }
    }

    private static func each(
        _ call: Invocation, _ body: (JSONValue) throws(CommandError) -> Void
    ) throws(CommandError) {
        let path = "/v1/participants/\(SocketClient.escape(call.words[0]))/records"
        try RecordPages.each(path, "records", [], call) { page throws(CommandError) in
            for record in page { try body(record) }
        }
    }
}
