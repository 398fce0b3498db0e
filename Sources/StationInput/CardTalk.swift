/// What one look for a card found.
package enum CardLook: Sendable, Equatable {
    case none
    /// The card's identifier (IDm), 8 bytes.
    case card([UInt8])
    /// Something answered that could not be understood: two cards, a bad contact.
    case disturbed
}

/// What is to be done next with a card reader.
package enum CardStep: Sendable, Equatable {
    /// Send this, then wait for an answer.
    case send([UInt8])
    /// Wait for another answer.
    case receive
    /// The look is over.
    case looked(CardLook)
}

/// A reader that does not keep to its protocol; it is set up anew.
package struct CardFault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

/// The talk with a card reader: pure, one look after the other.
///
/// The first look sets the reader up. After a fault the talk begins anew with `init`.
package protocol CardTalk: Sendable {
    /// Sent before everything else; nothing answers it.
    var opening: [UInt8]? { get }
    /// Sent at the end, one after the other, so that the field does not stay on; answers are not waited for.
    mutating func farewell() -> [[UInt8]]
    /// Begins a look.
    mutating func look() throws(CardFault) -> CardStep
    /// Takes one transfer of the reader.
    mutating func received(_ bytes: [UInt8]) throws(CardFault) -> CardStep
}

/// A model of card reader, by what it shows on USB.
package enum CardReaderModel: Sendable, Equatable {
    case rcs380
    case rcs300

    package init?(vendor: UInt16, product: UInt16) {
        switch (vendor, product) {
        case (0x054C, 0x06C1), (0x054C, 0x06C3): self = .rcs380
        case (0x054C, 0x0DC8), (0x054C, 0x0DC9): self = .rcs300
        default: return nil
        }
    }

    package func talk(systemCode: UInt16) -> any CardTalk {
        switch self {
        case .rcs380: RCS380Talk(systemCode: systemCode)
        case .rcs300: RCS300Talk(systemCode: systemCode)
        }
    }
}

/// A FeliCa polling command (SENSF_REQ), its length first; it asks for the system code too.
func felicaPolling(_ systemCode: UInt16) -> [UInt8] {
    [6, 0, UInt8(systemCode >> 8), UInt8(truncatingIfNeeded: systemCode), 1, 0]
}

/// The identifier in an answer to a polling: length, response code 1, IDm, PMm and the rest.
func felicaIdentifier(_ answer: some Collection<UInt8>) -> [UInt8]? {
    let bytes = Array(answer)
    guard bytes.count >= 18, bytes.count >= Int(bytes[0]), bytes[0] >= 18, bytes[1] == 1
    else { return nil }
    let identifier = Array(bytes[2..<10])
    return identifier.allSatisfy { $0 == 0 } ? nil : identifier
}
