import JSON
package import Measurement

/// How many records there are, and of which kind.
package struct SpoolCounts: Sendable, Equatable {
    /// All records that lie in the store.
    package var stored = 0
    /// Records that wait for at least one destination.
    package var waiting = 0
    /// Records that are nobody's; they are shown and not sent.
    package var unassigned = 0
    package var quarantined = 0
    /// Quarantined records that a person decided never to send.
    package var discarded = 0
    /// Records that at least one receiver refused for good.
    package var deadLetters = 0
    /// Records that at least one destination has.
    package var delivered = 0
    package init() {}
}

/// What one destination has and what it still waits for.
package struct DestinationCounts: Sendable, Equatable {
    package var name: String
    package var waiting = 0
    package var held = 0
    package var noTable = 0
    package var deadLetters = 0
    /// Records delivered since the beginning, those that retention removed included.
    package var delivered = 0
    /// Since when the record waits that has waited longest.
    package var oldestWaitingAt: Instant?
    package var lastDeliveredAt: Instant?
    package init(name: String) { self.name = name }
}

/// What retention removed.
package struct RetentionResult: Sendable, Equatable {
    package var records = 0
    package var frames = 0
    /// There is more to remove: call again after other work had its turn.
    package var isMore = false
}

extension Spool {
    package func counts() throws(SpoolError) -> SpoolCounts {
        try reading { connection throws(SpoolError) in
            let tallies = try connection.tallies()
            let records = tallies[""] ?? [:]
            /// Records of which at least one delivery is in a state.
            func some(_ state: DeliveryState) -> Int {
                tallies.filter { !$0.key.isEmpty }.values.reduce(0) {
                    $0 + ($1[state.rawValue] ?? 0)
                } - (records["more-" + state.rawValue] ?? 0)
            }
            var counts = SpoolCounts()
            counts.stored = records.filter { $0.key.hasPrefix("is-") }.values.reduce(0, +)
            counts.waiting = some(.waiting)
            counts.unassigned = records["is-unassigned"] ?? 0
            counts.quarantined = records["is-quarantined"] ?? 0
            counts.discarded = records["is-discarded"] ?? 0
            counts.deadLetters = some(.dead)
            counts.delivered = some(.delivered)
            return counts
        }
    }

    /// The destinations that any record knows, by name.
    package func destinations() throws(SpoolError) -> [DestinationCounts] {
        try reading { connection throws(SpoolError) in
            var byName: [String: DestinationCounts] = [:]
            for (name, numbers) in try connection.tallies() where !name.isEmpty {
                func number(_ state: DeliveryState) -> Int { numbers[state.rawValue] ?? 0 }
                guard numbers.values.contains(where: { $0 > 0 }) else { continue }
                var counts = DestinationCounts(name: name)
                counts.waiting = number(.waiting)
                counts.held = number(.held)
                counts.noTable = number(.noTable)
                counts.deadLetters = number(.dead)
                counts.oldestWaitingAt = try connection.oldestWaiting(name)
                byName[name] = counts
            }
            _ = try connection.all(.lastDeliveries) { row throws(SpoolError) in
                let name = row.text()
                var counts = byName[name] ?? DestinationCounts(name: name)
                counts.lastDeliveredAt = row.instant()
                counts.delivered = row.count()
                byName[name] = counts
            }
            return byName.values.sorted { $0.name < $1.name }
        }
    }

    /// Removes delivered records and the raw frames of settled ones after their time.
    ///
    /// A record goes only when every destination has it or has no table for it; its key stays, so
    /// that a device which sends its history again fills nothing in anew. Quarantined, unassigned,
    /// held, waiting and refused records are never removed; what a person discarded goes after the
    /// same time as what was delivered.
    ///
    /// - Parameter limit: how many records and frames one call removes at most.
    package func applyRetention(
        delivered: Interval, rawFrames: Interval, now: Instant, limit: Int = 500
    ) throws(SpoolError) -> RetentionResult {
        try writing { connection throws(SpoolError) in
            var result = RetentionResult()
            let rows = try connection.all(
                .expiredRecords, [.instant(now - delivered), .integer(limit)]
            ) { row throws(SpoolError) in row.row() }
            let discarded = try connection.all(
                .expiredDiscarded, [.instant(now - delivered), .integer(limit)]
            ) { row throws(SpoolError) in row.row() }
            // What was delivered and taken back afterwards is in both.
            let expired = Set(rows + discarded)
            for row in expired {
                try connection.run(.spendKey, [.row(row), .instant(now)])
                try connection.run(.deleteRecord, [.row(row)])
            }
            result.records = expired.count
            if result.records > 0 {
                try connection.note(
                    LedgerNote(.expired, on: "records") { [count = result.records] writer in
                        writer.member("records", count)
                    }, at: now)
            }
            result.frames = try connection.run(
                .expireFrames, [.instant(now - rawFrames), .integer(limit)])
            result.isMore =
                rows.count == limit || discarded.count == limit || result.frames == limit
            return result
        }
    }
}

extension Connection {
    /// The numbers that the store's triggers keep, by destination.
    fileprivate func tallies() throws(SpoolError) -> [String: [String: Int]] {
        var numbers: [String: [String: Int]] = [:]
        _ = try all(.tallies) { row throws(SpoolError) in
            numbers[row.text(), default: [:]][row.text()] = row.count()
        }
        return numbers
    }

    /// How many deliveries are in a state, at all destinations together.
    func tally(_ state: DeliveryState) throws(SpoolError) -> Int64 {
        try integer(.tallyOfState, [.text(state.rawValue)])
    }

    /// From here on a list of all of them would take more memory than the gateway has to spare.
    static let manyDeliveries: Int64 = 10_000

    fileprivate func oldestWaiting(_ destination: String) throws(SpoolError) -> Instant? {
        try first(.oldestWaiting, [.text(destination)]) { row throws(SpoolError) in
            row.optionalInstant()
        } ?? nil
    }
}
