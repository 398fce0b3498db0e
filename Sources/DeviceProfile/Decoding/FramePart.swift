package import Measurement

/// What a frame has in common with the other frame of the same measurement.
///
/// A measurement comes in at most two such frames, in either order; which one is meant is decided by
/// the key, the time and the user, never by the order alone.
package struct FramePart: Sendable, Equatable {
    /// Both frames have the same.
    package var key: String
    /// How long the other one is waited for.
    package var within: Interval
    /// Alone the frame is half a record, which waits for a person.
    package var isHalf: Bool

    package init(key: String, within: Interval, isHalf: Bool) {
        self.key = key
        self.within = within
        self.isHalf = isHalf
    }

    /// The common key of the two packets of a standard body composition.
    package static let bodyComposition = "body composition"

    /// How long the second packet of a standard measurement is waited for.
    package static let packetTimeout = Interval.seconds(2)
}

extension Reading {
    /// The flag of a frame that is one of two packets.
    package static let multiplePacketsFlag = "multiple-packets"

    /// The flag of a reading whose other half did not come.
    package static let incompleteFlag = "incomplete"

    /// Whether both frames can be of one measurement: nothing that both say is different.
    package func belongs(with other: Reading) -> Bool {
        guard let part, let otherPart = other.part, part.key == otherPart.key else { return false }
        if let deviceTime, let time = other.deviceTime, deviceTime != time { return false }
        if let userSlot, let user = other.userSlot, userSlot != user { return false }
        return true
    }

    /// Whether the frame says anything that `other` does not; one sent again says nothing new.
    package func saysMore(than other: Reading) -> Bool {
        let known = Set(other.quantities.filter { $0.number != nil }.map(\.name))
        return quantities.contains { $0.number != nil && !known.contains($0.name) }
            || (deviceTime != nil && other.deviceTime == nil)
            || (userSlot != nil && other.userSlot == nil)
    }

    /// The whole measurement out of this frame and the one that came after it, which wins.
    package func joined(with second: Reading) -> Reading {
        var whole = self
        whole.part = nil
        for quantity in second.quantities {
            let place = whole.quantities.firstIndex { $0.name == quantity.name }
            guard let place else {
                whole.quantities.append(quantity)
                continue
            }
            if quantity.number != nil { whole.quantities[place] = quantity }
        }
        whole.deviceTime = deviceTime ?? second.deviceTime
        whole.deviceTimeUnusable =
            whole.deviceTime == nil && (deviceTimeUnusable || second.deviceTimeUnusable)
        whole.userSlot = userSlot ?? second.userSlot
        whole.sequenceNumber = sequenceNumber ?? second.sequenceNumber
        whole.tick = tick ?? second.tick
        whole.timeFault = timeFault || second.timeFault
        whole.flags += second.flags.filter { !flags.contains($0) }
        whole.details += second.details.filter { !details.contains($0) }
        whole.reason = nil
        whole.offset = nil
        settle(&whole, second)
        return whole
    }

    /// Two halves have both frames' bytes in their key; else the frame counts that is a record alone,
    /// so that the record is the same one whether its companion came or not.
    private func settle(_ whole: inout Reading, _ second: Reading) {
        if part?.isHalf ?? false, second.part?.isHalf ?? false {
            whole.outcome = .measurement
            whole.keyBytes = keyBytes + second.keyBytes
            whole.settleHalves(part)
        } else if outcome != .measurement, second.outcome == .measurement {
            whole.outcome = .measurement
            whole.kind = second.kind
            whole.keyBytes = second.keyBytes
        }
    }

    /// What a frame is whose companion did not come: never half a record that passes for a whole one.
    package func withoutCompanion() -> Reading {
        guard let part else { return self }
        var alone = self
        alone.part = nil
        guard part.isHalf else { return alone }
        alone.outcome = .measurement
        alone.flags.append(Self.incompleteFlag)
        alone.settleHalves(part)
        return alone
    }

    private mutating func settleHalves(_ part: FramePart?) {
        if part?.key == FramePart.bodyComposition {
            BodyCompositionMeasurement.settleStub(&self)
        } else if !quantities.contains(where: { $0.number != nil }) {
            outcome = .failedMeasurement
        }
    }
}

/// Frames of one device that wait for their companion; the oldest first.
package struct PartJoiner<Entry: Sendable>: Sendable {
    package struct Waiting: Sendable {
        package var reading: Reading
        package var entry: Entry
    }
    package enum Step: Sendable {
        /// The companion is waited for.
        case waits
        /// It was waited for already: the frame came twice.
        case cameBefore
        /// The whole reading, and what came with the first frame.
        case whole(Reading, Entry)
    }
    package private(set) var waiting: [Waiting] = []

    package init() {}

    /// Takes a frame that has a companion.
    ///
    /// - Parameter given: takes those whose companion cannot come any more.
    package mutating func take(
        _ reading: Reading, _ entry: Entry, limit: Int, given: (Waiting) -> Void
    ) -> Step {
        if let index = waiting.firstIndex(where: { $0.reading.belongs(with: reading) }) {
            guard reading.saysMore(than: waiting[index].reading) else { return .cameBefore }
            let first = waiting.remove(at: index)
            return .whole(first.reading.joined(with: reading), first.entry)
        }
        giveUp(reading.part?.key, given)
        while waiting.count >= limit { given(waiting.removeFirst()) }
        waiting.append(Waiting(reading: reading, entry: entry))
        return .waits
    }

    /// Gives up the halves with this key, or all that wait.
    package mutating func giveUp(_ key: String? = nil, _ given: (Waiting) -> Void) {
        let late = waiting.filter { key == nil || $0.reading.part?.key == key }
        waiting.removeAll { key == nil || $0.reading.part?.key == key }
        late.forEach(given)
    }
}
