import Crypto
package import JSON
package import Measurement

/// What the ledger tells of.
package enum LedgerEvent: String, Sendable, CaseIterable {
    case received
    /// The gateway's clock was synchronised at last, and what waited for it was dated.
    case dated
    case released
    case discarded
    /// Decoded again from the bytes that were kept.
    case retried
    /// A person or the device changed the values of a record that was accepted.
    case corrected
    case delivery
    case deadLetterRetried = "dead-letter-retried"
    case deadLetterDiscarded = "dead-letter-discarded"
    case consentChanged = "consent-changed"
    case purged
    case configurationChanged = "configuration-changed"
    /// The data keys were sealed under another master key.
    case keysRotated = "keys-rotated"
    /// Retention removed delivered records.
    case expired
    case salvaged
    /// A copy took the place of the store.
    case restored
    /// A destination was given records from before it was added.
    case historyTaken = "history-taken"
    /// A list of the register was replaced.
    case listImported = "list-imported"
    case sessionBegun = "session-begun"
    case sessionEnded = "session-ended"
    case deviceMoved = "device-moved"
    /// A person said whose an unassigned record is.
    case assigned
    case cardRegistered = "card-registered"
    /// A person typed a value.
    case typed
    /// A person took a record back.
    case withdrawn
}

/// Who did it.
package struct LedgerActor: Sendable, Equatable {
    package let text: String
    /// The daemon by its rules.
    package static let gateway = LedgerActor(text: "gateway")
    /// A user of the machine, as the kernel names the peer of the socket.
    package static func user(_ number: UInt32) -> LedgerActor {
        LedgerActor(text: "uid \(number)")
    }
    /// A reader at a station, by where it is plugged in; never by what it read.
    package static func reader(_ place: String) -> LedgerActor {
        LedgerActor(text: "reader \(place)")
    }
}

/// Something to be written into the ledger; it holds no measured value.
package struct LedgerNote: Sendable {
    package var event: LedgerEvent
    package var actor: LedgerActor
    /// A record key, a device, a destination or a participant.
    package var subject: String
    /// The members of a JSON object.
    package var details: @Sendable (inout JSONWriter) -> Void

    package init(
        _ event: LedgerEvent, by actor: LedgerActor = .gateway, on subject: String,
        details: @escaping @Sendable (inout JSONWriter) -> Void = { _ in }
    ) {
        self.event = event
        self.actor = actor
        self.subject = subject
        self.details = details
    }
}

/// A row of the ledger.
package struct LedgerEntry: Sendable, Equatable {
    package var number: Int64
    package var at: Instant
    package var actor: String
    package var event: String
    package var subject: String
    /// A JSON object.
    package var details: String
    /// The hash of the row before; empty at the first.
    package var previous: String
    package var hash: String

    /// SHA-256 over the hash of the row before and all of this one, a line each.
    ///
    /// No part holds a line break: JSON escapes it, and it is taken out of the others.
    var expectedHash: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + details.utf8.count)
        bytes += previous.utf8
        let parts = ["\(number)", "\(at.microseconds)", actor, event, subject, details]
        for part in parts {
            bytes.append(UInt8(ascii: "\n"))
            bytes += part.utf8
        }
        return hexadecimal(SHA256.digest(bytes))
    }
}

/// The newest row: with it the end of the ledger cannot go missing unnoticed.
struct LedgerHead: Equatable {
    var number: Int64
    var hash: String

    init(number: Int64 = 0, hash: String = "") { (self.number, self.hash) = (number, hash) }
    init(_ entry: LedgerEntry) { (number, hash) = (entry.number, entry.hash) }
    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let number = Int64(parts[0]) else { return nil }
        (self.number, hash) = (number, String(parts[1]))
    }
    var text: String { "\(number) \(hash)" }
}

extension Connection {
    /// Adds a row inside the transaction that does what it tells of.
    func note(_ note: LedgerNote, at now: Instant) throws(SpoolError) {
        let head = try ledgerHead()
        var writer = JSONWriter(capacity: 128)
        writer.object { note.details(&$0) }
        var entry = LedgerEntry(
            number: head.number + 1, at: now, actor: note.actor.text.inOneLine,
            event: note.event.rawValue, subject: note.subject.inOneLine, details: writer.text,
            previous: head.hash, hash: "")
        entry.hash = entry.expectedHash
        try run(
            .insertLedger,
            [
                .integer(entry.number), .instant(now), .text(entry.actor), .text(entry.event),
                .text(entry.subject), .text(entry.details), .text(entry.previous),
                .text(entry.hash),
            ])
        try setLedgerEnd(LedgerHead(entry))
    }

    func ledgerHead() throws(SpoolError) -> LedgerHead {
        if let ledgerEnd { return ledgerEnd }
        let head = try remembered("ledger-head").flatMap { LedgerHead($0) } ?? LedgerHead()
        let last = try first(.lastLedger) { row throws(SpoolError) in
            (number: row.integer(), hash: row.text())
        }
        // After damage either may be lost; the next row continues from the further one.
        guard let last, last.number > head.number else { return head }
        return LedgerHead(number: last.number, hash: last.hash)
    }

    func ledger(after number: Int64, limit: Int) throws(SpoolError) -> [LedgerEntry] {
        try all(.ledgerAfter, [.integer(number), .integer(limit)]) { row throws(SpoolError) in
            LedgerEntry(
                number: row.integer(), at: row.instant(), actor: row.text(), event: row.text(),
                subject: row.text(), details: row.text(), previous: row.text(), hash: row.text())
        }
    }

    func remembered(_ name: String) throws(SpoolError) -> String? {
        try first(.remembered, [.text(name)]) { row throws(SpoolError) in row.text() }
    }

    func remember(_ name: String, _ value: String) throws(SpoolError) {
        try run(.remember, [.text(name), .text(value)])
    }
}

extension String {
    fileprivate var inOneLine: String {
        contains(where: \.isNewline) ? String(map { $0.isNewline ? " " : $0 }) : self
    }
}

extension SQL {
    static let insertLedger = SQL(
        """
        INSERT INTO ledger(id, at, actor, event, subject, details, previous, hash)
        VALUES(?,?,?,?,?,?,?,?)
        """)
    static let lastLedger = SQL("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1")
    static let ledgerAfter = SQL(
        """
        SELECT id, at, actor, event, subject, details, previous, hash FROM ledger
        WHERE id > ? ORDER BY id LIMIT ?
        """)
    static let remembered = SQL("SELECT value FROM remembered WHERE name = ?")
    static let remember = SQL(
        """
        INSERT INTO remembered(name, value) VALUES(?1, ?2)
        ON CONFLICT(name) DO UPDATE SET value = ?2
        """)
}
