/// Puts characters together until a code ends; a code that is not whole is never used.
package struct CodeAssembler: Sendable, Equatable {
    /// The longest code that is taken: a QR code of a document is none.
    package static let longest = 128
    /// A pause after which nothing more of the same code comes.
    package static let pause = Duration.milliseconds(500)

    /// A pause ends a code; otherwise it means that the rest is missing.
    package var endsByPause: Bool
    package var track: MagneticTrack?
    private var text: [UInt8] = []
    private var fault: ReaderInput.Refusal?

    package init(endsByPause: Bool = false, track: MagneticTrack? = nil) {
        self.endsByPause = endsByPause
        self.track = track
    }

    /// Something has come that has not ended yet.
    package var isOpen: Bool { !text.isEmpty || fault != nil }

    mutating func add(_ character: UInt8) {
        guard fault == nil else { return }
        guard text.count < Self.longest else { return spoil(.tooLong) }
        text.append(character)
    }

    /// What is being read is no code, whatever follows; the first fault is the one that is told.
    mutating func spoil(_ refusal: ReaderInput.Refusal) {
        fault = fault ?? refusal
        text = []
    }

    /// The reader says that the code is whole; nil where nothing had come.
    mutating func end() -> ReaderInput? {
        defer { self = CodeAssembler(endsByPause: endsByPause, track: track) }
        if let fault { return .refused(fault) }
        guard text.contains(where: { $0 != 0x20 }) else { return nil }
        guard let track else { return .code(String(decoding: text, as: UTF8.self)) }
        guard text.first == track.sentinel else { return .refused(.otherTrack) }
        // The end sentinel, and a check character that some readers send after it.
        let body = text.dropFirst().prefix { $0 != 0x3F }
        guard text.contains(0x3F) else { return .refused(.incomplete) }
        return body.isEmpty ? nil : .code(String(decoding: body, as: UTF8.self))
    }

    /// Nothing has come for the length of `pause`.
    package mutating func paused() -> ReaderInput? {
        guard isOpen else { return nil }
        if !endsByPause { spoil(.incomplete) }
        return end()
    }
}
