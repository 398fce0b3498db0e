package import Measurement

/// The number of a row: grows with every stored record and is never used again.
package struct RowID: Sendable, Hashable, Comparable {
    package var number: Int64
    package init(_ number: Int64) { self.number = number }
    package static func < (a: RowID, b: RowID) -> Bool { a.number < b.number }
}

/// A record on its way into the store, with everything that is committed beside it.
package struct SpoolEntry: Sendable {
    package var record: Record
    /// The bytes the record was decoded from.
    package var frames: [RawFrame]
    /// Whose value it is (参加者ID); nil: unassigned, shown and not sent.
    package var participant: String?
    /// The rule that said so: `device-owner`, `slot`, `station-session`.
    package var participantRule: String?
    package var destinations: [EntryDestination]
    /// What a second delivery of the same reading has in common with the first, for records whose
    /// key cannot tell (no index and no device time).
    package var fingerprint: String?
    /// How far apart in reception two records of one fingerprint still are one reading.
    package var duplicateWindow: Interval?
    /// What the time is decided from, kept while the record is in quarantine.
    package var evidence: StoredEvidence?
    /// The device goes on counting in this record: a later reading of it takes its values' place.
    package var grows = false
    /// Under what circumstances it was measured.
    package var context: RecordContext?

    package init(
        record: Record, frames: [RawFrame] = [], participant: String? = nil,
        participantRule: String? = nil, destinations: [EntryDestination] = [],
        fingerprint: String? = nil, duplicateWindow: Interval? = nil
    ) {
        self.record = record
        self.frames = frames
        self.participant = participant
        self.participantRule = participantRule
        self.destinations = destinations
        self.fingerprint = fingerprint
        self.duplicateWindow = duplicateWindow
    }
}

/// What the time of a record was decided from, as whoever decides wrote it down.
package struct StoredEvidence: Sendable, Equatable {
    /// Names the run of the machine whose monotonic clock the stamps are of.
    package var boot: String
    package var text: String
    /// What came of the last try to decide again.
    package var note: String?

    package init(boot: String, text: String, note: String? = nil) {
        self.boot = boot
        self.text = text
        self.note = note
    }
}

/// A destination that a new record may go to.
package struct EntryDestination: Sendable, Hashable {
    package var name: String
    package var state: FirstState

    package init(_ name: String, _ state: FirstState) {
        self.name = name
        self.state = state
    }

    /// Where a record begins at a destination.
    package enum FirstState: Sendable, Hashable {
        /// To be sent. Becomes `held` when the record is unassigned or in quarantine.
        case waiting
        /// Not to be sent until a person or a rule says so: no consent, outside the period.
        case held(String)
        /// The destination's format has no place for this kind.
        case noTable
    }
}

/// What became of an entry.
package enum AppendResult: Sendable, Equatable {
    /// New and on disk.
    case stored(RowID)
    /// Known already; nothing of it was changed.
    case duplicate(RowID)
    /// Known already, and its values took the place of the earlier ones.
    case grown(RowID)

    package var rowID: RowID {
        switch self {
        case .stored(let row), .duplicate(let row), .grown(let row): row
        }
    }
    package var isStored: Bool { if case .stored = self { true } else { false } }
    package var isDuplicate: Bool { if case .duplicate = self { true } else { false } }
}

/// A measurement that the device says it could not make; the key makes a second delivery visible.
package struct FailedMeasurement: Sendable, Hashable {
    package var device: DeviceID
    package var key: String
    package var at: Instant
    package init(device: DeviceID, key: String, at: Instant) {
        self.device = device
        self.key = key
        self.at = at
    }
}
