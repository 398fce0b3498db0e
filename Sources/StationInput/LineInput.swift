/// A scanner on a serial line: bytes become codes that end with CR, LF, Tab or ETX.
package struct LineInput: Sendable {
    package private(set) var assembler: CodeAssembler

    package init(_ assembler: CodeAssembler = CodeAssembler()) { self.assembler = assembler }

    /// Takes a byte; gives what it completes.
    package mutating func take(_ byte: UInt8) -> ReaderInput? {
        switch byte {
        case 0x0D, 0x0A, 0x09, 0x03:
            return assembler.end()
        case 0x02:  // STX: what stands before it has no end
            guard assembler.isOpen else { return nil }
            assembler.spoil(.incomplete)
            return assembler.end()
        case 0x20...0x7E:
            assembler.add(byte)
        default:
            assembler.spoil(.unreadable)
        }
        return nil
    }

    package mutating func paused() -> ReaderInput? { assembler.paused() }
}
