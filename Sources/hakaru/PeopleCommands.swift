import JSON

/// `hakaru participants`, `consent` and `records assign`: codes, words, decisions.
enum PeopleCommands {
    static let all = [participants, importing, exporting, card, assign, grant, withdraw, consents]

    // MARK: participants

    private static let participants = Command(
        path: ["participants", "list"], summary: "list the participants by code"
    ) { call throws(CommandError) in
        let found = try call.client.get("/v1/participants").items("participants")
        try call.list(
            found, empty: "Nobody is registered.",
            table: TextTable(
                ["PARTICIPANT", "FROM", "TO", "TAKES PART"],
                rows: found.map { person in
                    [
                        Plain.text(person["id"]), Plain.text(person["participation_start"]),
                        Plain.text(person["participation_end"]), Plain.text(person["takes_part"]),
                    ]
                }))
    }

    private static let importing = Command(
        path: ["participants", "import"], summary: "register a list of participants",
        words: "FILE", wordCount: 1...1, takesFiles: true
    ) { call throws(CommandError) in
        let isYAML = call.words[0].hasSuffix(".yaml") || call.words[0].hasSuffix(".yml")
        try ListsCommands.send(call, kind: isYAML ? nil : "participants")
    }

    private static let exporting = Command(
        path: ["participants", "export"], summary: "write the list of participants as CSV"
    ) { call throws(CommandError) in
        var call = call
        call.words = ["participants"]
        try ListsCommands.export(call)
    }

    private static let card = Command(
        path: ["participants", "card"], summary: "say whose card it is",
        details: "Only a keyed hash of the number is kept. NUMBER - reads it from standard input; "
            + "with --station it is read there within 25 s, and begins no session.",
        words: "PARTICIPANT [NUMBER]", wordCount: 1...2,
        options: [CommandOption("station", "NAME", "at which station the card is read")]
    ) { call throws(CommandError) in
        let station = call.options["station"]
        guard (station == nil) == (call.words.count == 2) else {
            throw .usage("participants card needs one of NUMBER and --station NAME")
        }
        let number =
            station == nil ? try SessionCommands.typed(call.words[1]) : nil
        if let station {
            Output.complain("hakaru: lay the card on a reader of station \(station) within 25 s")
        }
        let answer = try call.client.post(
            "/v1/participants/" + SocketClient.escape(call.words[0]) + "/card"
        ) { writer in
            if let number { writer.member("card", number) }
            if let station { writer.member("station", station) }
        }
        try call.tell(answer, "The card is \(Plain.text(answer["participant"]))'s.")
    }

    // MARK: records

    private static let assign = Command(
        path: ["records", "assign"], summary: "say whose an unassigned record is",
        details: "RECORD is its id or its key. The reason stays in the ledger.",
        words: "RECORD PARTICIPANT", wordCount: 2...2,
        options: [
            CommandOption(
                "reason", "TEXT", "how it is known, for whoever asks later", isNeeded: true)
        ]
    ) { call throws(CommandError) in
        let reason = try call.given("reason")
        let key = try key(call.words[0], call)
        let answer = try call.client.post("/v1/records/\(key)/assign") { writer in
            writer.member("participant", call.words[1])
            writer.member("reason", reason)
        }
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let record = answer["record"]
        try call.output.line(
            "It is \(Plain.text(record?["participant"]))'s; state: \(Plain.text(record?["state"]))."
        )
    }

    static func key(_ wanted: String, _ call: Invocation) throws(CommandError) -> String {
        if wanted.utf8.count == 32 { return SocketClient.escape(wanted) }
        guard let id = Int(wanted), id > 0 else {
            throw .usage("'\(wanted)' is no record; accepted: its id or its key of 32 digits")
        }
        let page = try call.client.get(
            "/v1/records", query: [("after", "\(id - 1)"), ("limit", "1")]
        ).items("records")
        guard let found = page.first, found["id"]?.integer == id, let key = found["key"]?.string
        else {
            throw .refused(code: "not-found", "there is no record \(id)")
        }
        return key
    }

    // MARK: consent

    private static let wordOptions = [
        CommandOption("destination", "NAME", "where the values may go", isNeeded: true),
        CommandOption("kinds", "KINDS", "all, or kinds with commas between them; else all"),
    ]

    private static let grant = Command(
        path: ["consent", "grant"], summary: "a participant lets kinds of values go somewhere",
        words: "PARTICIPANT", wordCount: 1...1,
        options: wordOptions + [
            CommandOption("until", "DATE", "the last day of it"),
            CommandOption("send-held", nil, "what was held without consent is sent too"),
        ]
    ) { call throws(CommandError) in try say("grant", call) }

    private static let withdraw = Command(
        path: ["consent", "withdraw"],
        summary: "a participant lets nothing of these kinds go any more",
        details: "What waits is held at once, retries included. What was sent stays sent.",
        words: "PARTICIPANT", wordCount: 1...1, options: wordOptions
    ) { call throws(CommandError) in try say("withdraw", call) }

    private static func say(_ what: String, _ call: Invocation) throws(CommandError) {
        let destination = try call.given("destination")
        let kinds = call.options["kinds"] ?? "all"
        let answer = try call.client.post("/v1/consents/" + what) { writer in
            writer.member("participant", call.words[0])
            writer.member("destination", destination)
            if kinds == "all" {
                writer.member("kinds", kinds)
            } else {
                writer.member("kinds", strings: kinds.split(separator: ",").map(String.init))
            }
            if let until = call.options["until"] { writer.member("until", until) }
            if call.options["send-held"] != nil { writer.member("send_held", true) }
        }
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let held = Plain.text(answer["held"])
        let released = Plain.text(answer["released"])
        try call.output.line(
            what == "grant"
                ? "Granted; \(released) held records wait for sending now."
                : "Withdrawn; \(held) records that waited are held.")
    }

    private static let consents = Command(
        path: ["consent", "list"], summary: "list who lets which values go where",
        words: "PARTICIPANT", wordCount: 0...1
    ) { call throws(CommandError) in
        let query = call.words.first.map { [("participant", $0)] } ?? []
        let found = try call.client.get("/v1/consents", query: query).items("consents")
        try call.list(
            found, empty: "Nobody has consented to anything.",
            table: TextTable(
                ["PARTICIPANT", "DESTINATION", "STATE", "SINCE", "UNTIL", "KINDS"],
                rows: found.map { word in
                    [
                        Plain.text(word["participant"]), Plain.text(word["destination"]),
                        Plain.text(word["state"]), Plain.time(word["since"]),
                        Plain.time(word["until"]),
                        (word["kinds"]?.array ?? []).map { Plain.text($0) }.joined(separator: ", "),
                    ]
                }))
    }
}
