/// Reads frames of one source in the order in which a session brought them, for tools and vectors.
///
/// Parts are put together, numbers that one frame gives are there for the next, and two frames of one
/// measurement are one reading.
package struct FrameSequence: Sendable {
    private let layout: FrameLayout
    private var context: FrameContext
    private var assembler = FrameAssembler()
    private var halves = PartJoiner<Void>()

    package init(_ layout: FrameLayout, _ context: FrameContext = FrameContext()) {
        self.layout = layout
        self.context = context
    }

    /// The readings that are whole with this frame.
    package mutating func take(_ bytes: [UInt8]) -> [Reading] {
        switch assembler.take(bytes, for: layout) {
        case .waiting: return []
        case .broken(let error): return [.rejected(error)]
        case .whole(let frame):
            return layout.readings(captured: frame, context).flatMap { take($0) }
        }
    }

    private mutating func take(_ reading: Reading) -> [Reading] {
        context.remembered.merge(reading.remembered) { _, new in new }
        guard reading.part != nil else { return [reading] }
        var ready: [Reading] = []
        let step = halves.take(reading, (), limit: 64) {
            ready.append(Self.alone($0.reading))
        }
        if case .whole(let whole, _) = step { ready.append(whole) }
        return ready
    }

    /// Half a record is no measurement, though the gateway keeps it for a person.
    private static func alone(_ reading: Reading) -> Reading {
        var alone = reading.withoutCompanion()
        if alone.flags.contains(Reading.incompleteFlag) { alone.outcome = .notFinal }
        return alone
    }

    /// What is left: frames without their other half, and parts without their end.
    package mutating func end() -> [Reading] {
        var left: [Reading] = []
        halves.giveUp { left.append(Self.alone($0.reading)) }
        left += assembler.unfinished.map { _ in
            .rejected(DecodeError("the last part did not come", offset: 0))
        }
        assembler = FrameAssembler()
        return left
    }
}
