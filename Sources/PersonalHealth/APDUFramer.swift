/// Cuts a stream into APDUs: one transfer may hold a part of one, or several.
package struct APDUFramer: Sendable {
    /// The largest APDU that the standard knows, 63 KiB.
    package static let maximum = 64_512
    private static let header = 4

    private var buffer: [UInt8] = []

    package init() {}

    /// An APDU has begun and not ended.
    package var isInside: Bool { !buffer.isEmpty }
    package var count: Int { buffer.count }

    /// Forgets an APDU that has begun: bytes are never joined across a gap.
    package mutating func reset() { buffer = [] }

    /// What came out of the bytes: whole APDUs, in order, and what is wrong with those behind them.
    package struct Cut: Sendable, Equatable {
        package var apdus: [[UInt8]] = []
        /// Set where the stream is no sequence of APDUs any more; everything from there is dropped.
        package var error: APDUError?
        package var dropped = 0
    }

    /// Takes bytes as they came and gives what is whole now.
    package mutating func take(_ bytes: [UInt8]) -> Cut {
        buffer += bytes
        var cut = Cut()
        var start = 0
        while buffer.count - start >= 2 {
            guard APDU.Choice(rawValue: word(start)) != nil else {
                cut.error = APDUError("no APDU begins with these two bytes", offset: start)
                break
            }
            guard buffer.count - start >= Self.header else { break }
            let length = Int(word(start + 2))
            guard length + Self.header <= Self.maximum else {
                cut.error = APDUError(
                    "an APDU of \(length + Self.header) bytes is larger than any", offset: start + 2
                )
                break
            }
            let end = start + Self.header + length
            guard end <= buffer.count else { break }
            cut.apdus.append(Array(buffer[start..<end]))
            start = end
        }
        if cut.error == nil {
            buffer.removeFirst(start)
        } else {
            cut.dropped = buffer.count - start
            buffer = []
        }
        return cut
    }

    private func word(_ index: Int) -> UInt16 {
        UInt16(buffer[index]) << 8 | UInt16(buffer[index + 1])
    }
}
