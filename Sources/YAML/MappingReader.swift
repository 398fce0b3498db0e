/// The keys of one mapping, which remembers what was asked for so that the rest can be reported.
///
/// Duplicate keys and keys that are not words are reported when it is made; the first of duplicates
/// counts.
package final class MappingReader {
    /// The mapping itself, for problems that belong to no key.
    package let reader: NodeReader
    private let pairs: [(key: YAMLNode, name: String, value: YAMLNode)]
    private let index: [String: Int]
    private var asked: [String] = []
    private var askedSet: Set<String> = []

    init(_ reader: NodeReader, pairs: [(key: YAMLNode, value: YAMLNode)]) {
        self.reader = reader
        var kept: [(key: YAMLNode, name: String, value: YAMLNode)] = []
        var index: [String: Int] = [:]
        for pair in pairs {
            guard let name = pair.key.scalarText, !name.isEmpty else {
                reader.child(pair.key, path: reader.path)
                    .report("a key is not a word", accepted: "key: value")
                continue
            }
            if let first = index[name] {
                reader.child(pair.key, path: Self.join(reader.path, name))
                    .report("stands twice, first in line \(kept[first].key.line)")
                continue
            }
            index[name] = kept.count
            kept.append((pair.key, name, pair.value))
        }
        self.pairs = kept
        self.index = index
    }

    package var path: String { reader.path }

    /// The keys in the order of the text.
    package var names: [String] { pairs.map(\.name) }

    /// Whether the key stands there, with any value; counts as asked for.
    package func has(_ key: String) -> Bool {
        note(key)
        return index[key] != nil
    }

    /// Returns the value of a key that may be left out.
    ///
    /// A key with an empty value is there: the accessor of the type reports that it has none.
    package func optional(_ key: String) -> NodeReader? {
        note(key)
        guard let place = index[key] else { return nil }
        return reader.child(pairs[place].value, path: Self.join(reader.path, key))
    }

    /// Returns the value of a key that must be there, or reports that it is missing.
    package func required(_ key: String, accepted: String? = nil) -> NodeReader? {
        if let value = optional(key) { return value }
        problem(about: key, "is missing", accepted: accepted)
        return nil
    }

    /// Returns the only one of several keys that stands there; none or two are reported.
    package func exactlyOne(of keys: [String]) -> (key: String, value: NodeReader)? {
        let present = keys.filter { has($0) }
        let accepted = "exactly one of " + keys.joined(separator: ", ")
        guard let key = present.first, let value = optional(key) else {
            reader.report("lacks a key", accepted: accepted)
            return nil
        }
        if present.count > 1 {
            problem(about: present[1], "stands beside \(key)", accepted: accepted)
        }
        return (key, value)
    }

    /// Names keys that are known though this path of the code does not read them.
    package func ignore(_ keys: [String]) {
        for key in keys { note(key) }
    }

    /// Reports a problem at a key, or at the mapping where the key is not there.
    package func problem(about key: String, _ message: String, accepted: String? = nil) {
        let place = index[key].map { pairs[$0].key } ?? reader.node
        reader.child(place, path: Self.join(reader.path, key))
            .report(message, accepted: accepted)
    }

    /// Reports each key that nothing asked for, with the nearest known one.
    package func finish() {
        for pair in pairs where !askedSet.contains(pair.name) {
            let meant = Suggestion.nearest(to: pair.name, among: asked.filter { index[$0] == nil })
            let hint = meant.map { ", did you mean \($0)?" } ?? ""
            reader.child(pair.key, path: Self.join(reader.path, pair.name))
                .report("is not a known key" + hint, accepted: acceptedKeys)
        }
    }

    /// Returns every entry, which all count as asked for.
    func all() -> [(key: NodeReader, value: NodeReader)] {
        pairs.map { pair in
            note(pair.name)
            let path = Self.join(reader.path, pair.name)
            return (reader.child(pair.key, path: path), reader.child(pair.value, path: path))
        }
    }

    private var acceptedKeys: String? {
        asked.isEmpty ? nil : asked.sorted().joined(separator: ", ")
    }

    private func note(_ key: String) {
        if askedSet.insert(key).inserted { asked.append(key) }
    }

    /// Joins a path; a long or odd key of the user's own is shortened as in any message.
    private static func join(_ path: String, _ key: String) -> String {
        let isPlain = key.utf8.count <= 64 && key.unicodeScalars.allSatisfy { $0.value > 0x20 }
        let shown = isPlain ? key : NodeReader.quote(key)
        return path.isEmpty ? shown : path + "." + shown
    }
}
