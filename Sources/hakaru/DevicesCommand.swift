import DataFiles
import DeviceProfile
import JSON
import Measurement

/// `hakaru devices`: every device that has delivered or is configured.
enum DevicesCommand {
    static let command = Command(
        path: ["devices"], summary: "list the devices that the gateway knows"
    ) { call throws(CommandError) in
        let devices = try call.client.get("/v1/devices").items("devices")
        try call.list(
            devices, empty: "No device is known yet.", table: table(devices, now: Plain.now))
    }

    static let show = Command(
        path: ["devices", "show"],
        summary: "show one device and how far its clock was off over time",
        details: "DEVICE is its id or its address.", words: "DEVICE", wordCount: 1...1
    ) { call throws(CommandError) in
        let document = try call.client.get("/v1/devices/" + SocketClient.escape(call.words[0]))
        guard !call.wantsJSON else { return try call.output.line(document.line) }
        if let device = document["device"] {
            try call.print(table([device], now: Plain.now))
            for line in abilities(device) { try call.output.line(line) }
        }
        try call.output.line("")
        let history = document["clock_history"]?.array ?? []
        guard !history.isEmpty else { return try call.output.line("Its clock was never read.") }
        try call.print(clocks(history))
    }

    /// What the device says that it can do, and what follows from it for whoever uses it.
    static func abilities(_ device: JSONValue) -> [String] {
        guard let names = device["abilities"]?.array?.map({ Plain.text($0) }) else { return [] }
        var lines = [
            "",
            "It says of itself: "
                + (names.isEmpty ? "no special ability" : names.joined(separator: ", ")),
        ]
        if names.contains(DeviceAbilities.oneBond) {
            lines.append(
                Language.current.pick(
                    "It keeps one pairing only: a phone that is paired with it later takes this one's place.",
                    "この機器はペアリングを一つしか保てません。後から電話とペアリングすると、ここのものは消えます。"))
        }
        return lines
    }

    private static func clocks(_ history: [JSONValue]) -> TextTable {
        var table = TextTable(["CLOCK READ AT", "OFFSET", "READ TOOK", "SET"])
        for entry in history {
            let latency = Plain.text(entry["latency_seconds"])
            table.add([
                Plain.time(entry["at"]), clock(entry),
                latency == Plain.none ? latency : latency + " s", Plain.text(entry["set"]),
            ])
        }
        return table
    }

    static func table(_ devices: [JSONValue], now: Instant) -> TextTable {
        var table = TextTable([
            "DEVICE", "MODEL", "PARTICIPANT", "STATE", "LAST SEEN", "LAST RECORD", "RECORDS",
            "FAILED", "CLOCK", "BATTERY",
        ])
        for device in devices {
            let address = Plain.text(device["address"])
            let battery = Plain.text(device["battery_percent"])
            table.add([
                address == Plain.none ? Plain.text(device["id"]) : address,
                Plain.text(device["model"]), Plain.text(device["participant"]),
                Plain.text(device["state"]), Plain.ago(device["last_seen_at"], now: now),
                Plain.ago(device["last_record_at"], now: now), Plain.text(device["records"]),
                Plain.text(device["failed_measurements"]), clock(device["clock"]),
                battery == Plain.none ? battery : battery + " %",
            ])
        }
        return table
    }

    /// How far the device's clock was off: the gateway's time minus the device's.
    private static func clock(_ clock: JSONValue?) -> String {
        let offset = Plain.text(clock?["offset_seconds"])
        guard offset != Plain.none else { return offset }
        let isSet = clock?["set_at"]?.string != nil
        return (offset.hasPrefix("-") ? "" : "+") + offset + " s" + (isSet ? ", set" : "")
    }
}

/// `hakaru sightings`: devices in reach that no profile takes.
enum SightingsCommand {
    static let command = Command(
        path: ["sightings"], summary: "list devices in reach that no profile matched, and why"
    ) { call throws(CommandError) in
        let sightings = try call.client.get("/v1/sightings").items("sightings")
        try call.list(
            sightings, empty: "No unknown device is in reach.",
            table: table(sightings, now: Plain.now))
    }

    static func table(_ sightings: [JSONValue], now: Instant) -> TextTable {
        var table = TextTable(["ADDRESS", "NAME", "SIGNAL", "LAST SEEN", "WHY NOTHING MATCHED"])
        for sighting in sightings {
            let signal = Plain.text(sighting["rssi"])
            let reasons = sighting["because"]?.array?.map { Plain.text($0) }
            table.add([
                Plain.text(sighting["address"]), Plain.text(sighting["name"]),
                signal == Plain.none ? signal : signal + " dBm",
                Plain.ago(sighting["last_seen_at"], now: now),
                reasons?.joined(separator: "; ") ?? Plain.text(sighting["because"]),
            ])
        }
        return table
    }
}
