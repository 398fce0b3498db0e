/// One value of a YAML or JSON text with the place where it stands.
///
/// Scalars keep their text exactly as written, so that `000000000001`, `36.0` and `0e10` lose
/// nothing before the reader of the key says what type it wants.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        /// `plain` is true for an unquoted scalar: only such a one may be a number, a bool or null.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// Pairs in the order of the text, duplicates included.
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    package let content: Content
    /// The line, counted from 1.
    package let line: Int
    /// The column in characters, counted from 1.
    package let column: Int

    package init(content: Content, line: Int, column: Int) {
        self.content = content
        self.line = line
        self.column = column
    }

    /// True for an empty value, `~` and `null`, which all say that nothing is given.
    package var isNull: Bool {
        guard case .scalar(let text, plain: true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// The text of a scalar, or nil for a list or a mapping.
    package var scalarText: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }
}
