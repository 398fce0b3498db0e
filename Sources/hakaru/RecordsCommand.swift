import JSON

/// `hakaru records`: what has been measured and where it went.
enum RecordsCommand {
    static let states = [
        "all", "waiting", "held", "unassigned", "guest", "quarantined", "discarded", "withdrawn",
        "dead-letters", "delivered",
    ]

    static let command = Command(
        path: ["records"], summary: "list what has been measured and where it went",
        details: "Oldest first. All records are listed unless --limit says otherwise.",
        options: [
            CommandOption("after", "ID", "only records after this one"),
            CommandOption("limit", "N", "at most so many records"),
            CommandOption("state", "STATE", "only records in this state", choices: states),
        ]
    ) { call throws(CommandError) in
        var isFirst = true
        let query = call.options["state"].map { [("state", $0)] } ?? []
        try RecordPages.each("/v1/records", "records", query, call) { page throws(CommandError) in
            if call.wantsJSON {
                for record in page { try call.output.line(record.line) }
            } else {
                let lines = table(page).lines
                for line in isFirst ? lines[...] : lines.dropFirst() { try call.output.line(line) }
            }
            isFirst = false
        }
        if isFirst, !call.wantsJSON { try call.output.line("No records.") }
    }

    static func table(_ records: [JSONValue]) -> TextTable {
        var table = TextTable([
            "ID", "TIME", "BASIS", "OFFSET", "PARTICIPANT", "MODEL", "VALUES", "STATE",
            "DESTINATIONS",
        ])
        for record in records {
            let measured = Plain.time(record["observation_time"])
            table.add([
                Plain.text(record["id"]),
                measured == Plain.none ? Plain.time(record["received_at"]) : measured,
                Plain.text(record["time_basis"]), offset(record),
                Plain.text(record["participant"]),
                Plain.text(record["model"] ?? record["profile"]), Plain.values(record),
                state(record), destinations(record["destinations"]),
            ])
        }
        return table
    }

    /// How far the device's clock was off and how sure the time is: `+360 s ±1 s`.
    static func offset(_ record: JSONValue) -> String {
        let offset = Plain.text(record["clock_offset"])
        let uncertainty = Plain.text(record["uncertainty"])
        let parts = [
            offset == Plain.none ? nil : (offset.hasPrefix("-") ? "" : "+") + offset + " s",
            uncertainty == Plain.none ? nil : "±" + uncertainty + " s",
        ].compactMap { $0 }
        return parts.isEmpty ? Plain.none : parts.joined(separator: " ")
    }

    private static func state(_ record: JSONValue) -> String {
        let reason = Plain.text(record["reason"])
        let state = Plain.text(record["state"]) + (reason == Plain.none ? "" : ": " + reason)
        return record["simulated"]?.bool == true ? state + " (simulated)" : state
    }

    private static func destinations(_ value: JSONValue?) -> String {
        let parts = (value?.members ?? []).map { "\(Plain.text($0.name)) \(Plain.text($0.value))" }
        return parts.isEmpty ? Plain.none : parts.joined(separator: ", ")
    }
}

/// The pages of a long list, asked for one after the other.
enum RecordPages {
    private static let pageSize = 200

    /// Calls `body` with each page that holds anything, until the limit or the end.
    static func each(
        _ resource: String, _ name: String, _ query: [(String, String)], _ call: Invocation,
        _ body: ([JSONValue]) throws(CommandError) -> Void
    ) throws(CommandError) {
        var left = try number(call.options["limit"], "limit") ?? Int.max
        var after = try number(call.options["after"], "after")
        let client = call.client
        while left > 0 {
            let size = min(left, pageSize)
            let position = after.map { [("after", "\($0)")] } ?? []
            let page = try client.get(
                resource, query: query + position + [("limit", "\(size)")]
            ).items(name)
            guard !page.isEmpty else { return }
            try body(Array(page.prefix(left)))
            left -= min(left, page.count)
            // A daemon that gives the same page again would be asked for ever.
            guard let last = page.last?["id"]?.integer, last > after ?? Int.min else { return }
            after = last
        }
    }

    private static func number(_ text: String?, _ name: String) throws(CommandError) -> Int? {
        guard let text else { return nil }
        guard let value = Int(text), value >= 0 else {
            throw .usage("--\(name) is '\(text)'; accepted: a whole number, 0 or more")
        }
        return value
    }
}
