import JSON
package import Measurement

/// A session at a station as it lies in the store.
package struct StoredSession: Sendable, Equatable {
    package var id: Int64
    package var station: String
    /// Nil for a guest.
    package var participant: String?
    package var begun: StoredMoment
    package var ended: StoredMoment?
    package var end: String?
    package var length: Interval
    package var isPreviousGone: Bool

    package init(
        id: Int64 = 0, station: String, participant: String?, begun: StoredMoment,
        ended: StoredMoment? = nil, end: String? = nil, length: Interval, isPreviousGone: Bool
    ) {
        self.id = id
        self.station = station
        self.participant = participant
        self.begun = begun
        self.ended = ended
        self.end = end
        self.length = length
        self.isPreviousGone = isPreviousGone
    }
}

/// A moment on both clocks of one run of the machine.
package struct StoredMoment: Sendable, Equatable {
    package var utc: Instant
    package var monotonicNanoseconds: Int64?
    package var boot: String?

    package init(utc: Instant, monotonicNanoseconds: Int64? = nil, boot: String? = nil) {
        self.utc = utc
        self.monotonicNanoseconds = monotonicNanoseconds
        self.boot = boot
    }

    fileprivate var columns: [SQLValue] {
        [.instant(utc), monotonicNanoseconds.map { .integer($0) } ?? .null, .text(boot)]
    }

    fileprivate init?(_ row: inout RowReader) {
        let utc = row.optionalInstant()
        let monotonic = row.optionalInteger()
        let boot = row.optionalText()
        guard let utc else { return nil }
        self.init(utc: utc, monotonicNanoseconds: monotonic, boot: boot)
    }
}

/// A device that was carried to another station.
package struct StoredMove: Sendable, Equatable {
    package var device: String
    package var station: String
    package var at: StoredMoment

    package init(device: String, station: String, at: StoredMoment) {
        self.device = device
        self.station = station
        self.at = at
    }
}

extension Spool {
    // MARK: lists

    /// Takes the place of a whole list, or of none of it.
    package func replaceList(
        _ list: String, rows: [[String]], note: LedgerNote, at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.run(.deleteList, [.text(list)])
            for cells in rows {
                try connection.run(
                    .insertListRow, [.text(list), .text(RecordColumns.strings(cells))])
            }
            try connection.note(note, at: now)
        }
    }

    package func listRows(_ list: String) throws(SpoolError) -> [[String]] {
        try reading { connection throws(SpoolError) in
            let path = connection.database.path
            return try connection.all(.listRows, [.text(list)]) { row throws(SpoolError) in
                guard let cells = RecordColumns.strings(row.text()) else {
                    throw .failed(SpoolFault(path: path, text: "list \(list): unreadable row"))
                }
                return cells
            }
        }
    }

    // MARK: sessions and places

    /// Writes down that a session began under a new number, and how the one before it ended.
    package func beginSession(
        _ session: StoredSession, closing closed: StoredSession?, notes: [LedgerNote],
        at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            if let closed { try connection.close(closed) }
            try connection.run(
                .insertSession,
                [.integer(session.id), .text(session.station), .text(session.participant)]
                    + session.begun.columns
                    + [.interval(session.length), .flag(session.isPreviousGone)])
            for note in notes { try connection.note(note, at: now) }
        }
    }

    package func endSession(
        _ session: StoredSession, notes: [LedgerNote], at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.close(session)
            for note in notes { try connection.note(note, at: now) }
        }
    }

    /// Sessions after a number, oldest first.
    package func sessions(after id: Int64, limit: Int) throws(SpoolError) -> [StoredSession] {
        try reading { connection throws(SpoolError) in
            try connection.all(.sessionsAfter, [.integer(id), .integer(limit)]) {
                row throws(SpoolError) in
                let id = row.integer()
                let station = row.text()
                let participant = row.optionalText()
                let begun = StoredMoment(&row) ?? StoredMoment(utc: Instant(microseconds: 0))
                let ended = StoredMoment(&row)
                return StoredSession(
                    id: id, station: station, participant: participant, begun: begun, ended: ended,
                    end: row.optionalText(), length: row.optionalInterval() ?? .zero,
                    isPreviousGone: row.flag())
            }
        }
    }

    /// The number of the last session that began before a moment, 0 where there is none.
    package func lastSession(before moment: Instant) throws(SpoolError) -> Int64 {
        try reading { connection throws(SpoolError) in
            try connection.integer(.lastSessionBefore, [.instant(moment)])
        }
    }

    package func move(
        _ move: StoredMove, note: LedgerNote, at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.run(
                .insertMove, [.text(move.device), .text(move.station)] + move.at.columns)
            try connection.note(note, at: now)
        }
    }

    package func moves() throws(SpoolError) -> [StoredMove] {
        try reading { connection throws(SpoolError) in
            try connection.all(.moves) { row throws(SpoolError) in
                StoredMove(
                    device: row.text(), station: row.text(),
                    at: StoredMoment(&row) ?? StoredMoment(utc: Instant(microseconds: 0)))
            }
        }
    }

    // MARK: cards

    /// A secret of this store, made at its first use.
    package func secret(
        _ name: String, fresh: @Sendable () -> String
    ) throws(SpoolError) -> String {
        try writing { connection throws(SpoolError) in
            if let known = try connection.remembered(name) { return known }
            let made = fresh()
            try connection.remember(name, made)
            return made
        }
    }

    package func registerCard(
        _ digest: String, of participant: String, note: LedgerNote, at now: Instant
    ) throws(SpoolError) {
        try writing { connection throws(SpoolError) in
            try connection.run(.registerCard, [.text(digest), .text(participant)])
            try connection.note(note, at: now)
        }
    }

    package func owner(ofCard digest: String) throws(SpoolError) -> String? {
        try reading { connection throws(SpoolError) in
            try connection.first(.cardOwner, [.text(digest)]) { row throws(SpoolError) in
                row.text()
            }
        }
    }
}

