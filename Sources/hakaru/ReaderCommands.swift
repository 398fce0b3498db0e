import JSON

/// `hakaru station bind`, `unbind` and `readers`: what people identify themselves with at a station.
enum ReaderCommands {
    static let all = [list, bind, unbind]

    private static let list = Command(
        path: ["station", "readers"], summary: "list the readers of the stations and how they do"
    ) { call throws(CommandError) in
        let readers = try call.client.get("/v1/readers").items("readers")
        try call.list(
            readers, empty: "No reader is bound: hakaru station bind STATION PORT",
            table: table(readers))
    }

    static let bind: Command = Command(
        path: ["station", "bind"], summary: "say which reader stands at a station",
        details: "PORT is a USB port that port list shows (1-1.2), a model in a port "
            + "(05e0:1200@1-1.2), serial:NUMBER, or a node below /dev/input/by-id, "
            + "/dev/input/by-path or /dev/serial. The kind is seen where the reader is plugged in. "
            + "Needs the administration group.",
        words: "STATION PORT", wordCount: 2...2,
        options: [
            CommandOption(
                "kind", "KIND", "what it is", choices: ["keyboard", "serial", "pasori"]),
            CommandOption(
                "layout", "LAYOUT", "the layout that it types for; else us",
                choices: ["us", "jis"]),
            CommandOption(
                "end", "END", "what ends a code: Enter or Tab, or a pause; else key",
                choices: ["key", "pause"]),
            CommandOption(
                "track", "N", "the track of a magnetic card that is the code",
                choices: ["1", "2", "3"]),
            CommandOption("speed", "BAUD", "the speed of a serial line; else 9600"),
            CommandOption(
                "data-bits", "N", "of a serial line; else 8", choices: ["7", "8"]),
            CommandOption(
                "parity", "PARITY", "of a serial line; else none",
                choices: ["none", "even", "odd"]),
            CommandOption("system-code", "HEX", "which FeliCa cards; else FFFF, all of them"),
        ]
    ) { call throws(CommandError) in
        let answer = try call.client.post("/v1/readers") { writer in
            writer.member("station", call.words[0])
            writer.member("port", call.words[1])
            for option in bind.options {
                guard let value = call.options[option.name] else { continue }
                let name = option.name.split(separator: "-").joined(separator: "_")
                writer.member(name, value)
            }
        }
        try call.tell(
            answer,
            "\(Plain.text(answer["port"])) is the \(Plain.text(answer["kind"])) reader of "
                + "\(Plain.text(answer["station"])); state: \(Plain.text(answer["state"])).")
    }

    private static let unbind = Command(
        path: ["station", "unbind"], summary: "forget which station a reader stands at",
        details: "PORT is written as for station bind. Needs the administration group.",
        words: "PORT", wordCount: 1...1
    ) { call throws(CommandError) in
        let place = SocketClient.escape(call.words[0])
        let answer = try call.client.delete("/v1/readers/" + place)
        try call.tell(answer, "\(Plain.text(answer["port"])) is no station's reader any more.")
    }

    static func table(_ readers: [JSONValue]) -> TextTable {
        var table = TextTable(
            ["STATION", "PORT", "KIND", "DEVICE", "READ", "REFUSED", "LAST REFUSAL", "STATE"])
        for reader in readers {
            table.add([
                Plain.text(reader["station"]), Plain.text(reader["port"]),
                Plain.text(reader["kind"]), Plain.text(reader["device"]),
                Plain.text(reader["reads"]), Plain.text(reader["refused"]),
                Plain.text(reader["last_refusal"]?["code"]), Plain.text(reader["state"]),
            ])
        }
        return table
    }
}
