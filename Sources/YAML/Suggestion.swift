/// The search for what somebody meant by a word that is not known.
package enum Suggestion {
    /// Returns the known word nearest to `word`, or nil where none is near enough to be meant.
    package static func nearest(to word: String, among known: [String]) -> String? {
        let wanted = folded(word)
        // A pasted paragraph is no typing mistake, and 11 is not near to 10 in any useful sense.
        guard wanted.count <= 64, wanted.contains(where: \.properties.isAlphabetic) else {
            return nil
        }
        let allowance = max(1, wanted.count / 3)
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(wanted, folded(candidate))
            guard distance <= allowance, distance < best?.distance ?? Int.max else { continue }
            best = (candidate, distance)
        }
        return best?.word
    }

    /// Folds case and the two usual word separators: `Max_Records` is a way to write `max-records`.
    private static func folded(_ word: String) -> [Unicode.Scalar] {
        word.lowercased().unicodeScalars.map { $0 == "_" || $0 == " " ? "-" : $0 }
    }

    /// Counts inserted, deleted, replaced and swapped neighbouring letters.
    private static func distance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
        guard !one.isEmpty, !other.isEmpty else { return max(one.count, other.count) }
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for row in 1...one.count {
            var current = [row]
            for column in 1...other.count {
                let same = one[row - 1] == other[column - 1]
                var cost = min(last[column] + 1, current[column - 1] + 1)
                cost = min(cost, last[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, one[row - 1] == other[column - 2],
                    one[row - 2] == other[column - 1]
                {
                    cost = min(cost, beforeLast[column - 2] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[other.count]
    }
}
