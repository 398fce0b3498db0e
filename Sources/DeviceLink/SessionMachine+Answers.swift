import DeviceProfile
import Measurement

/// Writes whose bytes are put together at the moment, and answers to what the device says.
extension SessionMachine {
    /// A write that answers a frame; it waits for its turn on the link.
    struct Reply: Sendable {
        var target: BluetoothUUID
        var bytes: [UInt8]
    }

    /// More than these wait for no device that behaves; the oldest are the ones that count.
    static let maximumReplies = 64

    mutating func compose(_ uuid: BluetoothUUID, _ parts: [WritePart]) {
        guard let bytes = bytes(of: parts, frame: [], step: "write") else { return next() }
        actions.append(.write(uuid, bytes))
    }

    /// The bytes of a write; nil, with a note, where something is missing.
    private mutating func bytes(
        of parts: [WritePart], frame: [UInt8], step: String
    ) -> [UInt8]? {
        // A wrong time in a clock that dates records is worse than none.
        if profile.time.clock != .none, !now.synchronised, parts.contains(where: \.isTime) {
            let reason = "the gateway's own clock is not synchronised"
            actions.append(.note(.clockNotSet(because: reason)))
            return nil
        }
        do throws(WriteParts.Problem) {
            return try WriteParts.bytes(
                parts, frame: frame, key: owner.key, at: now.utc, zone: builder.engine.zone)
        } catch {
            actions.append(.note(.refused(step: step, error.text)))
            return nil
        }
    }

    /// A composed write with the time in it was taken: the device's clock is right from now on.
    mutating func composedWasWritten(_ parts: [WritePart]) {
        guard profile.time.clock != .none, parts.contains(where: \.isTime) else { return }
        clockWasSet()
        actions.append(.note(.clockSet(at: now.utc)))
    }

    // MARK: answers

    mutating func answer(_ uuid: BluetoothUUID, _ frame: [UInt8]) {
        for rule in answers where rule.characteristic == uuid && frame.starts(with: rule.begins) {
            guard let bytes = bytes(of: rule.parts, frame: frame, step: "answer") else { continue }
            guard replies.count < Self.maximumReplies else {
                actions.append(.note(.refused(step: "answer", "the device asks too fast")))
                continue
            }
            replies.append(Reply(target: rule.target, bytes: bytes))
        }
        sendReply()
    }

    /// Sends the next answer where the link is free.
    ///
    /// An answer may let the device forget what it sent: that is on disk before.
    mutating func sendReply() {
        guard !replyIsUnderWay, !replies.isEmpty, isLinkFree, !queue.isBusy else { return }
        let reply = replies.removeFirst()
        replyIsUnderWay = true
        replyTarget = reply.target
        actions.append(.write(reply.target, reply.bytes))
    }

    /// Nothing is asked of the device at this moment.
    private var isLinkFree: Bool {
        switch phase {
        case .draining: true
        case .running:
            switch current {
            case nil, .wait, .expect: true
            default: false
            }
        default: false
        }
    }

    /// Whether the next step has to wait until the answers are out.
    mutating func repliesComeFirst() -> Bool {
        sendReply()
        // An answer that waits for its commit goes out before the next step as well.
        nextIsDue = replyIsUnderWay || !replies.isEmpty
        return nextIsDue
    }

    /// The end of a write that was an answer; false where it was none.
    mutating func replyEnded(_ uuid: BluetoothUUID, _ error: LinkError?) -> Bool {
        guard replyIsUnderWay, replyTarget == uuid else { return false }
        replyIsUnderWay = false
        if let error {
            if endsSession(error) {
                close(after: error)
                return true
            }
            actions.append(.note(.refused(step: "answer", error.summary)))
        }
        if nextIsDue {
            nextIsDue = false
            next()
        } else {
            sendReply()
        }
        return true
    }

    // MARK: expected frames

    mutating func expect(_ plan: ExpectPlan) {
        actions.append(.startTimer(.response, plan.timeout))
    }

    /// The frame that the session waits for has come, if this is one.
    mutating func expectedCame(_ uuid: BluetoothUUID, _ bytes: [UInt8]) {
        guard case .expect(let plan) = current, plan.characteristic == uuid,
            bytes.starts(with: plan.begins), phase == .running
        else { return }
        actions.append(.cancelTimer(.response))
        next()
    }

    mutating func expectedIsLate(_ plan: ExpectPlan) {
        guard plan.isOptional else {
            return close(
                .interrupted("the device did not send what was waited for"), disconnect: true)
        }
        next()
    }
}
