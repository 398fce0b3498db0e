/// Digits that are read from across a table: each is three dots wide and five high.
enum BigText {
    private static let shapes: [Character: [String]] = [
        "0": ["###", "# #", "# #", "# #", "###"], "1": [" # ", "## ", " # ", " # ", "###"],
        "2": ["###", "  #", "###", "#  ", "###"], "3": ["###", "  #", "###", "  #", "###"],
        "4": ["# #", "# #", "###", "  #", "  #"], "5": ["###", "#  ", "###", "  #", "###"],
        "6": ["###", "#  ", "###", "# #", "###"], "7": ["###", "  #", "  #", "  #", "  #"],
        "8": ["###", "# #", "###", "# #", "###"], "9": ["###", "# #", "###", "  #", "###"],
        ".": [" ", " ", " ", " ", "#"], "/": ["  #", "  #", " # ", "#  ", "#  "],
        "-": ["   ", "   ", "###", "   ", "   "],
    ]

    /// The rows of a number; nil where it has a sign without a shape or does not fit.
    ///
    /// - Parameter scale: how many rows a dot is high; it is twice as many columns wide.
    static func rows(_ text: String, scale: Int, width: Int) -> [String]? {
        var rows = [String](repeating: "", count: 5)
        for (place, character) in text.enumerated() {
            guard let shape = shapes[character] else { return nil }
            for row in 0..<5 { rows[row] += (place == 0 ? "" : " ") + shape[row] }
        }
        guard !text.isEmpty, scale > 0, rows[0].count * 2 * scale <= width else { return nil }
        return rows.flatMap { row in
            let line = row.map { String(repeating: $0 == "#" ? "█" : " ", count: 2 * scale) }
            return [String](repeating: line.joined(), count: scale)
        }
    }
}
