import Measurement

/// What a cell may hold; reading it gives the one form that is kept.
enum CellForm: Sendable, Equatable {
    /// Any text of at most so many characters.
    case text(Int)
    /// Half-width letters and digits; full-width ones are brought to them.
    case identifier(Int)
    case participant
    /// `198504`: a month, never a day.
    case month
    /// `20260401`.
    case day
    /// The number of a prefecture (01 to 47) or of a municipality.
    case region
    case minutes
    /// A code, by itself or by a word for it.
    case choice([Choice])

    struct Choice: Sendable, Equatable {
        var code: String
        var words: [String] = []
    }

    var accepted: String {
        switch self {
        case .text(let width): "at most \(width) characters"
        case .identifier(let width): "1 to \(width) half-width letters and digits"
        case .participant: ParticipantCode.accepted
        case .month: "a year and a month such as 198504; no day"
        case .day: "a date such as 2026-04-01"
        case .region: "the code of a prefecture (01 to 47) or of a municipality (5 digits)"
        case .minutes: "minutes, 1 to 1440"
        case .choice(let choices):
            choices.map { ([$0.code] + $0.words.prefix(1)).joined(separator: " ") }
                .joined(separator: ", ")
        }
    }

    /// The value in the form that is kept; nil where it does not fit.
    func read(_ raw: String) -> String? {
        switch self {
        case .text(let width): raw.unicodeScalars.count <= width ? raw : nil
        case .identifier(let width): Self.identifier(raw, width)
        case .participant: ParticipantCode(raw)?.text
        case .month: Self.month(raw)
        case .day: Self.day(raw)
        case .region: Self.region(raw)
        case .minutes: Self.minutes(raw)
        case .choice(let choices): Self.choice(raw, choices)
        }
    }

    private static func identifier(_ raw: String, _ width: Int) -> String? {
        let text = raw.halfWidth
        guard (1...width).contains(text.utf8.count) else { return nil }
        let isRight = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte)
        }
        return isRight ? text : nil
    }

    private static func month(_ raw: String) -> String? {
        let parts = numbers(raw, digits: 6, [4, 2])
        guard parts?.count == 2, let year = parts?[0], let month = parts?[1],
            (1880...2100).contains(year), (1...12).contains(month)
        else { return nil }
        return digits(year, 4) + digits(month, 2)
    }

    private static func day(_ raw: String) -> String? {
        let parts = numbers(raw, digits: 8, [4, 2, 2])
        guard let parts, parts.count == 3,
            LocalDateTime(year: parts[0], month: parts[1], day: parts[2]) != nil,
            (1900...9999).contains(parts[0])
        else { return nil }
        return digits(parts[0], 4) + digits(parts[1], 2) + digits(parts[2], 2)
    }

    private static func region(_ raw: String) -> String? {
        let text = raw.halfWidth
        guard text.utf8.count == 2 || text.utf8.count == 5,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let prefecture = Int(text.prefix(2)), (1...47).contains(prefecture)
        else { return nil }
        return text
    }

    private static func minutes(_ raw: String) -> String? {
        guard let value = Int(raw.halfWidth), (1...1_440).contains(value) else { return nil }
        return String(value)
    }

    private static func choice(_ raw: String, _ choices: [Choice]) -> String? {
        let text = raw.halfWidth.lowercased()
        return choices.first { $0.code == text || $0.words.contains(text) }?.code
    }

    /// `2026-04-01`, `2026/4/1`, `2026年4月1日` or all digits in one.
    private static func numbers(_ raw: String, digits count: Int, _ widths: [Int]) -> [Int]? {
        let text = raw.halfWidth
        if text.utf8.count == count, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            var rest = Substring(text)
            var parts: [Int] = []
            for width in widths {
                guard let value = Int(rest.prefix(width)) else { return nil }
                parts.append(value)
                rest = rest.dropFirst(width)
            }
            return parts
        }
        let parts = text.split(whereSeparator: { "-/.年月日".contains($0) })
        let values = parts.compactMap { $0.utf8.count <= 4 ? UInt16($0).map(Int.init) : nil }
        return values.count == parts.count ? values : nil
    }

    private static func digits(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}

/// The codes of columns that have a closed set of them.
enum Choices {
    static let yesOrNo = [
        CellForm.Choice(code: "0", words: ["なし", "無", "無し", "no", "false"]),
        CellForm.Choice(code: "1", words: ["あり", "有", "有り", "yes", "true"]),
    ]
    /// As ISO 5218 numbers them.
    static let sex = [
        CellForm.Choice(code: "1", words: ["男", "男性", "m", "male"]),
        CellForm.Choice(code: "2", words: ["女", "女性", "f", "female"]),
        CellForm.Choice(code: "9", words: ["その他"]),
        CellForm.Choice(code: "0", words: ["不明"]),
    ]
    /// 活動量計装着箇所コード.
    static let positions = ["10", "11", "20", "21", "30", "31", "40", "50"]
        .map { CellForm.Choice(code: $0) }
}

extension String {
    /// Full-width ASCII as half-width, the kin of the hyphen as one, blanks at both ends taken away.
    var halfWidth: String {
        if utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return self }
        var out = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0xFF01...0xFF5E: out.append(Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar)
            case 0x2010...0x2015, 0x2212: out.append("-")
            default: out.append(scalar)
            }
        }
        return String(out).trimmed
    }

    var trimmed: String {
        guard let first = unicodeScalars.first, let last = unicodeScalars.last,
            first.properties.isWhitespace || last.properties.isWhitespace
        else { return self }
        let rest = unicodeScalars.drop { $0.properties.isWhitespace }
        return String(
            String.UnicodeScalarView(rest.reversed().drop { $0.properties.isWhitespace }.reversed())
        )
    }
}
