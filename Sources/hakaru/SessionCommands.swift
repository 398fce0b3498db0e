import Glibc
import JSON

/// `hakaru session` and `hakaru station`: who stands where.
enum SessionCommands {
    static let all = [begin, end, show, list, stations, move]

    private static let stationOption = CommandOption(
        "station", "NAME", "which station; may be left out where there is one")
    private static let timeOption = CommandOption(
        "at", "TIME", "when it was, as written down elsewhere; else now")

    private static let begin = Command(
        path: ["session", "begin"], summary: "a person begins to measure at a station",
        details:
            "PARTICIPANT is a registered code in any spelling; - reads it from standard input. "
            + "The session that is open there ends. A value counts for the person only if it is "
            + "taken after this moment.",
        words: "PARTICIPANT", wordCount: 0...1,
        options: [
            stationOption,
            CommandOption("card", "NUMBER", "a card's number; - reads it from standard input"),
            CommandOption("guest", nil, "somebody whose values are shown and never sent"),
            CommandOption(
                "previous-left", nil, "who was here before has gone: no value of theirs comes late"),
            timeOption,
        ]
    ) { call throws(CommandError) in
        let given = [call.words.first, call.options["card"], call.options["guest"]]
        guard given.compactMap({ $0 }).count == 1 else {
            throw .usage("session begin needs one of PARTICIPANT, --card NUMBER and --guest")
        }
        let code = try call.words.first.map { text throws(CommandError) in try typed(text) }
        let card = try call.options["card"].map { text throws(CommandError) in try typed(text) }
        let answer = try call.client.post("/v1/sessions") { writer in
            place(call, &writer)
            if let code { writer.member("participant", code) }
            if let card { writer.member("card", card) }
            if call.options["guest"] != nil { writer.member("guest", true) }
            if call.options["previous-left"] != nil { writer.member("previous_left", true) }
        }
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        try call.output.line(
            "\(who(answer)) measures at \(Plain.text(answer["station"])) "
                + "since \(Plain.time(answer["begun_at"])).")
        if answer["takes_part"]?.bool == false {
            try call.output.line("Today is outside the participation period: nothing is sent.")
        }
    }

    private static let end = Command(
        path: ["session", "end"], summary: "the person at a station has finished",
        options: [stationOption, timeOption]
    ) { call throws(CommandError) in
        let answer = try call.client.post("/v1/sessions/end") { place(call, &$0) }
        try call.tell(
            answer,
            "\(who(answer)) has finished at \(Plain.text(answer["station"])).")
    }

    private static let show = Command(
        path: ["session", "show"], summary: "show who stands at each station now"
    ) { call throws(CommandError) in try printStations(call) }

    private static let list = Command(
        path: ["session", "list"], summary: "list who measured where and when",
        options: [
            CommandOption("after", "ID", "only sessions after this one"),
            CommandOption("limit", "N", "at most so many sessions"),
        ]
    ) { call throws(CommandError) in
        var table = TextTable(["ID", "STATION", "PARTICIPANT", "BEGUN", "ENDED", "BY"])
        var count = 0
        try RecordPages.each("/v1/sessions", "sessions", [], call) { page throws(CommandError) in
            count += page.count
            for session in page {
                if call.wantsJSON { try call.output.line(session.line) }
                table.add([
                    Plain.text(session["id"]), Plain.text(session["station"]), who(session),
                    Plain.time(session["begun_at"]), Plain.time(session["ended_at"]),
                    Plain.text(session["end"]),
                ])
            }
        }
        if call.wantsJSON { return }
        guard count > 0 else { return try call.output.line("No sessions.") }
        try call.print(table)
    }

    private static let stations = Command(
        path: ["station", "list"], summary: "list the stations, their devices and who is there"
    ) { call throws(CommandError) in try printStations(call) }

    private static let move = Command(
        path: ["station", "move"], summary: "a device stands at another station from now on",
        details: "DEVICE is its address, serial or id; STATION - takes it away from all of them.",
        words: "DEVICE STATION", wordCount: 2...2, options: [timeOption]
    ) { call throws(CommandError) in
        let path = "/v1/stations/" + SocketClient.escape(call.words[1]) + "/devices"
        let answer = try call.client.post(path) { writer in
            writer.member("device", call.words[0])
            if let at = call.options["at"] { writer.member("at", at) }
        }
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let station = Plain.text(answer["station"])
        try call.output.line(
            station == Plain.none ? "It stands at no station now." : "It stands at \(station) now.")
    }

    // MARK: parts

    private static func printStations(_ call: Invocation) throws(CommandError) {
        let stations = try call.client.get("/v1/stations").items("stations")
        try call.list(
            stations, empty: "The configuration names no station.",
            table: TextTable(
                ["STATION", "PARTICIPANT", "SINCE", "EXPECTED", "DEVICES"],
                rows: stations.map { station in
                    let session = station["session"]
                    return [
                        Plain.text(station["name"]),
                        session?.members == nil ? Plain.none : who(session),
                        Plain.time(session?["begun_at"]), words(station["expect"]),
                        words(station["devices"]),
                    ]
                }))
    }

    private static func words(_ value: JSONValue?) -> String {
        let parts = (value?.array ?? []).map { Plain.text($0) }
        return parts.isEmpty ? Plain.none : parts.joined(separator: ", ")
    }

    private static func who(_ session: JSONValue?) -> String {
        session?["guest"]?.bool == true ? "a guest" : Plain.text(session?["participant"])
    }

    private static func place(_ call: Invocation, _ writer: inout JSONWriter) {
        if let station = call.options["station"] { writer.member("station", station) }
        if let at = call.options["at"] { writer.member("at", at) }
    }

    /// What was typed, or a line of standard input, where nobody else can read it.
    static func typed(_ text: String) throws(CommandError) -> String {
        guard text == "-" else { return text }
        guard let line = readLine() else { throw .failed("standard input is empty") }
        return line
    }
}
