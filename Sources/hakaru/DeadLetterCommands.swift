import JSON

/// `hakaru dead-letters`: records that a receiver refused for good.
enum DeadLetterCommands {
    static let all = [list, show, retry, discard]

    private static let destination = CommandOption(
        "destination", "NAME", "only at this destination")

    private static let list = Command(
        path: ["dead-letters", "list"], summary: "list records that a receiver refused, and why"
    ) { call throws(CommandError) in
        let letters = try all(call)
        try call.list(
            letters, empty: "There are no dead letters.",
            table: TextTable(
                ["ID", "REFUSED AT", "DESTINATION", "REASON"],
                rows: letters.map { letter in
                    [
                        Plain.text(letter["id"]), Plain.time(letter["at"]),
                        Plain.text(letter["destination"]), Plain.text(letter["reason"]),
                    ]
                }))
    }

    private static let show = Command(
        path: ["dead-letters", "show"],
        summary: "show one with the receiver's answer and what was sent",
        details: "RECORD is its id, its key, or the beginning of its key.",
        words: "RECORD", wordCount: 1...1
    ) { call throws(CommandError) in
        for letter in try meant(call.words[0], call) {
            guard !call.wantsJSON else {
                try call.output.line(letter.line)
                continue
            }
            for name in ["id", "key", "destination", "at", "reason"] {
                try call.output.line("\(name): " + Plain.text(letter[name]))
            }
            for name in ["answer", "document"] {
                let lines = (letter[name]?.string ?? "").split(separator: "\n")
                if name == "document", !lines.isEmpty { try call.output.line("sent:") }
                for line in lines { try call.output.line("  " + Plain.text(String(line))) }
            }
        }
    }

    private static let retry = Command(
        path: ["dead-letters", "retry"],
        summary: "send refused records again, encoded anew, under a new batch key",
        words: "RECORD", wordCount: 0...1,
        options: [CommandOption("all", nil, "all dead letters"), destination]
    ) { call throws(CommandError) in
        guard (call.options["all"] != nil) == call.words.isEmpty else {
            throw .usage("dead-letters retry needs either a RECORD or --all")
        }
        let target = try call.words.first.map { word throws(CommandError) in
            try key(word, call) + "/"
        }
        let answer = try call.client.post("/v1/dead-letters/\(target ?? "")retry") {
            if let name = call.options["destination"] { $0.member("destination", name) }
        }
        try call.tell(answer, "\(Plain.text(answer["retried"])) wait for sending again.")
    }

    private static let discard = Command(
        path: ["dead-letters", "discard"], summary: "give up sending a refused record",
        details: "The record stays in the store, held with the reason.",
        words: "RECORD", wordCount: 1...1,
        options: [
            CommandOption("reason", "TEXT", "why, for whoever asks later", isNeeded: true),
            destination,
        ]
    ) { call throws(CommandError) in
        let reason = try call.given("reason")
        let answer = try call.client.post(
            "/v1/dead-letters/\(try key(call.words[0], call))/discard"
        ) {
            $0.member("reason", reason)
            if let name = call.options["destination"] { $0.member("destination", name) }
        }
        try call.tell(answer, "\(Plain.text(answer["discarded"])) given up.")
    }

    private static func all(_ call: Invocation) throws(CommandError) -> [JSONValue] {
        // Ten thousand at once: a person decides on fewer.
        try call.client.get("/v1/dead-letters", query: [("limit", "10000")]).items("dead_letters")
    }

    private static func meant(
        _ wanted: String, _ call: Invocation
    ) throws(CommandError) -> [JSONValue] {
        let found = try all(call).filter { letter in
            if let id = letter["id"]?.integer, String(id) == wanted { return true }
            return wanted.count >= 6
                && letter["key"]?.string?.hasPrefix(wanted.lowercased()) == true
        }
        guard !found.isEmpty else {
            throw .refused(code: "not-found", "there is no dead letter '\(wanted)'")
        }
        guard Set(found.compactMap { $0["key"]?.string }).count == 1 else {
            throw .usage("'\(wanted)' is the beginning of several keys; write more of it")
        }
        return found
    }

    private static func key(_ wanted: String, _ call: Invocation) throws(CommandError) -> String {
        try meant(wanted, call).first?["key"]?.string ?? wanted
    }
}
