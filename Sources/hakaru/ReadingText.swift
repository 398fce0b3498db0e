import JSON

/// Decoded readings for people: one line for each.
enum ReadingText {
    /// Prints a reading that the decoder gave as JSON.
    static func print(_ json: String, _ call: Invocation) throws(CommandError) {
        guard !call.wantsJSON, let reading = try? JSONValue.parse(Array(json.utf8)) else {
            return try call.output.line(json)
        }
        try call.output.line(line(reading))
    }

    static func line(_ reading: JSONValue) -> String {
        var parts = [Plain.text(reading["outcome"])]
        if let kind = reading["kind"]?.string { parts[0] += " " + Plain.text(kind) }
        if let reason = reading["reason"]?.string { parts[0] += " (\(Plain.text(reason)))" }
        let values = Plain.values(reading)
        if values != Plain.none { parts.append(values) }
        if reading["observation_time"]?.string != nil {
            parts.append("measured " + Plain.time(reading["observation_time"]))
        } else if reading["device_time"]?.string != nil {
            parts.append("device time " + Plain.time(reading["device_time"]))
        }
        if let basis = reading["time_basis"]?.string { parts.append(Plain.text(basis)) }
        let flags = (reading["flags"]?.array ?? []).map { Plain.text($0) }
        if !flags.isEmpty { parts.append(flags.joined(separator: " ")) }
        return parts.joined(separator: "; ")
    }
}

/// The answer of `explain` for people.
enum ExplanationText {
    static func print(_ json: String, _ call: Invocation) throws(CommandError) {
        guard !call.wantsJSON, let document = try? JSONValue.parse(Array(json.utf8)) else {
            return try call.output.line(json)
        }
        for line in lines(document) { try call.output.line(line) }
    }

    static func lines(_ document: JSONValue) -> [String] {
        let profile = document["profile"]?.string
        var lines = [
            profile.map { "The device gets the profile \(Plain.text($0))." }
                ?? "No profile takes this device."
        ]
        for candidate in document["candidates"]?.array ?? [] {
            lines.append("")
            lines.append(
                "\(Plain.text(candidate["profile"])), score \(Plain.text(candidate["score"]))")
            for (sign, name) in [("+", "because"), ("-", "against")] {
                for reason in candidate[name]?.array ?? [] {
                    lines.append("  \(sign) \(Plain.text(reason))")
                }
            }
        }
        return lines
    }
}
