import JSON

/// `hakaru quarantine release|discard|retry`: a person decides.
enum QuarantineDecisions {
    static let all = [release, discard, retry]

    private static let release = Command(
        path: ["quarantine", "release"],
        summary: "give a reading in quarantine its time and let it go",
        details: "The time is of the gateway's zone unless it names one: 2026-03-01T08:15. "
            + "It stays for good; the record's key and input code stay what they are.",
        words: "RECORD", wordCount: 1...1,
        options: [
            CommandOption("time", "TIME", "when it was measured"),
            CommandOption("use-reception-time", nil, "it was measured when it was received"),
        ]
    ) { call throws(CommandError) in
        let time = call.options["time"]
        let usesReception = call.options["use-reception-time"] != nil
        guard (time != nil) != usesReception else {
            throw .usage("quarantine release needs either --time TIME or --use-reception-time")
        }
        let key = try QuarantineCommands.key(call.words[0], call)
        let answer = try call.client.post("/v1/quarantine/\(key)/release") { writer in
            if let time { writer.member("time", time) }
            if usesReception { writer.member("use_reception_time", true) }
        }
        try report(answer, call) { record in
            "Released with the time \(Plain.time(record["observation_time"])); "
                + "state: \(Plain.text(record["state"]))."
        }
    }

    private static let discard = Command(
        path: ["quarantine", "discard"], summary: "decide that a reading is never to be sent",
        details: "The reason stays in the ledger. The reading is kept as long as delivered ones.",
        words: "RECORD", wordCount: 1...1,
        options: [CommandOption("reason", "TEXT", "why, for whoever asks later", isNeeded: true)]
    ) { call throws(CommandError) in
        let reason = try call.given("reason")
        let key = try QuarantineCommands.key(call.words[0], call)
        let answer = try call.client.post("/v1/quarantine/\(key)/discard") {
            $0.member("reason", reason)
        }
        try report(answer, call) { _ in "Discarded." }
    }

    private static let retry = Command(
        path: ["quarantine", "retry"],
        summary: "decode readings in quarantine again, after a profile was corrected",
        details: "What is right now becomes a record under its old key; the rest stays.",
        words: "RECORD", wordCount: 0...1,
        options: [CommandOption("all", nil, "all readings in quarantine")]
    ) { call throws(CommandError) in
        let isAll = call.options["all"] != nil
        guard isAll == call.words.isEmpty else {
            throw .usage("quarantine retry needs either a RECORD or --all")
        }
        guard let wanted = call.words.first else {
            let answer = try call.client.post("/v1/quarantine/retry")
            guard !call.wantsJSON else { return try call.output.line(answer.line) }
            return try call.output.line(
                "\(Plain.text(answer["released"])) became records, "
                    + "\(Plain.text(answer["left"])) stay in quarantine.")
        }
        let key = try QuarantineCommands.key(wanted, call)
        let answer = try call.client.post("/v1/quarantine/\(key)/retry")
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let record = answer["record"]
        try call.output.line(
            record?["state"]?.string == "quarantined"
                ? "It stays in quarantine: \(Plain.text(record?["reason"]))."
                : "It is a record now, of \(Plain.time(record?["observation_time"])).")
    }

    private static func report(
        _ answer: JSONValue, _ call: Invocation, _ text: (JSONValue) -> String
    ) throws(CommandError) {
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let isOld = answer["already"]?.bool == true
        try call.output.line(
            (isOld ? "It was decided so before. " : "") + text(answer["record"] ?? .null))
    }
}
