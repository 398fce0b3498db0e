import Glibc
import JSON

/// `hakaru capture`: a tape of what a real device does.
enum CaptureCommand {
    static let command = Command(
        path: ["capture"], summary: "record a session of a Bluetooth device as a tape",
        details: "DEVICE is its address. The tape holds the device's address and its values; keys, "
            + "passkeys and what else the gateway writes are left out. `hakaru replay` plays it.",
        words: "DEVICE", wordCount: 1...1,
        options: [
            CommandOption("output", "FILE", "where the tape goes, else standard output"),
            CommandOption("seconds", "N", "how long to listen: 1 to 3600, else 120"),
        ]
    ) { call throws(CommandError) in
        let resource = "/v1/captures/" + SocketClient.escape(call.words[0])
        let file = call.options["output"]
        if let file, access(file, F_OK) == 0 {
            throw .refused(code: "exists", "\(file): there is a file already; name another")
        }
        _ = try call.client.post("/v1/captures") { writer in
            writer.member("device", call.words[0])
            if let seconds = call.options["seconds"].flatMap({ Int($0) }) {
                writer.member("seconds", seconds)
            }
        }
        let ended = try wait(call, resource)
        guard let tape = ended["tape"]?.string else {
            _ = try? call.client.delete(resource)
            throw .refused(
                code: "not-heard", "the device was not heard; is it switched on and in reach?")
        }
        if let file {
            try write(tape, to: file)
            if !call.wantsJSON {
                Output.complain("\(file): \(Plain.text(ended["lines"])) lines")
            }
        } else {
            try call.output.line(tape.hasSuffix("\n") ? String(tape.dropLast()) : tape)
        }
        try call.output.flush()
        // Only now: what is not written stays at the daemon and can be asked for again.
        _ = try call.client.delete(resource)
    }

    /// Waits for the end; says on standard error how it goes.
    private static func wait(_ call: Invocation, _ resource: String) throws(CommandError)
        -> JSONValue
    {
        var told = ""
        while true {
            let capture = try call.client.get(resource)
            let state = capture["state"]?.string ?? ""
            if state != told {
                told = state
                // Scripts read errors there.
                if !call.wantsJSON {
                    Output.complain(state == "listening" ? "listening for the device …" : state)
                }
            }
            if state == "ended" { return capture }
            usleep(300_000)
        }
    }

    private static func write(_ text: String, to file: String) throws(CommandError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed("\(file): \(String(cString: strerror(errno)))")
        }
        let output = Output(descriptor: descriptor)
        defer { close(descriptor) }
        try output.line(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        try output.flush()
    }
}
