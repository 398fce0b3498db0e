/// Why a participant code was not taken; the texts are for people.
package enum CodeRefusal: Error, Equatable, CustomStringConvertible {
    /// Something else than letters, digits and hyphens.
    case malformed
    case wrongCheckDigit(String)
    /// Nobody registered it; the nearest codes that are registered, best first.
    case unknown(String, near: [String])

    package var code: String {
        switch self {
        case .malformed: "malformed-code"
        case .wrongCheckDigit: "wrong-check-digit"
        case .unknown: "unknown-code"
        }
    }

    package var description: String {
        switch self {
        // What was typed may be a name: it is not repeated.
        case .malformed: "this is no participant code; accepted: \(ParticipantCode.accepted)"
        case .wrongCheckDigit(let code): "\(code) is mistyped: its check digit does not fit"
        case .unknown(let code, let near) where near.isEmpty: "\(code) is not registered"
        case .unknown(let code, let near):
            "\(code) is not registered; near to it: \(near.joined(separator: ", "))"
        }
    }
}

/// The participant codes that are known here.
package struct CodeRegister: Sendable, Equatable {
    private var codes: Set<String>
    package var checkDigit: CheckDigit

    package init(_ codes: some Sequence<String> = [], checkDigit: CheckDigit = .none) {
        self.codes = Set(codes)
        self.checkDigit = checkDigit
    }

    package var count: Int { codes.count }
    package func holds(_ code: String) -> Bool { codes.contains(code) }
    package var sorted: [String] { codes.sorted() }

    /// The code that somebody typed or scanned, in its normal form, where it is registered.
    package func find(_ raw: String) throws(CodeRefusal) -> ParticipantCode {
        guard let code = ParticipantCode(raw) else { throw .malformed }
        if codes.contains(code.text) { return code }
        guard checkDigit.fits(code) else { throw .wrongCheckDigit(code.text) }
        throw .unknown(code.text, near: nearest(to: code.text))
    }

    /// At most three registered codes within two typing mistakes.
    package func nearest(to code: String) -> [String] {
        let wanted = Array(code.utf8)
        var found: [(code: String, distance: Int)] = []
        for known in codes {
            let other = Array(known.utf8)
            guard abs(other.count - wanted.count) <= 2 else { continue }
            let distance = Self.distance(wanted, other)
            if distance <= 2 { found.append((known, distance)) }
        }
        return found.sorted { ($0.distance, $0.code) < ($1.distance, $1.code) }
            .prefix(3).map(\.code)
    }

    /// Inserted, deleted, replaced and swapped characters; anything above two is three.
    static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for row in stride(from: 1, through: one.count, by: 1) {
            var current = [row]
            for column in stride(from: 1, through: other.count, by: 1) {
                let same = Self.looksLike(one[row - 1], other[column - 1])
                var cost = min(last[column] + 1, current[column - 1] + 1)
                cost = min(cost, last[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, one[row - 1] == other[column - 2],
                    one[row - 2] == other[column - 1]
                {
                    cost = min(cost, beforeLast[column - 2] + 1)
                }
                current.append(cost)
            }
            if current.allSatisfy({ $0 > 2 }) { return 3 }
            beforeLast = last
            last = current
        }
        return min(3, last[other.count])
    }

    /// Equal, or a pair that handwriting does not tell apart.
    private static func looksLike(_ one: UInt8, _ other: UInt8) -> Bool {
        if one == other { return true }
        let pairs: [[UInt8]] = [
            Array("0O".utf8), Array("1I".utf8), Array("1L".utf8), Array("IL".utf8),
            Array("5S".utf8), Array("2Z".utf8), Array("8B".utf8),
        ]
        return pairs.contains { $0.contains(one) && $0.contains(other) }
    }
}
