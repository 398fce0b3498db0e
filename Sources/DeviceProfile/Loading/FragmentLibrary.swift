package import YAML

/// Files of shared parts that profiles include by name; a file is one where its first key is `fragment`.
package struct FragmentLibrary: Sendable {
    private struct Fragment: Sendable {
        var file: String
        var isOwn: Bool
        var content: YAMLNode
    }
    private var fragments: [String: Fragment] = [:]

    package init() {}

    /// The names that can be included.
    package var names: [String] { fragments.keys.sorted() }

    /// Whether the text is that of a fragment; it costs no parsing of a profile.
    package static func isFragment(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while let first = rest.first {
            if rest.starts(with: "fragment:".utf8) { return true }
            let isPassedOver = "# \t\r\n".utf8.contains(first) || rest.starts(with: "---".utf8)
            guard isPassedOver, let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { break }
            rest = rest[(end + 1)...]
        }
        return false
    }

    /// Reads a fragment file; what is wrong with the file itself is reported here.
    package mutating func add(
        _ bytes: [UInt8], file: String, isOwn: Bool, problems: ProblemList
    ) {
        let root: YAMLNode
        do throws(Problem) {
            root = try YAMLDocument.parse(bytes, file: file)
        } catch {
            return problems.add(error)
        }
        var content: YAMLNode?
        _ = NodeReader(root, file: file, problems: problems).mapping { keys -> Bool? in
            _ = keys.required("fragment", accepted: "\(ProfileLoader.formatVersion)")?.int(
                in: ProfileLoader.formatVersion...ProfileLoader.formatVersion)
            content = keys.required("content", accepted: "a mapping, or a list")?.node
            return true
        }
        guard let content else { return }
        let name = Self.name(file)
        if let other = fragments[name] {
            guard other.isOwn != isOwn else {
                return problems.add(
                    Problem(
                        file: file, line: root.line, column: root.column, key: "fragment",
                        message: "has the name of \(other.file)", accepted: "a name of its own"))
            }
            if other.isOwn { return }
        }
        fragments[name] = Fragment(file: file, isOwn: isOwn, content: content.inFile(file))
    }

    /// Reads a fragment that counts before one of the same name.
    package mutating func replace(_ bytes: [UInt8], file: String, problems: ProblemList) {
        fragments[Self.name(file)] = nil
        add(bytes, file: file, isOwn: true, problems: problems)
    }

    private static func name(_ file: String) -> String {
        file.split(separator: "/").last.map { String($0) } ?? file
    }

    /// The profile with all that it includes in its place.
    func expanded(_ root: YAMLNode, file: String, problems: ProblemList) -> YAMLNode {
        var expansion = Expansion(library: self, file: file, problems: problems)
        return expansion.expand(root, .profile, [])
    }

    fileprivate func content(_ name: String) -> YAMLNode? { fragments[name]?.content }
}

/// One profile file being put together.
private struct Expansion {
    /// Where parts can be included, and what stands there.
    enum Place {
        case profile
        case layouts
        case layout
        case variants
        case fields

        func child(_ key: String) -> Place? {
            switch (self, key) {
            case (.profile, "layouts"): .layouts
            case (.layout, "fields"): .fields
            case (.layout, "variants"): .variants
            default: nil
            }
        }
        var item: Place? {
            switch self {
            case .layouts: .layout
            case .variants: .fields
            default: nil
            }
        }
    }
    let library: FragmentLibrary
    let file: String
    let problems: ProblemList
    /// A short file cannot grow without bound by parts of parts.
    var left = 1_000

    mutating func expand(_ node: YAMLNode, _ place: Place, _ chain: [String]) -> YAMLNode {
        switch node.content {
        case .scalar: return node
        case .sequence(let items):
            guard let item = place.item else { return node }
            return node.with(
                .sequence(items.flatMap { expandItem($0, place, item, chain) }))
        case .mapping(let pairs):
            guard place.item == nil else { return node }
            return node.with(.mapping(expandPairs(pairs, place, chain)))
        }
    }

    /// An item that only includes a list stands for all items of that list.
    private mutating func expandItem(
        _ node: YAMLNode, _ list: Place, _ item: Place, _ chain: [String]
    ) -> [YAMLNode] {
        guard case .mapping(let pairs) = node.content, pairs.count == 1,
            let only = pairs.first, only.key.scalarText == "include",
            let name = only.value.scalarText, let content = library.content(name),
            case .sequence = content.content
        else { return [expand(node, item, chain)] }
        guard let part = included(only.value, list, chain),
            case .sequence(let items) = part.content
        else { return [] }
        return items
    }

    private mutating func expandPairs(
        _ pairs: [(key: YAMLNode, value: YAMLNode)], _ place: Place, _ chain: [String]
    ) -> [(key: YAMLNode, value: YAMLNode)] {
        var own: [(key: YAMLNode, value: YAMLNode)] = []
        var parts: [YAMLNode] = []
        for (key, value) in pairs {
            if key.scalarText == "include" {
                parts += value.items.compactMap { included($0, place, chain) }
            } else if let text = key.scalarText, let inner = place.child(text) {
                own.append((key, expand(value, inner, chain)))
            } else {
                own.append((key, value))
            }
        }
        for part in parts {
            guard case .mapping(let more) = part.content else {
                report(part, "is included where keys stand", "a mapping")
                continue
            }
            // What stands in the file itself counts; of two parts the first.
            let known = Set(own.compactMap(\.key.scalarText))
            own += more.filter { !known.contains($0.key.scalarText ?? "") }
        }
        return own
    }

    private mutating func included(
        _ node: YAMLNode, _ place: Place, _ chain: [String]
    ) -> YAMLNode? {
        let names = library.names.joined(separator: ", ")
        guard let name = node.scalarText else {
            report(node, "is no name of a file", names)
            return nil
        }
        guard let content = library.content(name) else {
            report(node, "there is no fragment \(name)", names.isEmpty ? "a file" : names)
            return nil
        }
        guard !chain.contains(name) else {
            let way = (chain.drop { $0 != name } + [name]).joined(separator: " → ")
            report(node, "the fragment includes itself: \(way)", "parts that end")
            return nil
        }
        guard left > 0 else {
            report(node, "more parts are included than any profile needs", "at most 1000")
            return nil
        }
        left -= 1
        return expand(content, place, chain + [name])
    }

    private func report(_ node: YAMLNode, _ message: String, _ accepted: String) {
        problems.add(
            Problem(
                file: node.file ?? file, line: node.line, column: node.column, key: "include",
                message: message, accepted: accepted))
    }
}

extension YAMLNode {
    fileprivate func with(_ content: Content) -> YAMLNode {
        YAMLNode(content: content, line: line, column: column, file: file)
    }

    /// The items of a list; anything else is a list of one.
    fileprivate var items: [YAMLNode] {
        if case .sequence(let items) = content { items } else { [self] }
    }
}
