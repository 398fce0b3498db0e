import GatewayTestKit
import Glibc
import JSON
import Testing

@Suite("hakaru: usage", .timeLimit(.minutes(1))) struct UsageTests {
    struct Wrong: CustomTestStringConvertible {
        let arguments: [String]
        let message: String
        var testDescription: String { arguments.joined(separator: " ") }
    }

    @Test(
        "wrong usage ends with 2 and says what is accepted",
        arguments: [
            Wrong(arguments: [], message: "no command is named; see: hakaru --help"),
            Wrong(
                arguments: ["statsu"], message: "there is no command statsu; did you mean status?"),
            Wrong(
                arguments: ["frobnicate"],
                message: "there is no command frobnicate; see: hakaru --help"),
            Wrong(
                arguments: ["quarantine"],
                message: "quarantine needs one more word: quarantine list, quarantine show, "
                    + "quarantine release, quarantine discard, quarantine retry"),
            Wrong(
                arguments: ["quarantine", "show"],
                message: "quarantine show needs RECORD; usage: hakaru quarantine show RECORD "
                    + "[--json]"),
            Wrong(
                arguments: ["status", "now"],
                message: "'now' is one word too many; usage: hakaru status [--watch] [--json]"),
            Wrong(
                arguments: ["status", "--jsn"],
                message: "there is no option --jsn; did you mean --json?"),
            Wrong(arguments: ["status", "-x"], message: "there is no option -x"),
            Wrong(
                arguments: ["status", "--limit", "5"],
                message: "status has no option --limit; usage: hakaru status [--watch] [--json]"),
            Wrong(
                arguments: ["status", "--socket"],
                message: "--socket needs a value: --socket PATH"),
            Wrong(arguments: ["status", "--json=yes"], message: "--json takes no value"),
            Wrong(
                arguments: ["records", "--limit", "-5"],
                message: "--limit is '-5'; accepted: a whole number, 0 or more"),
            Wrong(
                arguments: ["records", "--limit=many"],
                message: "--limit is 'many'; accepted: a whole number, 0 or more"),
            Wrong(
                arguments: ["records", "--state", "lost"],
                message: "--state is 'lost'; accepted: all, waiting, held, unassigned, "
                    + "guest, quarantined, discarded, withdrawn, dead-letters, delivered"),
            Wrong(
                arguments: ["record", "withdraw", "1"],
                message: "record withdraw needs --reason TEXT, why, for whoever asks later; it "
                    + "stays in the ledger; usage: hakaru record withdraw RECORD --reason TEXT "
                    + "[--json]"),
            Wrong(
                arguments: ["consent", "grant", "MDM-001"],
                message: "consent grant needs --destination NAME, where the values may go; usage: "
                    + "hakaru consent grant PARTICIPANT --destination NAME [--kinds KINDS] "
                    + "[--until DATE] [--send-held] [--json]"),
            Wrong(
                arguments: ["completion", "fish"],
                message: "completion does not know 'fish'; accepted: bash"),
            Wrong(
                arguments: ["help", "nothing"],
                message: "there is no command nothing; see: hakaru --help"),
        ])
    func wrong(_ test: Wrong) throws {
        let run = try CommandRun(test.arguments)
        #expect(run.exitCode == 2)
        #expect(run.output == "")
        #expect(run.errors == "hakaru: \(test.message)\n")
        guard !test.arguments.contains("--json=yes") else { return }
        let asJSON = try CommandRun(["--json"] + test.arguments)
        #expect(asJSON.exitCode == 2)
        #expect(asJSON.output == "")
        #expect(asJSON.error?["code"]?.string == "usage")
        #expect(asJSON.error?["message"]?.string == test.message)
    }

    @Test(
        "every command explains itself, in whatever place --help stands",
        arguments: [
            ["--help", "status"], ["status", "--help"], ["status", "-h"], ["help", "status"],
            ["status", "--json", "--help"],
        ])
    func help(_ arguments: [String]) throws {
        let run = try CommandRun(arguments)
        #expect(run.exitCode == 0)
        #expect(run.lines.first == "Usage: hakaru status [--watch] [--json]")
        #expect(run.output.contains("--socket PATH"))
        #expect(run.errors == "")
    }

    @Test("the overview names every command, every common option and the exit codes")
    func overview() throws {
        let run = try CommandRun(["--help"])
        #expect(run.exitCode == 0)
        for word in [
            "status", "devices", "sightings", "records", "quarantine list", "quarantine show",
            "decode", "replay", "explain", "completion", "--json", "--socket PATH", "--version",
            "3 the daemon does not answer",
        ] {
            #expect(run.output.contains(word), "\(word) is missing")
        }
    }

    @Test("a group of commands is listed by its help")
    func group() throws {
        let run = try CommandRun(["quarantine", "--help"])
        #expect(run.exitCode == 0)
        #expect(run.lines.count == 6)
    }

    @Test("the version is one line")
    func version() throws {
        let run = try CommandRun(["--version"])
        #expect(run.exitCode == 0)
        #expect(run.output.hasPrefix("hakaru "))
        #expect(run.lines.count == 1)
    }

    @Test("output that cannot be written is a failure, not a success")
    func fullDisk() throws {
        let run = try CommandRun(["--help"], outputFile: "/dev/full")
        #expect(run.exitCode == 1)
        #expect(
            run.errors == "hakaru: the output cannot be written: No space left on device\n")
    }

    /// Completes a command line with the script, as bash does.
    private func complete(_ words: [String]) throws -> [String] {
        let scratch = ScratchDirectory()
        let script = scratch.write(
            "completion.bash", try CommandRun(["completion", "bash"]).output)
        let program =
            "source \(script); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _hakaru; "
            + "printf '%s\\n' \"${COMPREPLY[@]}\""
        let child = try Child("bash", ["-c", program, "hakaru"] + ["hakaru"] + words)
        let output = child.readAll()
        #expect(child.wait() == 0)
        return output.split(separator: "\n").map(String.init)
    }

    @Test(
        "bash completes commands, words and options",
        arguments: [
            (["stat"], ["status", "station"]), (["quarantine", "s"], ["show"]),
            (["--socket", "/x", "records", "--st"], ["--state"]),
            (["records", "--state", "d"], ["discarded", "dead-letters", "delivered"]),
            (["completion", "b"], ["bash"]), (["replay", "/etc/passw"], ["/etc/passwd"]),
            (["decode", "--mod"], ["--model"]), (["status", "--limit"], []),
        ] as [([String], [String])])
    func completion(_ words: [String], _ expected: [String]) throws {
        let found = try complete(words).filter { !$0.hasSuffix("-") }
        #expect(found == expected)
    }
}
