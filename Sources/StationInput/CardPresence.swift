/// A card that stays on the reader is one card; it counts again only after it was away.
package struct CardPresence: Sendable, Equatable {
    /// Looks in a row without a card after which it is away: a card at the edge comes and goes.
    static let looksUntilAway = 3
    private var present: [UInt8]?
    private var misses = 0

    package init() {}

    /// Takes what one look found; gives a card that has just come.
    package mutating func saw(_ look: CardLook) -> ReaderInput? {
        guard case .card(let identifier) = look else {
            misses += 1
            if misses >= Self.looksUntilAway { present = nil }
            return nil
        }
        misses = 0
        guard identifier != present else { return nil }
        present = identifier
        return .card(identifier)
    }
}
