extension NodeReader {
    /// Reads text; an unquoted number is taken as it is written.
    package func string(
        length: ClosedRange<Int> = 1...4096, accepted: String? = nil
    ) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            report(wrongType, accepted: accepted ?? "text")
            return nil
        }
        guard length.contains(text.unicodeScalars.count) else {
            report(
                text.isEmpty ? "is empty" : "has \(text.unicodeScalars.count) characters",
                accepted: accepted ?? "text of \(Self.text(of: length)) characters")
            return nil
        }
        return text
    }

    /// Reads text that `test` must accept.
    package func string(
        accepted: @autoclosure () -> String, where test: (String) -> Bool
    ) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull, !text.isEmpty,
            text.utf8.count <= 4_096
        else { return string(accepted: accepted()) }
        guard test(text) else {
            report("is " + quoted(text), accepted: accepted())
            return nil
        }
        return text
    }

    /// Reads an unquoted whole number, decimal or `0x` hexadecimal.
    ///
    /// A leading zero is refused: YAML 1.1 takes `010` for eight, people take it for ten.
    package func int(in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
        var accepted: String {
            range == Int.min...Int.max
                ? "a whole number" : "a whole number, \(Self.text(of: range))"
        }
        guard case .scalar(let text, plain: true) = node.content, let value = Self.integer(text)
        else {
            report(typeOrQuoted, accepted: accepted)
            return nil
        }
        guard range.contains(value) else {
            report("is " + quoted(text), accepted: accepted)
            return nil
        }
        return value
    }

    /// Reads `true` or `false`.
    package func bool() -> Bool? {
        switch node.content {
        case .scalar("true", plain: true): return true
        case .scalar("false", plain: true): return false
        default:
            report(typeOrQuoted, accepted: "true, false")
            return nil
        }
    }

    /// Reads an unquoted decimal number as its digits, so that `36.0` stays `36.0`.
    package func decimalText() -> String? {
        guard case .scalar(let text, plain: true) = node.content, Self.isDecimal(text) else {
            report(typeOrQuoted, accepted: "a decimal number such as 0.01")
            return nil
        }
        return text
    }

    /// Reads one of the words of a closed set.
    package func choice<T: CaseIterable & RawRepresentable>(of type: T.Type) -> T?
    where T.RawValue == String {
        if case .scalar(let text, _) = node.content, !node.isNull, let found = T(rawValue: text) {
            return found
        }
        return word(of: T.allCases.map(\.rawValue)).flatMap { T(rawValue: $0) }
    }

    /// Reads one of `words`.
    package func word(of words: [String]) -> String? {
        var accepted: String { words.joined(separator: ", ") }
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            report(wrongType, accepted: accepted)
            return nil
        }
        guard words.contains(text) else {
            let meant = quotesValue ? Suggestion.nearest(to: text, among: words) : nil
            let hint = meant.map { ", did you mean \($0)?" } ?? ""
            report("is " + quoted(text) + hint, accepted: accepted)
            return nil
        }
        return text
    }

    /// Says that a number or bool stands in quotes, which makes it text.
    private var typeOrQuoted: String {
        guard case .scalar(let text, plain: false) = node.content else { return wrongType }
        return "is the text " + quoted(text)
    }

    static func integer(_ text: String) -> Int? {
        var digits = text[...]
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        let radix = digits.hasPrefix("0x") ? 16 : 10
        if radix == 16 { digits = digits.dropFirst(2) }
        guard let first = digits.utf8.first, first != 0x2B, first != 0x2D else { return nil }
        if radix == 10, first == 0x30, digits.utf8.count > 1 { return nil }
        return Int((isNegative ? "-" : "") + digits, radix: radix)
    }

    private static func isDecimal(_ text: String) -> Bool {
        var digits = text.utf8[...]
        if digits.first == 0x2D { digits = digits.dropFirst() }
        guard digits.count <= 40 else { return false }
        let parts = digits.split(separator: 0x2E, omittingEmptySubsequences: false)
        let isDigits = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) }
        }
        return isDigits && (parts.count == 1 || parts.count == 2)
    }
}
