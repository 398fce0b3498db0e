import JSON

/// `hakaru purge` and `hakaru keys rotate`: what people ask of the store itself.
enum StoreCommands {
    static let all = [purge, rotate]

    private static let purge = Command(
        path: ["purge"], summary: "remove every value of a participant from the store, for good",
        details:
            "Its data key goes first, then its records; then the file is written anew. What was "
            + "delivered stays at its receivers. The ledger keeps the participant's code.",
        words: "PARTICIPANT", wordCount: 1...1,
        options: [
            CommandOption(
                "set-aside", nil, "also overwrite and remove set-aside copies of damaged stores")
        ]
    ) { call throws(CommandError) in
        let code = SocketClient.escape(call.words[0])
        let removesCopies = call.options["set-aside"] != nil
        let answer = try call.client.post("/v1/participants/\(code)/purge") {
            $0.member("set_aside", removesCopies)
        }
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        try call.output.line("\(Plain.text(answer["records"])) records removed for good.")
        for file in answer["set_aside_files"]?.array ?? [] {
            try call.output.line("removed: \(Plain.text(file))")
        }
        if answer["still_configured"]?.bool == true {
            try call.output.line(
                "The participant is still configured: what its devices give from now on is stored.")
        }
    }

    private static let rotate = Command(
        path: ["keys", "rotate"], summary: "seal the data keys under the key file's first key",
        details:
            "Put the new key in the first line and leave the old one below it until this is done."
    ) { call throws(CommandError) in
        let answer = try call.client.post("/v1/keys/rotate")
        try call.tell(answer, "\(Plain.text(answer["data_keys"])) data keys have a new master key.")
    }
}
