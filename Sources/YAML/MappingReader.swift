/// The keys of one mapping, which remembers what was asked for so that the rest can be reported.
///
/// Duplicate keys and keys that are not words are reported when it is made; the first of duplicates
/// counts.
package final class MappingReader {
    /// The mapping itself, for problems that belong to no key.
    package let reader: NodeReader
    private let pairs: [(key: YAMLNode, name: String, value: YAMLNode)]
    /// Names asked for, some of them more than once: mappings are small, so nothing here is hashed.
    private var asked: [String] = []

    init(_ reader: NodeReader, pairs: [(key: YAMLNode, value: YAMLNode)]) {
        self.reader = reader
        var kept: [(key: YAMLNode, name: String, value: YAMLNode)] = []
        kept.reserveCapacity(pairs.count)
        for pair in pairs {
            guard let name = pair.key.scalarText, !name.isEmpty else {
                reader.child(pair.key, place: reader.place)
                    .report("a key is not a word", accepted: "key: value")
                continue
            }
            if let first = kept.first(where: { $0.name == name }) {
                reader.child(pair.key, place: NodePath.key(name, in: reader.place))
                    .report("stands twice, first in line \(first.key.line)")
                continue
            }
            kept.append((pair.key, name, pair.value))
        }
        self.pairs = kept
    }

    package var path: String { reader.path }

    /// The keys in the order of the text.
    package var names: [String] { pairs.map(\.name) }

    /// Whether the key stands there, with any value; counts as asked for.
    package func has(_ key: String) -> Bool {
        note(key)
        return place(of: key) != nil
    }

    /// Returns the value of a key that may be left out.
    ///
    /// A key with an empty value is there: the accessor of the type reports that it has none.
    package func optional(_ key: String) -> NodeReader? {
        note(key)
        guard let place = place(of: key) else { return nil }
        return reader.child(pairs[place].value, place: NodePath.key(key, in: reader.place))
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
        let place = place(of: key).map { pairs[$0].key } ?? reader.node
        reader.child(place, place: NodePath.key(key, in: reader.place))
            .report(message, accepted: accepted)
    }

    /// Reports each key that nothing asked for, with the nearest known one.
    package func finish() {
        for pair in pairs where !asked.contains(pair.name) {
            let meant = Suggestion.nearest(
                to: pair.name, among: asked.filter { place(of: $0) == nil })
            let hint = meant.map { ", did you mean \($0)?" } ?? ""
            reader.child(pair.key, place: NodePath.key(pair.name, in: reader.place))
                .report("is not a known key" + hint, accepted: acceptedKeys)
        }
    }

    /// Returns every entry, which all count as asked for.
    func all() -> [(key: NodeReader, value: NodeReader)] {
        pairs.map { pair in
            note(pair.name)
            let place = NodePath.key(pair.name, in: reader.place)
            return (reader.child(pair.key, place: place), reader.child(pair.value, place: place))
        }
    }

    private var acceptedKeys: String? {
        asked.isEmpty ? nil : Set(asked).sorted().joined(separator: ", ")
    }

    private func note(_ key: String) { asked.append(key) }

    private func place(of key: String) -> Int? { pairs.firstIndex { $0.name == key } }
}
