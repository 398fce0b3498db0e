import JSON

/// `hakaru record`: values that a person types, corrects, looks at or takes back.
enum RecordCommands {
    static let all = [add, edit, withdraw, show]

    private static let confirm = CommandOption(
        "confirm", nil, "take a value outside the usual limits: it was looked at and is right")
    private static let reason = CommandOption(
        "reason", "TEXT", "why, for whoever asks later; it stays in the ledger", isNeeded: true)

    private static let add = Command(
        path: ["record", "add"], summary: "store a value that a person typed",
        details: "VALUE is weight=72.5, or several of one measurement: systolic=125 diastolic=80 "
            + "pulse=64. A unit may stand behind the number: glucose=5.4mmol/L. "
            + "It goes out with データ入力コード 1.",
        words: "PARTICIPANT VALUE…", wordCount: 2...20,
        options: [
            CommandOption("at", "TIME", "when it was measured, else now"),
            CommandOption(
                "setting", "SETTING", "where, else as the gateway stands; checkup: 健診/診察室",
                choices: ["home", "pharmacy", "checkup"]),
            CommandOption("lab", "ID", "検査機関ID, for a HbA1c or a check-up"),
            CommandOption("method", "CODE", "測定法コード, for a HbA1c"),
            CommandOption(
                "measured-by", "WHO", "who measured, else self",
                choices: ["self", "staff", "medical-professional"]),
            CommandOption("device", "DEVICE", "the known device on whose display it was read"),
            confirm,
        ]
    ) { call throws(CommandError) in
        let values = try values(call.words.dropFirst())
        let answer = try call.client.post("/v1/records") { writer in
            writer.member("participant", call.words[0])
            write(values, call, &writer)
            for (option, name) in [
                ("at", "at"), ("setting", "setting"), ("lab", "test_lab_id"),
                ("method", "measurement_method_code"), ("measured-by", "measured_by"),
                ("device", "device"),
            ] {
                if let text = call.options[option] { writer.member(name, text) }
            }
        }
        try report(answer, call) { record in
            "Stored as record \(Plain.text(record["id"])): \(Plain.values(record)), "
                + "\(Plain.time(record["observation_time"])); state: \(Plain.text(record["state"]))."
        }
    }

    private static let edit = Command(
        path: ["record", "edit"], summary: "correct values of a record",
        details:
            "RECORD is its id or its key, VALUE as for record add. What it was before is kept. "
            + "The new version goes to everybody who had the former one, with データ入力コード 2.",
        words: "RECORD VALUE…", wordCount: 2...20, options: [reason, confirm]
    ) { call throws(CommandError) in
        let values = try values(call.words.dropFirst())
        let why = try call.given("reason")
        let key = try PeopleCommands.key(call.words[0], call)
        let answer = try call.client.post("/v1/records/\(key)/edit") { writer in
            write(values, call, &writer)
            writer.member("reason", why)
        }
        try report(answer, call) { record in
            "Version \(Plain.text(record["revision"])): \(Plain.values(record)); "
                + "state: \(Plain.text(record["state"]))."
        }
    }

    private static let withdraw = Command(
        path: ["record", "withdraw"], summary: "take a record back: it is never sent again",
        details: "It says whether it had been sent: what a receiver has, no gateway can take away.",
        words: "RECORD", wordCount: 1...1, options: [reason]
    ) { call throws(CommandError) in
        let why = try call.given("reason")
        let key = try PeopleCommands.key(call.words[0], call)
        let answer = try call.client.post("/v1/records/\(key)/withdraw") {
            $0.member("reason", why)
        }
        try report(answer, call) { _ in sent(answer) }
    }

    private static func sent(_ answer: JSONValue) -> String {
        let deliveries = answer["deliveries"]?.array ?? []
        let there = deliveries.filter { $0["delivered_at"]?.string != nil }.map { delivery in
            "\(Plain.text(delivery["destination"])) at \(Plain.time(delivery["delivered_at"]))"
        }
        let underWay = deliveries.filter { $0["on_its_way"]?.bool == true }.map { delivery in
            Plain.text(delivery["destination"])
        }
        var text = "Withdrawn; it is not sent any more."
        if !there.isEmpty { text += " It had been sent: \(there.joined(separator: ", "))." }
        if !underWay.isEmpty {
            text +=
                " A batch with it is under way and may have arrived: "
                + underWay.joined(separator: ", ") + "."
        }
        return there.isEmpty && underWay.isEmpty ? text + " It had not been sent." : text
    }

    private static let show = Command(
        path: ["record", "show"], summary: "show a record, what it was before and where it went",
        words: "RECORD", wordCount: 1...1
    ) { call throws(CommandError) in
        let answer = try call.client.get(
            "/v1/records/" + (try PeopleCommands.key(call.words[0], call)))
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let record = answer["record"] ?? .null
        for line in RecordsCommand.table([record]).lines { try call.output.line(line) }
        let versions = answer["versions"]?.array ?? []
        if !versions.isEmpty {
            var table = TextTable(["VERSION", "VALUES", "CODE", "UNTIL", "CHANGED BY", "REASON"])
            for version in versions {
                table.add([
                    Plain.text(version["revision"]), Plain.values(version),
                    Plain.text(version["data_input_code"]), Plain.time(version["until"]),
                    Plain.text(version["changed_by"]), Plain.text(version["reason"]),
                ])
            }
            try call.output.line("")
            try call.print(table)
        }
        for delivery in answer["deliveries"]?.array ?? [] {
            let at = Plain.time(delivery["delivered_at"])
            let reason = Plain.text(delivery["reason"])
            try call.output.line(
                "\(Plain.text(delivery["destination"])): \(Plain.text(delivery["state"]))"
                    + (reason == Plain.none ? "" : " (\(reason))")
                    + (at == Plain.none ? "" : ", delivered \(at)"))
        }
    }

    // MARK: what was typed

    private static func values(
        _ words: ArraySlice<String>
    ) throws(CommandError) -> [(String, String)] {
        var values: [(String, String)] = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .usage(
                    "'\(word)' is no value; accepted: weight=72.5, systolic=125 diastolic=80")
            }
            values.append((String(parts[0]), String(parts[1])))
        }
        return values
    }

    private static func write(
        _ values: [(String, String)], _ call: Invocation, _ writer: inout JSONWriter
    ) {
        writer.member(
            "values",
            object: { writer in for (name, text) in values { writer.member(name, text) } })
        if call.options["confirm"] != nil { writer.member("confirm", true) }
    }

    private static func report(
        _ answer: JSONValue, _ call: Invocation, _ text: (JSONValue) -> String
    ) throws(CommandError) {
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let isOld = answer["already"]?.bool == true
        try call.output.line(
            (isOld ? "It was so before. " : "") + text(answer["record"] ?? .null))
    }
}
