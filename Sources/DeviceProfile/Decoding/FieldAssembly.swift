/// How frames that come in several notifications are put together again.
package struct FieldAssembly: Sendable, Equatable {
    package enum Method: Sendable, Equatable {
        /// Every part says its own number and how many there are.
        case numbered(partAt: Int, countAt: Int, payloadFrom: Int, firstPart: Int)
        /// The first part says how long the whole is.
        case counted(lengthAt: Int, type: FieldNumber.NumberType, adds: Int)
        /// The first byte says how many parts follow (bits 0–5) and marks the first one (bit 7); the
        /// joined frame begins with that of a frame in one part.
        case segmented
    }
    /// Frames that begin otherwise are whole (numbered), or stand outside every frame (counted).
    package var begins: [UInt8]
    package var method: Method
    /// The joined frame of numbered parts begins so, and then has their payloads.
    package var joined: [UInt8]

    package init(begins: [UInt8], method: Method, joined: [UInt8] = []) {
        self.begins = begins
        self.method = method
        self.joined = joined
    }
}

/// Joins the notifications of one session into frames, each source for itself.
package struct FrameAssembler: Sendable {
    package enum Result: Sendable, Equatable {
        case whole([UInt8])
        case waiting
        /// A part that does not fit to what came before it; both are given up.
        case broken(DecodeError)
    }
    private struct Pending: Sendable {
        var bytes: [UInt8]
        var next: Int
        var total: Int
    }
    /// No device of the reference sends a longer frame.
    package static let maximumLength = 4_096
    private var pending: [FrameSource: Pending] = [:]
    /// Frames that were given up because a part was missing or did not fit.
    package private(set) var broken = 0
    /// Sources of which a frame has begun and not ended.
    package var unfinished: [FrameSource] { pending.keys.sorted { "\($0)" < "\($1)" } }

    package init() {}

    /// Takes one notification; a layout without assembly gives it back as it is.
    package mutating func take(_ bytes: [UInt8], for layout: FrameLayout) -> Result {
        guard let assembly = layout.assembly else { return .whole(bytes) }
        switch assembly.method {
        case .numbered(let partAt, let countAt, let payloadFrom, let firstPart):
            guard bytes.starts(with: assembly.begins) else { return .whole(bytes) }
            guard max(partAt, countAt) < bytes.count, payloadFrom <= bytes.count else {
                return fail(layout.source, "a part without its number", bytes.count)
            }
            let part = Int(bytes[partAt])
            if part < firstPart { return .waiting }
            if part == firstPart {
                let total = Int(bytes[countAt])
                pending[layout.source] = Pending(bytes: assembly.joined, next: part, total: total)
            }
            return append(Array(bytes[payloadFrom...]), part, layout.source)
        case .counted(let lengthAt, let type, let adds):
            return counted(bytes, assembly, (lengthAt, type, adds), layout.source)
        case .segmented: return segmented(bytes, layout.source)
        }
    }

    private mutating func append(
        _ payload: [UInt8], _ part: Int, _ source: FrameSource
    ) -> Result {
        guard var frame = pending[source], frame.next == part, part <= frame.total else {
            return fail(source, "part \(part) does not follow the one before it", 0)
        }
        frame.bytes += payload
        frame.next += 1
        guard frame.bytes.count <= Self.maximumLength else {
            return fail(source, "a frame of more than \(Self.maximumLength) bytes", 0)
        }
        pending[source] = part == frame.total ? nil : frame
        return part == frame.total ? .whole(frame.bytes) : .waiting
    }

    private mutating func segmented(_ bytes: [UInt8], _ source: FrameSource) -> Result {
        guard let header = bytes.first else { return fail(source, "a part without its header", 0) }
        let following = Int(header & 0x3F)
        if header & 0x80 != 0 {
            // The rest of the frame before this one did not come.
            if pending.removeValue(forKey: source) != nil { broken += 1 }
            if following == 0 { return .whole(bytes) }
            pending[source] = Pending(bytes: [0x80], next: following, total: 0)
        }
        guard var frame = pending[source], frame.next == following else {
            return fail(source, "a part that does not follow the one before it", 0)
        }
        frame.bytes += bytes.dropFirst()
        frame.next -= 1
        guard frame.bytes.count <= Self.maximumLength else {
            return fail(source, "a frame of more than \(Self.maximumLength) bytes", 0)
        }
        pending[source] = following == 0 ? nil : frame
        return following == 0 ? .whole(frame.bytes) : .waiting
    }

    private mutating func counted(
        _ bytes: [UInt8], _ assembly: FieldAssembly,
        _ length: (at: Int, type: FieldNumber.NumberType, adds: Int), _ source: FrameSource
    ) -> Result {
        var frame = pending[source] ?? Pending(bytes: [], next: 0, total: 0)
        frame.bytes += bytes
        guard frame.bytes.count <= Self.maximumLength else {
            return fail(source, "a frame of more than \(Self.maximumLength) bytes", 0)
        }
        let known = frame.bytes.prefix(assembly.begins.count)
        guard assembly.begins.starts(with: known) else {
            return fail(source, "the part begins no frame", 0)
        }
        guard frame.bytes.count >= length.at + length.type.width else {
            pending[source] = frame
            return .waiting
        }
        frame.total = Int(length.type.word(frame.bytes, at: length.at)) + length.adds
        guard frame.total <= Self.maximumLength, frame.bytes.count <= frame.total else {
            return fail(source, "other bytes than the \(frame.total) it says", frame.bytes.count)
        }
        let isWhole = frame.bytes.count == frame.total
        pending[source] = isWhole ? nil : frame
        return isWhole ? .whole(frame.bytes) : .waiting
    }

    private mutating func fail(_ source: FrameSource, _ reason: String, _ offset: Int) -> Result {
        pending[source] = nil
        broken += 1
        return .broken(DecodeError(reason, offset: offset))
    }
}
