import JSON
import Measurement

/// What the screen of a station shows to the person who stands before it.
///
/// A value is only ever shown in the turn in which it was measured: the next card, the end of the turn and a
/// minute without anything new take it away. It says what was measured, and nothing about it.
struct StationScreen: Equatable {
    enum Face: Equatable {
        /// The gateway does not answer.
        case away
        /// Nobody's turn: a card or a code is awaited.
        case free
        /// A code or a card was refused.
        case refused
        /// Somebody's turn, nothing measured yet.
        case turn
        case values
        /// Something was measured and nobody can be told for certain whose it is: no value is shown.
        case unsure
    }

    /// Who has the turn.
    enum Person: Equatable {
        case participant(String)
        case guest
    }

    /// How long a value stands without anything new.
    static let shown = Interval.seconds(60)
    /// An older value comes from a device's memory and is not what was measured before this screen.
    static let fresh = Interval.minutes(10)

    let station: String
    private(set) var face = Face.away
    private(set) var person: Person?
    /// The newest record of each kind in this turn, the last measured one first.
    private(set) var records: [JSONValue] = []
    private var changed: Instant?

    init(station: String) { self.station = station }

    /// A row of `/v1/stations`, once the daemon answers.
    mutating func connected(_ row: JSONValue, now: Instant) {
        guard face == .away else { return }
        begin(row["session"], now)
    }

    mutating func disconnected() {
        clear()
        face = .away
    }

    /// `event: session`
    mutating func session(_ event: JSONValue, now: Instant) {
        guard event["station"]?.string == station, face != .away else { return }
        if event["state"]?.string == "open" { return begin(event, now) }
        // All that was expected has come: the person still reads it.
        guard event["end"]?.string != "complete" || records.isEmpty else { return changed = now }
        clear()
    }

    /// `event: reader`
    mutating func reader(_ event: JSONValue, now: Instant) {
        guard event["station"]?.string == station, face != .away else { return }
        guard event["refused"]?.string != nil else { return }
        clear()
        (face, changed) = (.refused, now)
    }

    /// A record that was stored or has changed.
    ///
    /// - Returns: whether it is shown.
    @discardableResult
    mutating func record(_ record: JSONValue, now: Instant) -> Bool {
        guard record["station"]?.string == station, face != .away else { return false }
        let time = record["observation_time"]?.string ?? record["received_at"]?.string
        guard let taken = time.flatMap({ Instant(iso8601: $0) }), now - taken < Self.fresh else {
            return false
        }
        guard isTheirs(record) else {
            // What came late is somebody else's: whoever stands here now must not see it.
            if record["state"]?.string == "unassigned" { (face, changed) = (.unsure, now) }
            return false
        }
        let kind = record["kind"]
        if let former = records.first(where: { $0["kind"] == kind }), isOlder(record, former) {
            return false
        }
        records.removeAll { $0["kind"] == kind }
        records.insert(record, at: 0)
        (face, changed) = (.values, now)
        return true
    }

    /// Time has passed.
    mutating func tick(now: Instant) {
        guard let changed, now - changed >= Self.shown else { return }
        switch face {
        case .values, .refused, .unsure: clear()
        case .away, .free, .turn: break
        }
    }

    private mutating func begin(_ session: JSONValue?, _ now: Instant) {
        clear()
        guard let session, session.members != nil else { return }
        person = session["participant"]?.string.map { .participant($0) } ?? .guest
        (face, changed) = (.turn, now)
    }

    private mutating func clear() {
        (face, person, records, changed) = (.free, nil, [], nil)
    }

    private func isTheirs(_ record: JSONValue) -> Bool {
        switch person {
        case .participant(let code): record["participant"]?.string == code
        case .guest: record["state"]?.string == "guest"
        case nil: false
        }
    }

    private func isOlder(_ one: JSONValue, _ other: JSONValue) -> Bool {
        guard let first = one["observation_time"]?.string.flatMap({ Instant(iso8601: $0) }),
            let second = other["observation_time"]?.string.flatMap({ Instant(iso8601: $0) })
        else { return false }
        return first < second
    }

    /// Whose it is or when it was taken is not certain: staff is asked.
    var needsStaff: Bool {
        face == .unsure || face == .values && records.first?["state"]?.string == "quarantined"
    }
}
