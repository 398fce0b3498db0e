/// A line of text with named places: `bp,{id:20},{year:4}/{month:2}/{day:2}`.
///
/// `{name:3}` is so many digits, `{name:3?}` so many digits or blanks, `{name:pad3}` a number right
/// in blanks, `{name}` and `{name:decimal}` numbers of any length, `{name:month}` a month's short
/// English name, `{name:hex4}` hexadecimal digits, `{name:text3}` and `{name:text}` anything, `{*}`
/// what nobody needs, `{_}` blanks, `[…]` what may be missing.
package struct TextTemplate: Sendable, Equatable {
    enum Place: Equatable {
        case digits(Int)
        case digitsOrBlanks(Int)
        case padded(Int)
        case number
        case decimal
        case month
        case hex(Int)
        case text(Int?)
    }
    indirect enum Token: Equatable {
        case literal([UInt8])
        case place(String, Place)
        case anything
        case blanks
        case optional([Token])
    }

    let tokens: [Token]

    /// The names of all places.
    package var names: Set<String> { Self.names(tokens) }

    private static func names(_ tokens: [Token]) -> Set<String> {
        var found: Set<String> = []
        for token in tokens {
            switch token {
            case .place(let name, _): found.insert(name)
            case .optional(let inner): found.formUnion(names(inner))
            default: break
            }
        }
        return found
    }

    /// Reads a template; nil where a bracket stays open or a place has no such type.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let tokens = Self.parse(&rest, inside: false), !tokens.isEmpty else { return nil }
        self.tokens = tokens
    }

    private static func parse(_ rest: inout ArraySlice<UInt8>, inside: Bool) -> [Token]? {
        var tokens: [Token] = []
        var literal: [UInt8] = []
        func flushed() -> [Token] { literal.isEmpty ? [] : [.literal(literal)] }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "{"):
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")),
                    let token = token(String(decoding: rest[..<end], as: UTF8.self))
                else { return nil }
                rest = rest[(end + 1)...]
                tokens += flushed() + [token]
                literal = []
            case UInt8(ascii: "["):
                tokens += flushed()
                literal = []
                guard let inner = parse(&rest, inside: true) else { return nil }
                tokens.append(.optional(inner))
            case UInt8(ascii: "]"):
                return inside ? tokens + flushed() : nil
            default: literal.append(byte)
            }
        }
        return inside ? nil : tokens + flushed()
    }

    private static func token(_ text: String) -> Token? {
        switch text {
        case "*": return .anything
        case "_": return .blanks
        default: break
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        let type = parts.count == 2 ? String(parts[1]) : "number"
        return place(type).map { .place(String(name), $0) }
    }

    private static func place(_ type: String) -> Place? {
        func count(_ text: some StringProtocol) -> Int? {
            Int(text).flatMap { (1...64).contains($0) ? $0 : nil }
        }
        switch type {
        case "number": return .number
        case "decimal": return .decimal
        case "month": return .month
        case "text": return .text(nil)
        default: break
        }
        if type.hasPrefix("text") { return count(type.dropFirst(4)).map { .text($0) } }
        if type.hasPrefix("pad") { return count(type.dropFirst(3)).map { .padded($0) } }
        if type.hasPrefix("hex") { return count(type.dropFirst(3)).map { .hex($0) } }
        if type.hasSuffix("?") { return count(type.dropLast()).map { .digitsOrBlanks($0) } }
        return count(type).map { .digits($0) }
    }
}

/// What a template found: the text of each place, and where it stands.
package struct TextMatch: Sendable, Equatable {
    package struct Capture: Sendable, Equatable {
        package var bytes: [UInt8]
        package var offset: Int

        /// The text without the blanks around it.
        package var text: String {
            let trimmed = bytes.drop { $0 == 32 }
            let end = trimmed.lastIndex { $0 != 32 }.map { $0 + 1 } ?? trimmed.startIndex
            return String(decoding: trimmed[trimmed.startIndex..<end], as: UTF8.self)
        }
    }
    package var captures: [String: Capture] = [:]

    package subscript(name: String) -> String? { captures[name]?.text }
}
