/// What a configuration that was read again changes, and what of it waits for the next start.
struct ConfigurationChange: Sendable, Equatable {
    /// Keys whose change takes effect at once, in the order of the file.
    private(set) var effective: [String] = []
    /// Keys whose change is read at the next start only.
    private(set) var needsRestart: [String] = []
    /// The new configuration, with what needs a start as it was at the last one.
    let applied: Configuration

    /// - Parameters:
    ///   - started: what the daemon was started with.
    ///   - running: what is in force now.
    init(started: Configuration, running: Configuration, new: Configuration) {
        var applied = new
        applied.bluetooth = started.bluetooth
        applied.usb = started.usb
        applied.tape = started.tape
        applied.status = started.status
        applied.storage.encryption = started.storage.encryption
        applied.gateway.timeZone = started.gateway.timeZone
        let staysPut = Self.keepsPlaces(from: running.stations, to: new.stations)
        if !staysPut { applied.stations = running.stations }
        self.applied = applied
        let starts = [
            ("gateway.timezone", started.gateway.timeZone == new.gateway.timeZone),
            ("bluetooth", started.bluetooth == new.bluetooth), ("usb", started.usb == new.usb),
            ("tape", started.tape == new.tape),
            ("storage.encryption", started.storage.encryption == new.storage.encryption),
            ("stations.devices", staysPut), ("status", started.status == new.status),
        ]
        needsRestart = starts.filter { !$0.1 }.map(\.0)
        let now = [
            ("gateway", running.gateway == applied.gateway),
            ("destinations", running.destinations == applied.destinations),
            ("participants", running.participants == applied.participants),
            ("participant-codes", running.participantCodes == applied.participantCodes),
            ("stations", running.stations == applied.stations),
            ("retention", running.retention == applied.retention),
            ("storage", running.storage == applied.storage),
        ]
        effective = now.filter { !$0.1 }.map(\.0)
    }

    /// Whether every device that stands at a station stands there in the new configuration too.
    ///
    /// A reading that comes late is judged by the place of its device; only `hakaru station move`
    /// writes down from when on that is another one.
    private static func keepsPlaces(
        from old: [Configuration.Station], to new: [Configuration.Station]
    ) -> Bool {
        let places = Self.places(new)
        return Self.places(old).allSatisfy { places[$0.key] == $0.value }
    }

    private static func places(_ stations: [Configuration.Station]) -> [String: String] {
        var found: [String: String] = [:]
        for station in stations {
            for device in station.devices { found[device.lowercased()] = station.name }
        }
        return found
    }
}
