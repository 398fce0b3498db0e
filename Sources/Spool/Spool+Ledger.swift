package import Measurement

/// What a check of the whole ledger found.
package struct LedgerReport: Sendable, Equatable {
    package var entries = 0
    /// What is wrong and where, the first ones only; empty when all is as it was written.
    package var problems: [Problem] = []
    package static let maximumProblems = 20
    package init() {}

    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The row at which it shows.
        package var number: Int64
        package var description: String
    }

    package var isWhole: Bool { problems.isEmpty }
}

/// Follows the chain row by row, without a store.
struct LedgerCheck {
    private(set) var report = LedgerReport()
    private var last = LedgerHead()
    private let head: LedgerHead

    init(head: LedgerHead) { self.head = head }

    mutating func take(_ entry: LedgerEntry) {
        report.entries += 1
        let expected = last.number + 1
        if entry.number > expected {
            let missing =
                entry.number - 1 == expected
                ? "row \(expected) is missing"
                : "rows \(expected) to \(entry.number - 1) are missing"
            found(expected, missing)
        } else if entry.previous != last.hash {
            found(entry.number, "row \(entry.number) does not follow the row before it")
        }
        if entry.hash != entry.expectedHash {
            found(entry.number, "row \(entry.number) was changed")
        } else if entry.number == head.number, entry.hash != head.hash {
            found(entry.number, "row \(entry.number) is not the one that was written last")
        }
        last = LedgerHead(entry)
    }

    mutating func finish() -> LedgerReport {
        if last.number < head.number {
            let missing =
                last.number + 1 == head.number
                ? "row \(head.number), the last one, is missing"
                : "rows \(last.number + 1) to \(head.number), the last ones, are missing"
            found(last.number + 1, missing)
        }
        return report
    }

    private mutating func found(_ number: Int64, _ text: String) {
        guard report.problems.count < LedgerReport.maximumProblems else { return }
        report.problems.append(LedgerReport.Problem(number: number, description: text))
    }
}

extension Spool {
    /// Writes into the ledger what was decided elsewhere: consent, configuration.
    package func note(_ notes: [LedgerNote], at now: Instant) throws(SpoolError) {
        guard !notes.isEmpty else { return }
        try writing { connection throws(SpoolError) in
            for note in notes { try connection.note(note, at: now) }
        }
    }

    /// Notes a change of something that is compared as a whole, such as the configuration.
    ///
    /// - Parameters:
    ///   - name: under which its last state is remembered.
    ///   - state: a digest or another short text of what it is now.
    ///   - note: made from the last state, nil at the first time; written where the two differ.
    /// - Returns: whether there was a change.
    @discardableResult
    package func noteChange(
        _ name: String, to state: String, at now: Instant,
        note: @Sendable (_ before: String?) -> [LedgerNote]
    ) throws(SpoolError) -> Bool {
        try writing { connection throws(SpoolError) in
            let before = try connection.remembered(name)
            guard before != state else { return false }
            for note in note(before) { try connection.note(note, at: now) }
            try connection.remember(name, state)
            return true
        }
    }

    /// Rows of the ledger after a number, oldest first.
    package func ledger(after number: Int64 = 0, limit: Int) throws(SpoolError) -> [LedgerEntry] {
        try reading { connection throws(SpoolError) in
            try connection.ledger(after: number, limit: limit)
        }
    }

    private func ledgerHead() throws(SpoolError) -> LedgerHead {
        try reading { connection throws(SpoolError) in try connection.ledgerHead() }
    }

    /// Checks the whole ledger in parts, so that the store goes on working meanwhile.
    package nonisolated func verifyLedger() async throws(SpoolError) -> LedgerReport {
        // Rows that are added from here on follow the head.
        var check = LedgerCheck(head: try await ledgerHead())
        var last: Int64 = 0
        while true {
            let part = try await ledger(after: last, limit: 500)
            guard let newest = part.last else { return check.finish() }
            for entry in part { check.take(entry) }
            last = newest.number
        }
    }
}
