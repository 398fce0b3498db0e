import JSON

/// `hakaru ledger`: what was done with records, by whom and when.
enum LedgerCommands {
    static let all = [list, verify]

    private static let list = Command(
        path: ["ledger", "list"],
        summary: "list what was received, decided, delivered and changed, by whom and when",
        options: [
            CommandOption("after", "ID", "only entries after this one"),
            CommandOption("limit", "N", "at most so many entries"),
        ]
    ) { call throws(CommandError) in
        var isFirst = true
        try RecordPages.each("/v1/ledger", "entries", [], call) { page throws(CommandError) in
            if call.wantsJSON {
                for entry in page { try call.output.line(entry.line) }
            } else {
                var table = TextTable(["ID", "AT", "BY", "EVENT", "SUBJECT", "DETAILS"])
                for entry in page {
                    table.add([
                        Plain.text(entry["id"]), Plain.time(entry["at"]),
                        Plain.text(entry["actor"]), Plain.text(entry["event"]),
                        Plain.text(entry["subject"]), details(entry["details"]),
                    ])
                }
                let lines = table.lines
                for line in isFirst ? lines[...] : lines.dropFirst() { try call.output.line(line) }
            }
            isFirst = false
        }
        if isFirst, !call.wantsJSON { try call.output.line("The ledger is empty.") }
    }

    private static func details(_ value: JSONValue?) -> String {
        let parts = (value?.members ?? []).compactMap { member -> String? in
            if let items = member.value.array { return "\(member.name)=\(items.count)" }
            let text = Plain.text(member.value)
            return text == Plain.none ? nil : "\(Plain.text(member.name))=\(text)"
        }
        return parts.isEmpty ? Plain.none : parts.joined(separator: " ")
    }

    private static let verify = Command(
        path: ["ledger", "verify"],
        summary: "check that no entry of the ledger was changed or removed",
        details: "Exit code 1 where one was; each place is named."
    ) { call throws(CommandError) in
        let report = try call.client.get("/v1/ledger/verify")
        let isWhole = report["whole"]?.bool == true
        let count = Plain.text(report["entries"])
        if call.wantsJSON {
            try call.output.line(report.line)
        } else if isWhole {
            try call.output.line("\(count) entries, each as it was written.")
        } else {
            for problem in report["problems"]?.array ?? [] {
                try call.output.line(Plain.text(problem["message"]))
            }
        }
        guard isWhole else {
            try call.output.flush()
            throw .refused(
                code: "ledger-damaged", "the ledger of \(count) entries is not as it was written")
        }
    }
}