extension Connection {
    fileprivate func close(_ session: StoredSession) throws(SpoolError) {
        guard let ended = session.ended else { return }
        try run(.endSession, [.integer(session.id)] + ended.columns + [.text(session.end)])
    }
}

extension SQL {
    static let deleteList = SQL("DELETE FROM list_row WHERE list = ?")
    static let insertListRow = SQL("INSERT INTO list_row(list, cells) VALUES(?, ?)")
    static let listRows = SQL("SELECT cells FROM list_row WHERE list = ? ORDER BY id")
    static let insertSession = SQL(
        """
        INSERT INTO station_session(id, station, participant, begun_at, begun_monotonic,
        begun_boot, length, previous_gone) VALUES(?,?,?,?,?,?,?,?)
        """)
    static let endSession = SQL(
        """
        UPDATE station_session SET ended_at = ?2, ended_monotonic = ?3, ended_boot = ?4,
        end_reason = ?5 WHERE id = ?1 AND ended_at IS NULL
        """)
    static let sessionsAfter = SQL(
        """
        SELECT id, station, participant, begun_at, begun_monotonic, begun_boot, ended_at,
        ended_monotonic, ended_boot, end_reason, length, previous_gone
        FROM station_session WHERE id > ? ORDER BY id LIMIT ?
        """)
    static let lastSessionBefore = SQL(
        "SELECT coalesce(max(id), 0) FROM station_session WHERE begun_at < ?")
    static let insertMove = SQL(
        "INSERT INTO station_move(device, station, at, monotonic, boot) VALUES(?,?,?,?,?)")
    static let moves = SQL(
        "SELECT device, station, at, monotonic, boot FROM station_move ORDER BY id")
    static let registerCard = SQL(
        """
        INSERT INTO card(digest, participant) VALUES(?1, ?2)
        ON CONFLICT(digest) DO UPDATE SET participant = ?2
        """)
    static let cardOwner = SQL("SELECT participant FROM card WHERE digest = ?")
}
