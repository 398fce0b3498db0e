/// What a reader at a station gave.
package enum ReaderInput: Sendable, Equatable {
    /// The text of a bar code or of a magnetic card, whole.
    case code(String)
    /// The identifier (IDm) of a contactless card that was laid on the reader.
    case card([UInt8])
    /// Something was read that is no code, and why.
    case refused(Refusal)

    package enum Refusal: String, Sendable, CaseIterable {
        /// More characters than any code here has.
        case tooLong = "too_long"
        /// A key or a byte that stands for no character of a code.
        case unreadable
        /// It stopped in the middle.
        case incomplete
        /// The kernel had to drop keys: a character may be missing.
        case lost
        /// Another track of a magnetic card than the one that counts.
        case otherTrack = "other_track"
    }
}

/// Which of a magnetic card's tracks is the code; each track begins with a mark of its own.
package enum MagneticTrack: Int, Sendable, CaseIterable {
    case first = 1
    case second
    case third

    /// The start sentinel (ISO/IEC 7811): `%`, `;`, and `+` where readers tell the third track apart.
    var sentinel: UInt8 {
        switch self {
        case .first: 0x25
        case .second: 0x3B
        case .third: 0x2B
        }
    }
}
