import DataFiles
import Glibc
import JSON

/// `hakaru pair` and `hakaru forget`.
enum PairCommands {
    static let all = [pair, forget]

    private static let pair = Command(
        path: ["pair"], summary: "pair a Bluetooth device, step by step",
        details:
            "DEVICE is its address as `hakaru sightings` shows it. The device counts as paired only "
            + "after it was connected again outside its pairing mode.",
        words: "DEVICE", wordCount: 1...1,
        options: [
            CommandOption("passkey", "DIGITS", "the number on the device's label"),
            CommandOption("seconds", "N", "how long to wait for the device: 10 to 900, else 120"),
            CommandOption("repair", nil, "replace a bond that the device does not accept any more"),
        ]
    ) { call throws(CommandError) in
        try begin(call)
        let interruption = Interruption()
        var shown: [String] = []
        var asked = false
        while true {
            let state = try call.client.get("/v1/pairing")
            guard let pairing = state["pairing"], let stage = pairing["state"]?.string else {
                throw .failed("the daemon no longer knows of a pairing")
            }
            let problem = pairing["problem"]?.string
            // The hint comes as soon as the model is known.
            let signs = [stage, problem ?? "", pairing["hint"]?.string ?? ""]
            if shown != signs {
                shown = signs
                try show(pairing, stage, problem, call)
            }
            switch stage {
            case "paired": return
            case "failed", "cancelled":
                throw .refused(code: "not-paired", Plain.text(problem ?? "the pairing was ended"))
            case "passkey-needed":
                // While nobody types, the pairing is looked at: the device may have given up.
                guard try givePasskey(call, interruption, asked: &asked) else { continue }
            default: asked = false
            }
            if interruption.pause(milliseconds: 300) { try leave(call) }
        }
    }

    /// Whoever ends the command ends the pairing: the next one need not wait for it.
    private static func leave(_ call: Invocation) throws(CommandError) -> Never {
        _ = try call.client.delete("/v1/pairing")
        throw .refused(code: "not-paired", "the pairing was ended")
    }

    /// Should the command die without a word, the daemon ends the pairing after so long.
    private static let leaseSeconds = 10

    private static func begin(_ call: Invocation) throws(CommandError) {
        var repair = call.options["repair"] != nil
        while true {
            do throws(CommandError) {
                _ = try call.client.post("/v1/pairing") { writer in
                    writer.member("device", call.words[0])
                    if let passkey = call.options["passkey"] { writer.member("passkey", passkey) }
                    if let seconds = call.options["seconds"].flatMap({ Int($0) }) {
                        writer.member("seconds", seconds)
                    }
                    if repair { writer.member("repair", true) }
                    writer.member("lease_seconds", leaseSeconds)
                }
                return
            } catch {
                // Only with a person's yes is a bond thrown away.
                guard error.code == "stale-bond", !repair, isatty(STDIN_FILENO) == 1,
                    ask(PairingText.repairPrompt(in: .current)).lowercased().hasPrefix("y")
                else { throw error }
                repair = true
            }
        }
    }

    private static func show(
        _ pairing: JSONValue, _ stage: String, _ problem: String?, _ call: Invocation
    ) throws(CommandError) {
        if call.wantsJSON {
            try call.output.line(pairing.line)
        } else {
            try call.output.line(PairingText.stage(stage, in: .current))
            let hint = Language.current.pick(
                pairing["hint"]?.string ?? "",
                pairing["hint_ja"]?.string ?? pairing["hint"]?.string ?? "")
            if stage == "waiting-for-device", !hint.isEmpty {
                try call.output.line("  " + Plain.text(hint))
            }
            if let problem { try call.output.line("  ! " + Plain.text(problem)) }
        }
        try call.output.flush()
    }

    /// Asks for the number once and takes it when it was typed; false where nothing was typed yet.
    private static func givePasskey(
        _ call: Invocation, _ interruption: Interruption, asked: inout Bool
    ) throws(CommandError) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else {
            throw .refused(
                code: "passkey-needed",
                "the device wants a number and nobody can type here: give it by --passkey, or post it "
                    + "to /v1/pairing/passkey")
        }
        if !asked { say(PairingText.passkeyPrompt(in: .current)) }
        asked = true
        guard interruption.isTyped(within: 300) else {
            if interruption.pause(milliseconds: 0) { try leave(call) }
            return false
        }
        let digits = readLine() ?? ""
        asked = false
        do throws(CommandError) {
            _ = try call.client.post("/v1/pairing/passkey") { $0.member("passkey", digits) }
        } catch {
            guard error.code == "bad-request", !digits.isEmpty else { throw error }
            Output.complain(error.message)
        }
        return true
    }

    private static func ask(_ question: String) -> String {
        say(question)
        return readLine() ?? ""
    }

    private static func say(_ question: String) {
        let bytes = Array(question.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static let forget = Command(
        path: ["forget"], summary: "remove the bond of a Bluetooth device",
        details: "DEVICE is its address. The device may keep its own side: it is then paired anew.",
        words: "DEVICE", wordCount: 1...1
    ) { call throws(CommandError) in
        let answer = try call.client.delete("/v1/devices/" + SocketClient.escape(call.words[0]))
        guard !call.wantsJSON else { return try call.output.line(answer.line) }
        let device = Plain.text(answer["device"])
        try call.output.line(
            answer["was_bonded"]?.bool == true
                ? "The bond of \(device) is removed." : "\(device) had no bond here.")
    }
}
