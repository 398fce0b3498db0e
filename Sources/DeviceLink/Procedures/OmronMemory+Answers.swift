import DeviceProfile
import Measurement

/// The lock of the device.
extension OmronMemory {
    mutating func unlock(_ situation: ProcedureSituation) -> [ProcedureAction] {
        switch lock {
        case .none: return begin(situation.now)
        case .token:
            let bytes = [0x11] + Self.token + [UInt8](repeating: 0, count: 15)
            return put(.unlocking, [(OmronChannels.unlock, bytes)], situation.now)
        case .key:
            // A key is written into a device only while a person holds it in its pairing mode.
            if situation.owner.isPairing {
                let bytes = [0x02] + [UInt8](repeating: 0, count: 16)
                return put(.preparingKey, [(OmronChannels.unlock, bytes)], situation.now)
            }
            let bytes = [0x01] + (situation.owner.key ?? [])
            return put(.unlocking, [(OmronChannels.unlock, bytes)], situation.now)
        }
    }

    private mutating func begin(_ now: GatewayTime) -> [ProcedureAction] {
        ask(.starting, OmronFrame.request(.start, count: 0x10), now)
    }

    mutating func unlockAnswered(
        _ bytes: [UInt8], _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        switch state {
        case .unlocking where lock == .token:
            guard bytes.starts(with: [0x91, 0x00]), bytes.dropFirst(2).starts(with: Self.token)
            else { return again("another token came back", situation) }
            return begin(situation.now)
        case .unlocking:
            guard bytes.starts(with: [0x81, 0x00]) else {
                return over(
                    .needsPerson(
                        "the device does not take its owner's key: put it into pairing mode (-P-)"))
            }
            return begin(situation.now)
        case .preparingKey:
            guard bytes.first == 0x82 else {
                return again("it is not in its pairing mode", situation)
            }
            let key = [0x00] + (situation.owner.key ?? [])
            return put(.writingKey, [(OmronChannels.unlock, key)], situation.now)
        case .writingKey:
            guard bytes.first == 0x80 else { return over(.failed("it did not take the key")) }
            return [.note(.refused(step: "pairing", "the owner's key is in the device now"))]
                + begin(situation.now)
        default: return []
        }
    }
}

/// The answers to what was asked of the memory.
extension OmronMemory {
    mutating func took(
        _ bytes: [UInt8], _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        let frame: OmronFrame
        do throws(OmronFrame.Problem) {
            frame = try OmronFrame(parsing: bytes)
        } catch {
            return again(Self.text(error), situation)
        }
        switch state {
        case .starting where frame.kind == 0x8000:
            guard frame.result == 0 else { return refusedStart(frame.result) }
            return readClock(situation)
        case .readingClock where frame.kind == 0x8100: return clockCame(frame, situation)
        case .readingRecords(let read) where frame.kind == 0x8100 || frame.kind == 0x8F00:
            return recordsCame(frame, read, situation)
        case .settingClock where frame.kind == 0x81C0:
            let end = self.end(situation.now)
            guard frame.result == 0 else {
                return [.note(.clockSetFailed("the device refused, result \(frame.result)"))] + end
            }
            return [.clockSet] + end
        case .ending where frame.kind == 0x8F00: return over(.finished)
        // Late answers to what was asked before.
        default: return []
        }
    }

    private static func text(_ problem: OmronFrame.Problem) -> String {
        switch problem {
        case .tooShort: "a frame that is too short"
        case .wrongChecksum: "a frame with a wrong checksum"
        case .wrongLength: "a frame of another length than it says"
        }
    }

    private mutating func refusedStart(_ result: UInt8) -> [ProcedureAction] {
        over(.failed("the device does not open its memory, result \(result)"))
    }

    // MARK: clock

    private mutating func readClock(_ situation: ProcedureSituation) -> [ProcedureAction] {
        guard let clock = memory?.clock else { return readRecords(situation) }
        let request = OmronFrame.request(.read, address: clock.address, count: clock.length)
        return ask(.readingClock, request, situation.now)
    }

    private mutating func clockCame(
        _ frame: OmronFrame, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        guard let clock = memory?.clock else { return [] }
        guard frame.address == clock.address else { return [] }
        guard frame.data.count == clock.length else {
            return [.note(.clockUnreadable("the device does not give its settings"))]
                + readRecords(situation)
        }
        clockBlock = frame.data
        return [.clock(clock.time(in: frame.data), latency: latency(situation.now))]
            + readRecords(situation)
    }

    /// Sets a clock that is wrong, once everything that it dated is read.
    private mutating func setClock(_ situation: ProcedureSituation) -> [ProcedureAction] {
        guard let clock = memory?.clock, let address = clock.setAddress,
            let offset = situation.clockOffset, offset.magnitude > Self.leastOffset
        else { return end(situation.now) }
        guard situation.now.synchronised else {
            let reason = "the gateway's own clock is not synchronised"
            return [.note(.clockNotSet(because: reason))] + end(situation.now)
        }
        let time = situation.zone.local(situation.now.utc + .milliseconds(500))
        guard let block = clock.block(clockBlock, with: time) else { return end(situation.now) }
        return ask(.settingClock, OmronFrame.write(block, address: address), situation.now)
    }

    // MARK: records

    private mutating func readRecords(_ situation: ProcedureSituation) -> [ProcedureAction] {
        guard let read = reads?.next else { return [.cursor(nil)] + setClock(situation) }
        let request = OmronFrame.request(.read, address: read.address, count: read.count)
        return ask(.readingRecords(read), request, situation.now)
    }

    private mutating func recordsCame(
        _ frame: OmronFrame, _ read: OmronRead, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        // The end of the transmission is what some models say for a question that they refuse.
        if frame.kind == 0x8F00 || (frame.data.isEmpty && frame.result != 0) {
            return passedOver(read, frame.result, situation)
        }
        guard frame.address == read.address else { return [] }
        guard frame.data.count == read.count else {
            return again("fewer bytes than asked for", situation)
        }
        record += frame.data
        reads?.took(read)
        guard read.endsRecord else { return readRecords(situation) }
        let size = memory?.recordSize ?? record.count
        let slots = stride(from: 0, to: record.count, by: size).map {
            Array(record[$0..<min($0 + size, record.count)])
        }
        record = []
        let users = memory?.users.count ?? 1
        let frames = slots.map {
            ProcedureAction.frame(.eeprom, $0, userSlot: users > 1 ? read.user : nil)
        }
        return frames + [.cursor(reads?.cursor)] + readRecords(situation)
    }

    /// A user who is not registered has no memory; that of the others is read all the same.
    private mutating func passedOver(
        _ read: OmronRead, _ result: UInt8, _ situation: ProcedureSituation
    ) -> [ProcedureAction] {
        let users = memory?.users ?? []
        guard users.count > 1, users[read.user - 1].address == read.address else {
            return over(
                .failed(
                    "the device refused to give its memory at 0x"
                        + String(read.address, radix: 16) + ", result \(result)"))
        }
        reads?.skip(read)
        let note = SessionNote.refused(
            step: "omron-memory", "the memory of user \(read.user) is not given, result \(result)")
        return [.note(note)] + readRecords(situation)
    }

    private mutating func end(_ now: GatewayTime) -> [ProcedureAction] {
        ask(.ending, OmronFrame.request(.end, count: 0), now)
    }
}
