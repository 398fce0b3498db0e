import Glibc
import JSON
import Measurement

/// `hakaru status`: whether all is well, in one glance.
enum StatusCommand {
    static let command = Command(
        path: ["status"], summary: "show whether all is well",
        details:
            "The first line says it; what needs a person follows, then every part. With --watch it is "
            + "shown again and again until Ctrl-C; a daemon that does not answer for a while ends nothing.",
        options: [
            CommandOption("watch", nil, "show it anew every other second")
        ]
    ) { call throws(CommandError) in
        guard call.options["watch"] != nil else { return try show(call) }
        let isTerminal = isatty(STDOUT_FILENO) == 1 && !call.wantsJSON
        while true {
            if isTerminal { try call.output.line("\u{1B}[H\u{1B}[2J") }
            try showOrComplain(call)
            if !isTerminal, !call.wantsJSON { try call.output.line("") }
            try call.output.flush()
            sleep(2)
        }
    }

    private static func show(_ call: Invocation) throws(CommandError) {
        let document = try call.client.get("/v1/status")
        guard !call.wantsJSON else { return try call.output.line(document.line) }
        for line in lines(document, now: Plain.now) { try call.output.line(line) }
    }

    /// A daemon that is being restarted is waited for, and said to be away meanwhile.
    private static func showOrComplain(_ call: Invocation) throws(CommandError) {
        do throws(CommandError) {
            try show(call)
        } catch .noDaemon(let why) {
            try call.output.line(call.wantsJSON ? CommandError.noDaemon(why).json : why)
        }
    }

    static func lines(_ status: JSONValue, now: Instant) -> [String] {
        let attention = Attention.list(status, now: now)
        var lines =
            attention.isEmpty
            ? ["All is well."] : ["Needs attention:"] + attention.map { "  ! " + $0 }
        lines.append("")
        var table = TextTable(["gateway", gateway(status, now)])
        table.add([
            "clock",
            status["clock"]?["synchronised"]?.bool == true ? "synchronised" : "not synchronised",
        ])
        for adapter in status["bluetooth"]?.array ?? [] {
            table.add(["bluetooth", self.adapter(adapter, now)])
        }
        if let usb = status["usb"] { table.add(["usb", Plain.text(usb["state"])]) }
        table.add(["records", records(status["records"])])
        if let storage = status["storage"] { table.add(["storage", self.storage(storage)]) }
        lines += table.lines
        let destinations = status["destinations"]?.array ?? []
        guard !destinations.isEmpty else { return lines }
        var list = TextTable(
            ["DESTINATION", "STATE", "WAITING", "OLDEST", "LAST DELIVERED", "NEXT TRY"])
        for destination in destinations {
            list.add([
                Plain.text(destination["name"]), Plain.text(destination["state"]),
                Plain.text(destination["waiting"]),
                Plain.ago(destination["oldest_waiting_at"], now: now),
                Plain.ago(destination["last_delivered_at"], now: now),
                Plain.ago(destination["next_attempt_at"], now: now),
            ])
        }
        return lines + [""] + list.lines
    }

    private static func gateway(_ status: JSONValue, _ now: Instant) -> String {
        let started = Plain.ago(status["started_at"], now: now)
        return "\(Plain.text(status["gateway"])), version \(Plain.text(status["version"])), "
            + "started \(started)"
    }

    private static func adapter(_ adapter: JSONValue, _ now: Instant) -> String {
        let heard = Plain.ago(adapter["last_advertisement_at"], now: now)
        return "\(Plain.text(adapter["adapter"])) \(Plain.text(adapter["state"]))"
            + (heard == Plain.none ? "" : ", last heard \(heard)")
            + source(adapter)
    }

    /// Where advertisements come from, and why not from where they cost least.
    private static func source(_ adapter: JSONValue) -> String {
        switch adapter["advertisements"]?.string {
        case "management-socket": return ", listening at the kernel's management socket"
        case "d-bus":
            let why = Plain.text(adapter["advertisements_because"])
            return ", listening over D-Bus" + (why == Plain.none ? "" : " (\(why))")
        default: return ""
        }
    }

    /// The numbers in the order of a record's way; an unknown name of a newer daemon is shown too.
    private static func records(_ records: JSONValue?) -> String {
        let parts = (records?.members ?? []).map { member in
            let name = Plain.text(member.name).split(separator: "_").joined(separator: " ")
            return "\(Plain.text(member.value)) \(name)"
        }
        return parts.isEmpty ? Plain.none : parts.joined(separator: ", ")
    }

    private static func storage(_ storage: JSONValue) -> String {
        guard let used = storage["used_bytes"]?.integer,
            let maximum = storage["maximum_bytes"]?.integer, maximum > 0
        else { return Plain.none }
        return "\(Plain.bytes(used)) of \(Plain.bytes(maximum)) "
            + "(\(used.multipliedReportingOverflow(by: 100).partialValue / maximum) %)"
    }
}

