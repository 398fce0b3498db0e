extension TextTemplate {
    /// Matches the whole text.
    ///
    /// - Throws: the furthest byte to which the text was like the template.
    package func match(_ bytes: [UInt8]) throws(DecodeError) -> TextMatch {
        var matcher = TextMatcher(bytes: bytes)
        if matcher.run(tokens[...], at: 0) { return matcher.match }
        throw DecodeError("the text is not as this model writes it", offset: matcher.furthest)
    }
}

/// Matches tokens from left to right, going back where text of any length was taken.
private struct TextMatcher {
    let bytes: [UInt8]
    var match = TextMatch()
    var furthest = 0
    /// Going back is bounded: broken bytes cost no more than whole ones.
    var steps = 0
    static let maximumSteps = 200_000

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func run(_ tokens: ArraySlice<TextTemplate.Token>, at start: Int) -> Bool {
        var tokens = tokens
        var index = start
        while let token = tokens.popFirst() {
            steps += 1
            furthest = max(furthest, index)
            guard steps < Self.maximumSteps else { return false }
            switch token {
            case .literal(let text):
                guard index + text.count <= bytes.count,
                    bytes[index..<index + text.count].elementsEqual(text)
                else { return false }
                index += text.count
            case .blanks:
                while index < bytes.count, bytes[index] == 32 || bytes[index] == 9 { index += 1 }
            case .optional(let inner):
                let before = match
                if run(inner[...] + tokens, at: index) { return true }
                match = before
            case .anything: return tryEach(nil, tokens, from: index)
            case .place(let name, .text(nil)): return tryEach(name, tokens, from: index)
            case .place(let name, let place):
                guard let end = end(of: place, at: index) else { return false }
                keep(name, index..<end)
                index = end
            }
        }
        furthest = max(furthest, index)
        return index == bytes.count
    }

    private mutating func keep(_ name: String, _ range: Range<Int>) {
        match.captures[name] = TextMatch.Capture(
            bytes: Array(bytes[range]), offset: range.lowerBound)
    }

    /// The shortest text after which the rest fits.
    private mutating func tryEach(
        _ name: String?, _ tokens: ArraySlice<TextTemplate.Token>, from start: Int
    ) -> Bool {
        let before = match
        for end in start...bytes.count {
            if let name { keep(name, start..<end) }
            if run(tokens, at: end) { return true }
            guard steps < Self.maximumSteps else { break }
            match = before
        }
        return false
    }

    /// Where a place ends; nil where the bytes are not of its type.
    private func end(of place: TextTemplate.Place, at start: Int) -> Int? {
        switch place {
        case .digits(let count): return fixed(start, count) { Self.isDigit($0) }
        case .digitsOrBlanks(let count):
            return fixed(start, count) { Self.isDigit($0) } ?? fixed(start, count) { $0 == 32 }
        case .padded(let count):
            guard start + count <= bytes.count else { return nil }
            let number = bytes[start..<start + count].drop { $0 == 32 }
            return !number.isEmpty && number.allSatisfy(Self.isDigit) ? start + count : nil
        case .number: return several(start) { Self.isDigit($0) }
        case .decimal: return decimal(start)
        case .month:
            // June and July may stand in full.
            return fixed(start, 4) { Self.isLetter($0) } ?? fixed(start, 3) { Self.isLetter($0) }
        case .hex(let count): return fixed(start, count) { Self.isHex($0) }
        case .text(let count):
            return count.flatMap { fixed(start, $0) { (32..<127).contains($0) } }
        }
    }

    private func decimal(_ start: Int) -> Int? {
        var index = start
        if index < bytes.count, bytes[index] == 43 || bytes[index] == 45 { index += 1 }
        guard let whole = several(index, { Self.isDigit($0) }) else { return nil }
        guard whole < bytes.count, bytes[whole] == 46 else { return whole }
        return several(whole + 1) { Self.isDigit($0) } ?? whole
    }

    private func fixed(_ start: Int, _ count: Int, _ fits: (UInt8) -> Bool) -> Int? {
        guard start + count <= bytes.count else { return nil }
        return bytes[start..<start + count].allSatisfy(fits) ? start + count : nil
    }

    private func several(_ start: Int, _ fits: (UInt8) -> Bool) -> Int? {
        var index = start
        while index < bytes.count, fits(bytes[index]) { index += 1 }
        return index > start ? index : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }
    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }
}
