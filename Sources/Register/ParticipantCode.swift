/// The code of a participant (参加者ID) in its one normal form, `[A-Z0-9-]{1,20}`.
///
/// People type codes with a Japanese keyboard, scan them or paste them from a sheet: full-width and
/// lower-case letters and all the dashes that look like a hyphen are the same code.
package struct ParticipantCode: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    package var description: String { text }

    package static let accepted = "1 to 20 letters, digits and hyphens"

    /// Normalises a code; nil where something else than letters, digits and hyphens is left.
    package init?(_ raw: some StringProtocol) {
        var out = ""
        let trimmed = raw.unicodeScalars.drop(while: Self.isSpace).reversed()
            .drop(while: Self.isSpace).reversed()
        for scalar in trimmed {
            guard let normal = Self.normal(scalar), out.utf8.count < 20 else { return nil }
            out.unicodeScalars.append(normal)
        }
        guard !out.isEmpty else { return nil }
        text = out
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace
    }

    private static func normal(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        var value = scalar.value
        switch value {
        // Hyphens and dashes, the minus, small and full-width forms, and the long vowel mark that
        // a Japanese keyboard gives for the same key.
        case 0x2010...0x2015, 0x2043, 0x2212, 0xFE58, 0xFE63, 0x30FC, 0xFF70: value = 0x2D
        // Full-width forms mirror ASCII; among them is U+FF0D, the hyphen.
        case 0xFF01...0xFF5E: value -= 0xFEE0
        default: break
        }
        switch value {
        case 0x61...0x7A: return Unicode.Scalar(value - 0x20)
        case 0x41...0x5A, 0x30...0x39, 0x2D: return Unicode.Scalar(value)
        default: return nil
        }
    }
}