/// What in a status needs a person.
enum Attention {
    static func list(_ status: JSONValue, now: Instant) -> [String] {
        clock(status["clock"]) + bluetooth(status["bluetooth"]) + usb(status["usb"])
            + readers(status["readers"])
            + records(status["records"]) + destinations(status["destinations"], now)
            + storage(status["storage"]) + files(status["profiles"], status["tapes"])
            + configuration(status["configuration"])
    }

    private static func configuration(_ configuration: JSONValue?) -> [String] {
        switch configuration?["state"]?.string {
        case "refused":
            return ["the changed configuration was refused, the former one is in force:"]
                + (configuration?["problems"]?.array ?? []).prefix(5).map { "  " + Plain.text($0) }
        case "waiting":
            return [
                "the changed configuration waits for the store to answer, the former one is in force"
            ]
        case "restart-needed":
            let keys = (configuration?["restart_needed"]?.array ?? []).map { Plain.text($0) }
                .joined(separator: ", ")
            return ["the configuration of \(keys) waits for: systemctl restart hakarud"]
        default: return []
        }
    }

    private static func files(_ profiles: JSONValue?, _ tapes: JSONValue?) -> [String] {
        let problems = profiles?["problems"]?.array ?? []
        let failed = tapes?["failed"]?.integer ?? 0
        return problems.map { "profile " + Plain.text($0) }
            + (failed > 0
                ? [
                    "\(failed) \(failed == 1 ? "tape" : "tapes") failed: see the .failed files beside them"
                ] : [])
    }

    private static func clock(_ clock: JSONValue?) -> [String] {
        guard clock?["synchronised"]?.bool == false else { return [] }
        return ["the gateway's clock is not synchronised: times may be wrong"]
    }

    private static let quietAdapters = ["scanning", "starting", "disabled"]

    private static func bluetooth(_ adapters: JSONValue?) -> [String] {
        (adapters?.array ?? []).compactMap { adapter in
            let state = Plain.text(adapter["state"])
            let problem = Plain.text(adapter["problem"])
            guard !quietAdapters.contains(state) || problem != Plain.none else { return nil }
            return "bluetooth \(Plain.text(adapter["adapter"])) is \(state)"
                + (problem == Plain.none ? "" : ": " + problem)
        }
    }

    private static func readers(_ list: JSONValue?) -> [String] {
        (list?.array ?? []).compactMap { reader in
            let state = Plain.text(reader["state"])
            guard state != "ready", state != "opening" else { return nil }
            return "the reader of \(Plain.text(reader["station"])) at "
                + "\(Plain.text(reader["port"])): \(state)"
        }
    }

    private static func usb(_ usb: JSONValue?) -> [String] {
        guard let problem = usb?["problem"]?.string else { return [] }
        return ["usb: " + Plain.text(problem)]
    }

    private static func records(_ records: JSONValue?) -> [String] {
        let ways = [
            ("unassigned", "belongs", "belong", "to nobody: hakaru records --state unassigned"),
            ("quarantined", "needs", "need", "a decision: hakaru quarantine list"),
            (
                "dead_letters", "was", "were",
                "refused for good: hakaru records --state dead-letters"
            ),
        ]
        return ways.compactMap { name, one, many, way in
            guard let count = records?[name]?.integer, count > 0 else { return nil }
            return count == 1 ? "1 record \(one) \(way)" : "\(count) records \(many) \(way)"
        }
    }

    private static func destinations(_ list: JSONValue?, _ now: Instant) -> [String] {
        (list?.array ?? []).compactMap { destination in
            let state = Plain.text(destination["state"])
            guard state == "retrying" || state == "held" else { return nil }
            let error = Plain.text(destination["last_error"])
            let since = Plain.age(destination["oldest_waiting_at"], now: now)
            return "\(Plain.text(destination["name"])) is \(state)"
                + (error == Plain.none ? "" : ": " + error)
                + (since == Plain.none ? "" : " (oldest record waits for \(since))")
        }
    }

    private static func storage(_ storage: JSONValue?) -> [String] {
        let state = storage?["state"]?.string ?? "ok"
        guard state == "ok" else {
            let reason = storage?["reason"]?.string ?? state
            return ["storage: " + Plain.text(reason)]
        }
        guard let used = storage?["used_bytes"]?.integer,
            let maximum = storage?["maximum_bytes"]?.integer, maximum > 0,
            used / 9 >= maximum / 10
        else { return [] }
        return ["storage is nearly full: \(Plain.bytes(used)) of \(Plain.bytes(maximum))"]
    }
}
