import Glibc
import JSON
import Measurement
import Spool

/// `hakaru backup` and `hakaru restore`: copies of the whole store, without the daemon's help.
enum CopyCommands {
    static let all = [backup, restore]

    private static let directory = CommandOption(
        "state-directory", "DIR", "where the store lies, else /var/lib/hakaru")

    private static let backup = Command(
        path: ["backup"], summary: "write the whole store into a new file, while the daemon works",
        details:
            "The file is one moment of the store, checked: pages, references, ledger. It appears "
            + "under its name only when it is whole. The master key is not in it.",
        words: "FILE", wordCount: 1...1, takesFiles: true, options: [directory]
    ) { call throws(CommandError) in
        let file = call.words[0]
        let report = try stored { () throws(SpoolError) in
            try copies(call).backUp(to: file)
        }
        guard !call.wantsJSON else {
            return try call.output.line(document(report, of: file, setAside: nil))
        }
        try call.output.line("\(Plain.text(file)): \(text(report)).")
        if report.isSealed {
            try call.output.line("Its values are sealed: keep the master key elsewhere, too.")
        }
    }

    private static let restore = Command(
        path: ["restore"], summary: "put a copy of the store in its place, while no daemon runs",
        details:
            "Only a copy that is whole takes the place; the store that is there is kept under "
            + "another name. What was received since then comes again from devices that keep it; "
            + "what was delivered since then goes out again under the same natural keys.",
        words: "FILE", wordCount: 1...1, takesFiles: true,
        options: [
            directory,
            CommandOption("key-file", "FILE", "the master key, where the copy's values are sealed"),
        ]
    ) { call throws(CommandError) in
        let file = call.words[0]
        let now = Instant(seconds: Int64(time(nil)))
        let report = try stored { () throws(SpoolError) in
            try copies(call).restore(
                file, keyFile: call.options["key-file"], by: .user(getuid()), at: now)
        }
        guard !call.wantsJSON else {
            return try call.output.line(
                document(report.copy, of: file, setAside: report.setAside))
        }
        try call.output.line("Restored: \(text(report.copy)).")
        if let setAside = report.setAside {
            try call.output.line("The store that was there is \(Plain.text(setAside)).")
        }
    }

    private static func copies(_ call: Invocation) -> StoreCopy {
        StoreCopy(stateDirectory: call.options["state-directory"] ?? "/var/lib/hakaru")
    }

    private static func stored<T>(
        _ body: () throws(SpoolError) -> T
    ) throws(CommandError) -> T {
        do throws(SpoolError) { return try body() } catch {
            throw .refused(code: error.name, "\(error)")
        }
    }

    private static func text(_ report: StoreCopyReport) -> String {
        "\(report.records) records, \(report.waiting) of them waiting, \(report.ledgerEntries) "
            + "ledger entries, \(Plain.bytes(Int(report.bytes)))"
    }

    private static func document(
        _ report: StoreCopyReport, of file: String, setAside: String?
    ) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("file", file)
            writer.member("records", report.records)
            writer.member("waiting", report.waiting)
            writer.member("ledger_entries", report.ledgerEntries)
            writer.member("schema", report.schema)
            writer.member("bytes", Int(report.bytes))
            writer.member("sealed", report.isSealed)
            writer.member("set_aside", setAside)
        }
        return writer.text
    }
}
