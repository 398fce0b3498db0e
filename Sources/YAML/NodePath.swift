/// The way from the root to a value, put into words only where a problem names it.
final class NodePath: Sendable {
    private enum Step: Sendable {
        case key(String)
        case index(Int)
        case words(String)
    }
    private let parent: NodePath?
    private let step: Step

    private init(_ parent: NodePath?, _ step: Step) {
        self.parent = parent
        self.step = step
    }

    /// A path that somebody else put into words; nil where it is empty.
    static func words(_ text: String) -> NodePath? {
        text.isEmpty ? nil : NodePath(nil, .words(text))
    }

    static func key(_ key: String, in parent: NodePath?) -> NodePath {
        NodePath(parent, .key(key))
    }

    static func index(_ index: Int, in parent: NodePath?) -> NodePath {
        NodePath(parent, .index(index))
    }

    /// `match.name-prefix[1]`; a long or odd key of the user's own is shortened as in any message.
    var text: String {
        let before = parent?.text ?? ""
        switch step {
        case .words(let text): return text
        case .index(let index): return "\(before)[\(index)]"
        case .key(let key):
            let isPlain = key.utf8.count <= 64 && key.unicodeScalars.allSatisfy { $0.value > 0x20 }
            let shown = isPlain ? key : NodeReader.quote(key)
            return before.isEmpty ? shown : before + "." + shown
        }
    }
}
