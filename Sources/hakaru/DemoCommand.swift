import Glibc
import JSON

/// `hakaru demo`: recorded devices through the running daemon, for whoever has none at hand.
enum DemoCommand {
    static let command = Command(
        path: ["demo"], summary: "play recorded devices through the daemon and show their readings",
        details:
            "MODEL is a model or a profile; without one, a cuff and two scales are "
            + "played. Readings are marked as simulated and are nobody's unless their devices are "
            + "registered. A session that was played before brings nothing new: nothing is stored twice.",
        words: "[MODEL…]", wordCount: 0...100
    ) { call throws(CommandError) in
        let begun = try call.client.post("/v1/demo") { writer in
            writer.member("models", strings: call.words)
        }
        let names = (begun["tapes"]?.array ?? []).map { Plain.text($0["profile"]) }
        var after = begun["newest_record"]?.integer ?? 0
        var shown = 0
        while true {
            let tapes = try call.client.get("/v1/demo").items("tapes")
                .filter { names.contains(Plain.text($0["profile"])) }
            shown += try showRecords(after: &after, isFirst: shown == 0, call)
            if !tapes.contains(where: { $0["state"]?.string == "waiting" }) {
                return try end(tapes, shown, call)
            }
            usleep(200_000)
        }
    }

    /// Prints the simulated readings that came since; returns how many.
    private static func showRecords(
        after: inout Int, isFirst: Bool, _ call: Invocation
    ) throws(CommandError) -> Int {
        var count = 0
        while true {
            let page = try call.client.get(
                "/v1/records", query: [("after", "\(after)"), ("limit", "200")]
            ).items("records")
            guard let last = page.last?["id"]?.integer, last > after else { return count }
            after = last
            let simulated = page.filter { $0["simulated"]?.bool == true }
            if call.wantsJSON {
                for record in simulated { try call.output.line(record.line) }
            } else if !simulated.isEmpty {
                let lines = RecordsCommand.table(simulated).lines
                let isHeaded = isFirst && count == 0
                for line in isHeaded ? lines[...] : lines.dropFirst() { try call.output.line(line) }
            }
            count += simulated.count
            try call.output.flush()
        }
    }

    private static func end(
        _ tapes: [JSONValue], _ shown: Int, _ call: Invocation
    ) throws(CommandError) {
        let failed = tapes.filter { $0["state"]?.string == "failed" }
        if !call.wantsJSON {
            try call.output.line(
                "\(tapes.count - failed.count) recorded sessions played, \(shown) new readings.")
        }
        try call.output.flush()
        guard let first = failed.first else { return }
        throw .refused(
            code: "tape-failed",
            "\(Plain.text(first["profile"])): \(Plain.text(first["reason"]))")
    }
}
