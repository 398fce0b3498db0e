package import JSON
package import Measurement

/// How a destination is doing, for the status.
package struct DestinationSnapshot: Sendable, Equatable {
    package enum State: String, Sendable {
        case idle, sending, retrying, held
    }

    package var name: String
    package var state: State
    package var lastDeliveredAt: Instant?
    /// What went wrong at the last try; nil after a success.
    package var lastError: String?
    package var nextAttemptAt: Instant?
    /// Failed tries since the last success, and since when.
    package var failures: Int
    package var failingSince: Instant?
    package var counters: DestinationCounters

    /// Writes the members of this destination's object; the store's own are added by the caller.
    package func writeMembers(
        to writer: inout JSONWriter, iso8601: (Instant) -> String
    ) {
        writer.member("name", name)
        writer.member("state", state.rawValue)
        writer.member("last_delivered_at", lastDeliveredAt.map(iso8601))
        writer.member("last_error", lastError)
        writer.member("next_attempt_at", nextAttemptAt.map(iso8601))
        writer.member("failures", failures)
        writer.member("failing_since", failingSince.map(iso8601))
        writer.member(
            "counters",
            object: { writer in
                for (name, count) in counters.named { writer.member(name, count) }
            })
    }
}

/// What a destination has seen since the daemon started.
package struct DestinationCounters: Sendable, Equatable {
    package var attempts = 0
    package var delivered = 0
    package var duplicates = 0
    package var rejected = 0
    package var doesNotFit = 0
    package var held = 0
    package var noTable = 0
    /// Values that a record carried beside its own and that found no place.
    package var omittedValues = 0
    package var divided = 0
    package var failedAttempts = 0
    package var notLetIn = 0

    package init() {}

    /// The counters by the names that status and metrics use.
    package var named: [(String, Int)] {
        [
            ("attempts", attempts), ("delivered", delivered), ("duplicates", duplicates),
            ("rejected", rejected), ("does_not_fit", doesNotFit), ("held", held),
            ("no_table", noTable), ("omitted_values", omittedValues), ("divided", divided),
            ("failed_attempts", failedAttempts), ("not_let_in", notLetIn),
        ]
    }
}
