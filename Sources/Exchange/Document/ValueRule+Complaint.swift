import JSON
import Measurement

extension ValueRule {
    /// What is wrong with a value that stands in a document; nil when nothing is.
    func complaint(about value: JSONValue) -> String? {
        switch self {
        case .date(let width): value.string.map { Self.date($0, width) } ?? "is not a string"
        case .number(let rule): value.numberText.map(rule.complaint) ?? "is not a number"
        case .text(let rule): value.string.map(rule.complaint) ?? "is not a string"
        }
    }

    private static func date(_ text: String, _ width: Int) -> String? {
        let digits = Array(text.utf8)
        guard digits.count == width else { return "has not \(width) digits" }
        guard digits.allSatisfy({ (48...57).contains($0) }) else { return "is not all digits" }
        func number(_ range: Range<Int>) -> Int {
            digits[range].reduce(0) { $0 * 10 + Int($1 - 48) }
        }
        let time = LocalDateTime(
            year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10),
            minute: number(10..<12), second: number(12..<14))
        return time == nil ? "is not a time that exists" : nil
    }
}

extension NumberRule {
    fileprivate func complaint(_ text: String) -> String? {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in part.allSatisfy { (48...57).contains($0) } }
        guard isPlain, parts.count <= 2 else { return "is not a plain decimal number" }
        guard text.utf8.count <= width else { return "is wider than \(width) characters" }
        let written = parts.count == 2 ? parts[1].count : 0
        guard isExact ? written == decimals : written <= decimals else {
            return "has \(written) decimals where \(decimals) are declared"
        }
        let isZero = text.utf8.allSatisfy { $0 == 48 || $0 == UInt8(ascii: ".") }
        return isPositive && isZero ? "is zero" : nil
    }
}

extension TextRule {
    fileprivate func complaint(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.unicodeScalars.count > width { return "is wider than \(width) characters" }
        if !text.unicodeScalars.allSatisfy(characters.allows) {
            return "holds characters that are not allowed there"
        }
        return allowed.isEmpty || allowed.contains(text) ? nil : "is not an allowed code"
    }
}
