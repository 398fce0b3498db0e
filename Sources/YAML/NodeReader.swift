/// A value at its place in a file, read as the type that its key wants.
///
/// Every accessor returns nil after it has put the reason into the ``ProblemList``, so a loader reads
/// on and the user sees all mistakes at once. Chain with optionals:
/// `keys.required("port")?.int(in: 1...65535)`.
package struct NodeReader {
    package let node: YAMLNode
    package let file: String
    /// Where it stands; nil at the root.
    let place: NodePath?
    package let problems: ProblemList
    /// Whether problems may quote the value; passkeys and the like are not repeated.
    let quotesValue: Bool

    package init(
        _ node: YAMLNode, file: String, problems: ProblemList, path: String = ""
    ) {
        self.init(
            node, file: file, problems: problems, place: NodePath.words(path), quotesValue: true)
    }

    private init(
        _ node: YAMLNode, file: String, problems: ProblemList, place: NodePath?, quotesValue: Bool
    ) {
        self.node = node
        self.file = file
        self.problems = problems
        self.place = place
        self.quotesValue = quotesValue
    }

    /// The same value, whose problems do not quote it.
    package var secret: NodeReader {
        NodeReader(node, file: file, problems: problems, place: place, quotesValue: false)
    }

    /// The dotted path from the root, empty at the root.
    package var path: String { place?.text ?? "" }

    /// True for an empty value, `~` and `null`.
    package var isNull: Bool { node.isNull }

    /// Puts a problem at this place into the list.
    package func report(_ message: String, accepted: String? = nil) {
        problems.add(problem(message, accepted: accepted))
    }

    /// Makes a problem at this place without putting it into the list.
    package func problem(_ message: String, accepted: String? = nil) -> Problem {
        Problem(
            file: node.file ?? file, line: node.line, column: node.column, key: path,
            message: message,
            accepted: accepted)
    }

    /// Reads a list; each item knows its index.
    package func list(count: ClosedRange<Int> = 0...100_000) -> [NodeReader]? {
        guard case .sequence(let items) = node.content else {
            report(wrongType, accepted: "a list")
            return nil
        }
        guard count.contains(items.count) else {
            report("has \(items.count) entries", accepted: "\(Self.text(of: count)) entries")
            return nil
        }
        var readers: [NodeReader] = []
        readers.reserveCapacity(items.count)
        for item in items {
            readers.append(child(item, place: NodePath.index(readers.count, in: place)))
        }
        return readers
    }

    /// Reads a list, or one scalar or mapping as a list of one.
    package func oneOrMore() -> [NodeReader]? {
        switch node.content {
        case .sequence: list(count: 1...100_000)
        case .scalar, .mapping: [self]
        }
    }

    /// Reads a mapping; the caller asks for its keys and then calls ``MappingReader/finish()``.
    package func mapping() -> MappingReader? {
        guard case .mapping(let pairs) = node.content else {
            report(wrongType, accepted: "a mapping (key: value)")
            return nil
        }
        return MappingReader(self, pairs: pairs)
    }

    /// Reads a mapping with `body` and then reports the keys that it did not ask for.
    package func mapping<T>(_ body: (MappingReader) -> T?) -> T? {
        guard let keys = mapping() else { return nil }
        let result = body(keys)
        keys.finish()
        return result
    }

    /// Reads a mapping whose keys are the user's own words; each key is a reader itself.
    package func entries() -> [(key: NodeReader, value: NodeReader)]? {
        guard let keys = mapping() else { return nil }
        return keys.all()
    }

    func child(_ node: YAMLNode, place: NodePath?) -> NodeReader {
        NodeReader(node, file: file, problems: problems, place: place, quotesValue: quotesValue)
    }

    /// Says what stands here instead of what was wanted.
    var wrongType: String {
        switch node.content {
        case .mapping: "is a mapping"
        case .sequence: "is a list"
        case .scalar where node.isNull: "has no value"
        case .scalar(let text, _): "is " + quoted(text)
        }
    }

    /// Quotes a value for a message: short, on one line, nothing of a secret.
    func quoted(_ text: String) -> String {
        quotesValue ? Self.quote(text) : "a value that does not fit"
    }

    static func quote(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars.prefix(40) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                out += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                out.unicodeScalars.append(scalar)
            }
        }
        return out + (text.unicodeScalars.count > 40 ? "…\"" : "\"")
    }

    static func text(of range: ClosedRange<Int>) -> String {
        if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
        if range.upperBound == Int.max { return "\(range.lowerBound) or more" }
        if range.lowerBound == Int.min { return "\(range.upperBound) or less" }
        return "\(range.lowerBound) to \(range.upperBound)"
    }
}
