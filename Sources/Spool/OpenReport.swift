/// What was found when the store was opened; anything but the plain case belongs into the status.
package struct OpenReport: Sendable, Equatable {
    package var path: String
    /// The store is new: no file, or an empty one, was there.
    package var isNew = false
    /// The file was there and empty, as a cut of power can leave it.
    package var wasEmpty = false
    /// The store was not closed the last time; its integrity is checked.
    package var wasUnclean = false
    package var integrityChecked = false
    /// It is too large to be checked at once: `checkInBackground` does it.
    package var integrityPending = false
    /// The schema before and after opening.
    package var schemaBefore = 0
    package var schema = 0
    /// The store that was in use disappeared while this program ran.
    package var vanished = false
    package var salvage: SalvageReport?
}

/// What became of a damaged store.
package struct SalvageReport: Sendable, Equatable {
    /// Where the whole damaged file lies now.
    package var setAside: String
    /// What SQLite said about the damage.
    package var damage: String
    package var records = 0
    package var frames = 0
    package var otherRows = 0
    /// Rows that could be seen but not read or not put back.
    package var unreadableRows = 0
    /// Records whose deliveries were lost: a person has to say where they go.
    package var recordsWithoutDeliveries = 0
}
