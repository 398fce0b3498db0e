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
    /// The file, where it is another one than that of the text around it.
    package let file: String?

    package init(content: Content, line: Int, column: Int, file: String? = nil) {
        self.content = content
        self.line = line
        self.column = column
        self.file = file
    }

    /// The same value, which says in every problem that it stands in `file`.
    package func inFile(_ file: String) -> YAMLNode {
        let inner: Content =
            switch content {
            case .scalar: content
            case .sequence(let items): .sequence(items.map { $0.inFile(file) })
            case .mapping(let pairs):
                .mapping(pairs.map { ($0.key.inFile(file), $0.value.inFile(file)) })
            }
        return YAMLNode(content: inner, line: line, column: column, file: file)
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
