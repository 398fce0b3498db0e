import JSON

/// One event of the daemon's stream.
struct ServerEvent: Equatable {
    var name: String
    var data: JSONValue
}

/// Puts the bytes of an event stream together again, in whatever pieces they come.
///
/// Source: the WHATWG's server-sent events, as far as the daemon writes them.
struct EventLines {
    /// Longer than any event of the daemon; what is longer is passed over and counted.
    static let limit = 65_536

    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var isTooLong = false
    /// Events that were too long or no JSON.
    private(set) var dropped = 0

    /// - Returns: the events that are whole now.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            guard byte == 0x0A else {
                if line.count < Self.limit { line.append(byte) } else { isTooLong = true }
                continue
            }
            if line.isEmpty { finish(&events) } else { field() }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func field() {
        if line.starts(with: "event: ".utf8) {
            name = String(decoding: line.dropFirst(7), as: UTF8.self)
        } else if line.starts(with: "data: ".utf8) {
            guard data.count + line.count <= Self.limit else { return isTooLong = true }
            if !data.isEmpty { data.append(0x0A) }
            data += line.dropFirst(6)
        }
    }

    private mutating func finish(_ events: inout [ServerEvent]) {
        defer {
            (name, data, isTooLong) = ("", [], false)
        }
        // A comment that only keeps the line alive.
        guard isTooLong || !data.isEmpty else { return }
        guard !isTooLong, let document = try? JSONValue.parse(data) else { return dropped += 1 }
        events.append(ServerEvent(name: name, data: document))
    }
}
