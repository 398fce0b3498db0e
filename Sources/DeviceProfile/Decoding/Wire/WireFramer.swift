/// Cuts what comes over a cable into messages; pure, bounded, and never stuck on broken bytes.
package struct WireFramer: Sendable {
    private let framing: WirePlan.Framing
    private var buffer: [UInt8] = []
    private var dropped = 0
    /// Reports that carried no data because the device was busy.
    package private(set) var busyReports = 0

    package init(_ framing: WirePlan.Framing) { self.framing = framing }

    /// A message has begun and not ended.
    package var isInside: Bool { !buffer.isEmpty }

    /// Forgets a message that has begun: never joins bytes across a gap.
    package mutating func reset() {
        dropped += buffer.count
        buffer = []
    }

    /// How many bytes belonged to no message since the last call; nil where none did.
    package mutating func takeDropped() -> Int? {
        defer { dropped = 0 }
        return dropped > 0 ? dropped : nil
    }

    /// Takes bytes as they came and gives the messages that are whole now.
    package mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        switch framing {
        case .transfer: return bytes.isEmpty ? [] : [bytes]
        case .countedReports(let at, let maximum, let busy):
            return counted(bytes, at, maximum, busy).map { [$0] } ?? []
        default:
            buffer += bytes
            var messages: [[UInt8]] = []
            while let message = next() { messages.append(message) }
            return messages
        }
    }

    /// The valid bytes of one report; the rest of it is left from older ones.
    private mutating func counted(
        _ report: [UInt8], _ at: Int, _ maximum: Int, _ busy: [UInt8]
    ) -> [UInt8]? {
        guard report.count > at, let first = report.first else {
            dropped += report.count
            return nil
        }
        if busy.contains(first) {
            busyReports += 1
            return nil
        }
        let count = Int(report[at])
        guard count > 0 || at > 0, count <= maximum, at + count < report.count else {
            dropped += report.count
            return nil
        }
        return Array(report[..<at] + report[(at + 1)..<(at + 1 + count)])
    }

    private mutating func next() -> [UInt8]? {
        switch framing {
        case .lines(let maximum): return line(maximum)
        case .between(let start, let end, let trailing, let maximum):
            return between(start, end, trailing, maximum)
        case .fixed(let start, let length): return fixed(start, length)
        case .lengthByte(let start, let at, let plus, let maximum):
            return measured(start, at, plus, maximum)
        case .transfer, .countedReports: return nil
        }
    }

    private mutating func line(_ maximum: Int) -> [UInt8]? {
        while let first = buffer.first, first == 13 || first == 10 { buffer.removeFirst() }
        guard let end = buffer.firstIndex(where: { $0 == 13 || $0 == 10 }) else {
            if buffer.count > maximum { reset() }
            return nil
        }
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        guard line.count <= maximum else {
            dropped += line.count
            return next()
        }
        return line
    }

    private mutating func between(
        _ start: [UInt8], _ end: [UInt8], _ trailing: Int, _ maximum: Int
    ) -> [UInt8]? {
        while skip(to: start) {
            var index = start.count
            var isCut = false
            while index + end.count + trailing <= buffer.count, index <= maximum {
                // A second beginning: the first message was cut off.
                isCut = !start.isEmpty && start != end && Self.has(start, buffer, at: index)
                if isCut { break }
                if Self.has(end, buffer, at: index) {
                    let length = index + end.count + trailing
                    let message = Array(buffer[..<length])
                    buffer.removeFirst(length)
                    return message
                }
                index += 1
            }
            guard isCut || buffer.count > maximum else { return nil }
            let lost = isCut ? index : 1
            dropped += lost
            buffer.removeFirst(lost)
        }
        return nil
    }

    private mutating func fixed(_ start: [UInt8], _ length: Int) -> [UInt8]? {
        guard skip(to: start), buffer.count >= length else { return nil }
        let message = Array(buffer[..<length])
        buffer.removeFirst(length)
        return message
    }

    /// A length that no message has means that what looked like a beginning was none.
    private mutating func measured(
        _ start: [UInt8], _ at: Int, _ plus: Int, _ maximum: Int
    ) -> [UInt8]? {
        while skip(to: start), buffer.count > at {
            let length = Int(buffer[at]) + plus
            guard length > at, length <= maximum else {
                dropped += 1
                buffer.removeFirst()
                continue
            }
            guard buffer.count >= length else { return nil }
            let message = Array(buffer[..<length])
            buffer.removeFirst(length)
            return message
        }
        return nil
    }

    /// Drops what stands before a beginning; keeps a tail that may be a part of one.
    private mutating func skip(to start: [UInt8]) -> Bool {
        guard !start.isEmpty else { return !buffer.isEmpty }
        var index = 0
        while index < buffer.count {
            let rest = min(start.count, buffer.count - index)
            if buffer[index..<index + rest].elementsEqual(start[..<rest]) { break }
            index += 1
        }
        dropped += index
        buffer.removeFirst(index)
        return buffer.count >= start.count
    }

    private static func has(_ part: [UInt8], _ bytes: [UInt8], at index: Int) -> Bool {
        !part.isEmpty && index + part.count <= bytes.count
            && bytes[index..<index + part.count].elementsEqual(part)
    }
}
