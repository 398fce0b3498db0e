import JSON

/// All commands, in the order of the help.
enum CommandTable {
    static let all: [Command] =
        [
            StatusCommand.command, DoctorCommand.command, DevicesCommand.command,
            DevicesCommand.show,
            SightingsCommand.command, RecordsCommand.command, CaptureCommand.command,
            DemoCommand.command,
        ] + RecordCommands.all + OwnDataCommands.all + PeopleCommands.all + SessionCommands.all
        + ReaderCommands.all + [ScreenCommand.command] + ListsCommands.all + PairCommands.all
        + QuarantineCommands.all + DeadLetterCommands.all + LedgerCommands.all + StoreCommands.all
        + CopyCommands.all + PortCommands.all + ProfileCommands.all + offline + [completion]

    /// Commands that need no daemon.
    private static let offline: [Command] = [
        Command(
            path: ["decode"], summary: "decode one frame of a device, or several of one session",
            details: "SOURCE is gatt:UUID, service-data:UUID, manufacturer-data:ID, advertisement, "
                + "usb, serial or eeprom. Frames with a comma between them are read as those of one "
                + "session: parts are put together, and two packets of a measurement are one reading.",
            options: [
                CommandOption("model", "NAME", "a maker's model, a profile id, or sig"),
                CommandOption("source", "SOURCE", "where the bytes come from"),
                CommandOption(
                    "hex", "HEX", "the bytes; spaces are allowed, a comma begins the next frame"),
                CommandOption("exchange", "TAPE", "a part of a talk with a USB or serial device"),
                CommandOption("today", "DATE", "the day it is read, where days are counted back"),
                CommandOption("next-record", "NUMBER", "where stored numbers are cut to 16 bits"),
                CommandOption("address", "MAC", "the device's address"),
                CommandOption("key", "HEX", "the device's key, where it encrypts"),
                CommandOption(
                    "display-unit", "UNIT", "the unit on its display, where frames do not tell"),
            ]
        ) { call throws(CommandError) in
            for line in try DecodeCommand.run(call.options) {
                try ReadingText.print(line, call)
            }
        },
        Command(
            path: ["replay"], summary: "play recorded sessions, from the link to the decision",
            details: "Several tapes are played in order as sessions that remember each other.",
            words: "TAPE…", wordCount: 1...10_000, takesFiles: true,
            options: [
                CommandOption("timezone", "ZONE", "the gateway's time zone, else Asia/Tokyo"),
                CommandOption("tolerance", "TIME", "clock difference that counts as none: 2s"),
            ]
        ) { call throws(CommandError) in
            var lines: [String] = []
            var failure: CommandError?
            do throws(CommandError) {
                try ReplayCommand.run(call.words, call.options) { lines.append($0) }
            } catch {
                failure = error
            }
            // What was decided before a tape failed is a result too.
            for line in lines { try ReadingText.print(line, call) }
            try call.output.flush()
            if let failure { throw failure }
        },
        Command(
            path: ["explain"], summary: "tell which profile a device gets, and why",
            options: [
                CommandOption("advertisement", "HEX", "the raw advertising data"),
                CommandOption("usb", "VID:PID", "the numbers of a USB device"),
                CommandOption("product", "NAME", "the product name of a USB device"),
                CommandOption(
                    "bound-to", "MODEL", "the model or profile that the port is bound to"),
                CommandOption("device-descriptor", "HEX", "the device descriptor of a USB device"),
                CommandOption("configuration", "HEX", "its configuration with all interfaces"),
                CommandOption("report-descriptor", "HEX", "its HID report descriptor"),
                CommandOption("tape", "FILE", "the device of a recorded session"),
                CommandOption(
                    "clock-changes", "FILE", "stamps of a device that wrote down clock changes"),
                CommandOption("timezone", "ZONE", "their time zone where the file names none"),
            ]
        ) { call throws(CommandError) in
            if let file = call.options["clock-changes"] {
                for line in try ExplainCommand.clock(file, call.options) {
                    try call.output.line(
                        call.wantsJSON ? line : ExplainCommand.clockText(line))
                }
                return
            }
            try ExplanationText.print(try ExplainCommand.run(call.options), call)
        },
    ]

    private static let completion: Command = Command(
        path: ["completion"], summary: "print the completion script for a shell",
        details: "hakaru completion bash > /etc/bash_completion.d/hakaru",
        words: "bash", wordCount: 1...1, wordChoices: ["bash"]
    ) { call throws(CommandError) in
        let script = Completion.bash(CommandTable.all)
        guard call.wantsJSON else { return try call.output.line(script) }
        var writer = JSONWriter()
        writer.object { $0.member("script", script) }
        try call.output.line(writer.text)
    }
}
