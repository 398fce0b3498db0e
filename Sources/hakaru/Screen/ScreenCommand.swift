import DataFiles
import Glibc
import JSON

/// `hakaru station screen`: what a person reads who measures at a station, large and at once.
enum ScreenCommand {
    static let command = Command(
        path: ["station", "screen"], summary: "show the person at a station what was measured",
        details:
            "For a screen beside the device: whose turn it is, then the values in large digits. They go with "
            + "the next card, with the end of the turn, or after a minute. Needs no network; ends with "
            + "Ctrl-C. In Japanese where LANG says so.",
        words: "STATION", wordCount: 1...1
    ) { call throws(CommandError) in
        let show = Show(call)
        defer { show.leave() }
        try show.enter()
        var screen = StationScreen(station: call.words[0])
        while true {
            do throws(CommandError) {
                try follow(&screen, show)
                return
            } catch .noDaemon {
                screen.disconnected()
                try show.draw(screen)
                if show.interruption.pause(milliseconds: 1_000) { return }
            }
        }
    }

    /// Shows what happens until somebody ends the command; a daemon that goes away is an error.
    private static func follow(
        _ screen: inout StationScreen, _ show: Show
    ) throws(CommandError) {
        let client = show.call.client
        let stream = try EventStream(client)
        var isKnown = false
        while true {
            guard let events = stream.wait(milliseconds: 300) else {
                throw .noDaemon("\(client.path): the daemon ended the connection")
            }
            if !isKnown {
                // Asked for after the stream was, so that nothing falls between the two.
                screen.connected(try row(screen.station, client), now: Plain.now)
                isKnown = true
            }
            for event in events {
                switch event.name {
                case "session": screen.session(event.data, now: Plain.now)
                case "reader": screen.reader(event.data, now: Plain.now)
                case "record":
                    guard let record = try record(event.data, client) else { break }
                    screen.record(record, now: Plain.now)
                default: break
                }
                try show.draw(screen)
            }
            screen.tick(now: Plain.now)
            try show.draw(screen)
            if show.interruption.pause(milliseconds: 0) { return }
        }
    }

    private static func row(
        _ station: String, _ client: SocketClient
    ) throws(CommandError) -> JSONValue {
        let rows = try client.get("/v1/stations").items("stations")
        if let row = rows.first(where: { $0["name"]?.string == station }) { return row }
        let names = rows.map { Plain.text($0["name"]) }.joined(separator: ", ")
        throw .refused(
            code: "unknown-station",
            "there is no station \(station); the configuration names "
                + (names.isEmpty ? "none" : names))
    }

    /// The record of an event; nil where it went away meanwhile.
    private static func record(
        _ event: JSONValue, _ client: SocketClient
    ) throws(CommandError) -> JSONValue? {
        guard let key = event["key"]?.string else { return nil }
        do throws(CommandError) {
            return try client.get("/v1/records/" + SocketClient.escape(key))["record"]
        } catch .refused(code: "not-found", _) {
            return nil
        }
    }

    /// Where the screen is drawn: a terminal's whole surface, or a line of JSON for each change.
    private final class Show {
        let call: Invocation
        let interruption = Interruption()
        private var drawn: StationScreen?
        private var size = winsize()
        private let isTerminal: Bool

        init(_ call: Invocation) {
            self.call = call
            isTerminal = isatty(STDOUT_FILENO) == 1 && !call.wantsJSON
        }

        /// A surface of its own, without a cursor: what stood there before comes back at the end.
        func enter() throws(CommandError) {
            guard isTerminal else { return }
            try call.output.line("\u{1B}[?1049h\u{1B}[?25l")
            try call.output.flush()
        }

        func leave() {
            guard isTerminal else { return }
            try? call.output.line("\u{1B}[?25h\u{1B}[?1049l")
            try? call.output.flush()
        }

        func draw(_ screen: StationScreen) throws(CommandError) {
            var now = winsize()
            _ = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &now)
            let isSame = now.ws_col == size.ws_col && now.ws_row == size.ws_row
            guard screen != drawn || !isSame else { return }
            (drawn, size) = (screen, now)
            if call.wantsJSON {
                try call.output.line(screen.json)
            } else {
                let text = ScreenText(
                    language: .current, width: now.ws_col > 0 ? Int(now.ws_col) : 80,
                    height: now.ws_row > 0 ? Int(now.ws_row) - 1 : 24)
                if isTerminal { try call.output.line("\u{1B}[H\u{1B}[2J") }
                for line in text.lines(screen) { try call.output.line(line) }
                if !isTerminal { try call.output.line("") }
            }
            try call.output.flush()
        }
    }
}

extension StationScreen {
    /// `{"station":…,"state":"away|free|refused|turn|values|unsure","participant":…,"guest":…,"records":[…]}`
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("station", station)
            writer.member("state", "\(face)")
            if case .participant(let code) = person {
                writer.member("participant", code)
            } else {
                writer.member("participant", nil as String?)
            }
            writer.member("guest", person == .guest)
            writer.member("needs_staff", needsStaff)
            writer.member(
                "records",
                array: { writer in
                    for record in records { writer.raw(bytes: record.line) }
                })
        }
        return writer.bytes
    }
}
