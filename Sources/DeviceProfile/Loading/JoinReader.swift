import Measurement
import YAML

/// Reads which frames are one measurement.
enum JoinReader {
    private static let words = ["time", "sequence-number", "user-slot"]

    static func join(
        _ node: NodeReader, _ layout: FieldLayout, _ scope: FieldScope
    ) -> FieldLayout.Join? {
        node.mapping { keys in
            let names = Self.words + scope.numbers.sorted()
            let common = keys.required("by")?.oneOrMore()?.compactMap { node in
                node.word(of: names).flatMap { shared($0, node, layout) }
            }
            let within = keys.required("within")?.duration(in: .milliseconds(100) ... .seconds(120))
            let alone = keys.optional("alone")?.word(of: ["as-it-is", "incomplete"])
            if layout.records != nil {
                node.report(
                    "joins records that are whole in one frame", accepted: "records, or join")
            }
            guard let common, !common.isEmpty, let within else { return nil }
            return FieldLayout.Join(
                common: common, within: Interval(within), isHalf: alone == "incomplete")
        }
    }

    /// What the frames have in common has to be in this one.
    private static func shared(
        _ word: String, _ node: NodeReader, _ layout: FieldLayout
    ) -> FieldLayout.Join.Common? {
        func has(_ isThere: (FieldLayout.SequenceItem.Content) -> Bool) -> Bool {
            layout.sequence.contains { isThere($0.content) }
        }
        let isThere: Bool
        let common: FieldLayout.Join.Common
        switch word {
        case "time":
            isThere = layout.time != nil || has { if case .time = $0 { true } else { false } }
            common = .time
        case "sequence-number":
            isThere =
                layout.sequenceNumber != nil
                || has { if case .sequenceNumber = $0 { true } else { false } }
            common = .sequenceNumber
        case "user-slot":
            isThere =
                layout.userSlot != nil || has { if case .userSlot = $0 { true } else { false } }
            common = .userSlot
        default: return .number(word)
        }
        if !isThere { node.report("is \(word), which the frame does not have") }
        return isThere ? common : nil
    }
}

extension LayoutReader {
    /// Reports names that a frame recalls and no frame of the file remembers.
    static func checkRecalled(_ layouts: [(node: NodeReader, layout: FrameLayout)]) {
        func fields(_ layout: FrameLayout) -> [FieldLayout] {
            switch layout.format {
            case .fields(let fields): [fields]
            case .variants(let variants): variants
            default: []
            }
        }
        let known = Set(layouts.flatMap { fields($0.layout) }.flatMap(\.remember))
        for (node, layout) in layouts {
            for name in fields(layout).flatMap(\.recall) where !known.contains(name) {
                node.report(
                    "recalls \(name), which no frame remembers",
                    accepted: known.isEmpty
                        ? "remember in the layout that has the number"
                        : known.sorted().joined(separator: ", "))
            }
        }
    }
}
