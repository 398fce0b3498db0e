import DeviceLink
import DeviceProfile
import Measurement

/// The device's side of each action, taken from the lines ahead.
extension TapePlayer {
    mutating func perform(_ action: SessionAction) throws(TapeError) {
        switch action {
        case .connect:
            let bondsHere = find { if case .bonded = $0 { true } else { false } } != nil
            feed(.connected(bonded: !bondsHere, at: gatewayTime))
        case .bond:
            take { if case .bonded = $0 { true } else { false } }
            feed(.bonded(at: gatewayTime))
        case .discoverServices: discoverServices()
        case .read(let uuid): read(uuid)
        case .write(let uuid, let bytes): try write(uuid) { _ in bytes }
        case .setClock(let uuid, let clockZone):
            try write(uuid) { player in
                player.machine?.clockBytes(clockZone, at: player.gatewayTime) ?? []
            }
        case .subscribe(let uuid): feed(.subscribed(uuid, at: gatewayTime))
        case .commit(let commit):
            memory = commit.memory
            steps.append(.commit(commit))
        case .startTimer(let timer, let length): timers[timer] = now + length
        case .cancelTimer(let timer): timers[timer] = nil
        case .disconnect: feed(.disconnected(byDevice: false, at: gatewayTime))
        case .note(let note):
            if case .clockNotSet = note, !synchronised { waiveClockWrite() }
            steps.append(.note(note))
        case .finished(let end):
            machine = nil
            timers = [:]
            steps.append(.sessionEnded(end))
        }
    }

    /// A gateway whose own clock is wrong sets no device's clock, whatever the tape expects.
    private mutating func waiveClockWrite() {
        for case .setClock(let uuid, _) in profile?.session?.steps ?? [] {
            let found = find { if case .write(uuid, _) = $0 { true } else { false } }
            if let found { consumed.insert(found) }
        }
    }

    private func find(_ fits: (Tape.Entry) -> Bool) -> Int? {
        tape.lines.indices.first {
            $0 >= index && !consumed.contains($0) && fits(tape.lines[$0].entry)
        }
    }

    /// Uses up the first line ahead that fits; the clock goes on to it.
    @discardableResult
    private mutating func take(_ fits: (Tape.Entry) -> Bool) -> Tape.Line? {
        guard let found = find(fits) else { return nil }
        for passed in index..<found where !consumed.contains(passed) {
            guard case .gatewayClock(let state, _) = tape.lines[passed].entry else { continue }
            synchronised = state
            consumed.insert(passed)
        }
        consumed.insert(found)
        let line = tape.lines[found]
        now = max(now, line.at)
        return line
    }

    private mutating func discoverServices() {
        let line = take { if case .services = $0 { true } else { false } }
        if case .services(let services)? = line?.entry {
            feed(.services(services, at: gatewayTime))
        } else {
            feed(.services(passedServices ?? [shownByLines()], at: gatewayTime))
        }
    }

    /// A tape without a `services` line shows its characteristics by what it does with them.
    private func shownByLines() -> GATTService {
        var found: [BluetoothUUID: Set<GATTCharacteristic.Property>] = [:]
        for line in tape.lines {
            switch line.entry {
            case .read(let uuid, _): found[uuid, default: []].insert(.read)
            case .write(let uuid, _): found[uuid, default: []].insert(.write)
            case .notification(let uuid, _): found[uuid, default: []].insert(.indicate)
            default: break
            }
        }
        return GATTService(
            uuid: BluetoothUUID(0),
            characteristics: found.map { GATTCharacteristic(uuid: $0.key, properties: $0.value) })
    }

    private mutating func read(_ uuid: BluetoothUUID) {
        if values[uuid] == nil {
            let line = take { if case .read(uuid, _) = $0 { true } else { false } }
            if let line, case .read(_, let bytes) = line.entry { values[uuid] = (bytes, line.at) }
        }
        guard let value = values[uuid] else {
            return feed(
                .readFailed(
                    uuid, .refused(att: nil, "the tape has no value"), at: gatewayTime))
        }
        feed(.value(uuid, value.bytes, at: time(value.at), latency: .zero))
    }

    private mutating func write(
        _ uuid: BluetoothUUID, _ bytes: (TapePlayer) -> [UInt8]
    ) throws(TapeError) {
        let isOurs: (Tape.Entry) -> Bool = { if case .write(uuid, _) = $0 { true } else { false } }
        guard tape.lines.contains(where: { isOurs($0.entry) }) else {
            // The tape says nothing of this characteristic; the recorded device took the write.
            tolerated = uuid
            return feed(.written(uuid, at: gatewayTime))
        }
        guard let line = take(isOurs), case .write(_, let expected) = line.entry else {
            let last = tape.lines[tape.lines.count - 1]
            throw error(
                last,
                "no further write to \(uuid) is expected; "
                    + "the session wrote \(hexText(bytes(self)))")
        }
        let sent = bytes(self)
        if let expected, expected != sent {
            throw error(
                line,
                "a write of \(hexText(expected)) to \(uuid) is expected; "
                    + "the session wrote \(hexText(sent))")
        }
        feed(.written(uuid, at: gatewayTime))
    }

    private func hexText(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
