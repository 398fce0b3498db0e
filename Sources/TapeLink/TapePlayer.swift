package import DeviceLink
package import DeviceProfile
package import Measurement

/// What a tape gives to whoever plays it.
package enum TapeStep: Sendable {
    /// The device was seen.
    case sighting(Sighting)
    /// Nothing fits the device; its session is passed over.
    case unmatched(Sighting)
    /// The device was matched and its session began.
    case matched(profile: String)
    /// To be stored; answer with `committed` or `commitFailed` before the next step.
    case commit(SessionCommit)
    case note(SessionNote)
    case sessionEnded(SessionEnd)
    case finished
}

/// Plays a tape as a device: the real session machine runs against it, with the tape's own clock.
package struct TapePlayer: Sendable {
    let tape: Tape
    let file: String
    let profiles: ProfileIndex
    let zone: TimeZoneRules
    /// What the gateway's clock was put forward in tapes before this one.
    let steppedBefore: Interval
    var memory: DeviceMemory
    var consumed: Set<Int> = []
    var index = 0
    var now: Instant
    var synchronised = true
    var values: [BluetoothUUID: (bytes: [UInt8], at: Instant)] = [:]
    /// Services of a line that was passed before the session asked for them.
    var passedServices: [GATTService]?
    var timers: [SessionTimer: Instant] = [:]
    var machine: SessionMachine?
    var profile: DeviceProfile?
    var collector: AdvertisementCollector
    var collected = 0
    var steps: [TapeStep] = []
    var actions: [SessionAction] = []
    var passedOver = false
    /// The session of a device on a cable, which runs in place of `machine`.
    var cable: CablePlayer?
    /// What the device broadcast last before its session.
    var sighted: Advertisement?
    /// The last characteristic that was written although the tape says nothing of it.
    var tolerated: BluetoothUUID?

    /// A player at the start of a tape; `memory` is what is known of its device.
    package init(
        _ tape: Tape, file: String, profiles: ProfileIndex, zone: TimeZoneRules,
        memory: DeviceMemory, steppedBefore: Interval = .zero
    ) {
        self.tape = tape
        self.file = file
        self.profiles = profiles
        self.zone = zone
        self.memory = memory
        self.steppedBefore = steppedBefore
        now = tape.lines.first?.at ?? Instant(seconds: 0)
        collector = AdvertisementCollector(zone: zone, simulated: true)
        guard tape.header.transport != .bluetoothLE else { return }
        cable = Self.cablePlayer(
            tape, file: file, profiles: profiles, zone: zone, memory: memory, now: gatewayTime)
        index = tape.lines.count
    }

    package var gatewayTime: GatewayTime { time(now) }

    /// The gateway's clocks at a moment of the tape: the monotonic one goes on from tape to tape
    /// and leaves out what the other one was put forward.
    func time(_ instant: Instant) -> GatewayTime {
        Self.time(instant, synchronised, in: tape, after: steppedBefore)
    }

    /// The tape's device; its address is in the header.
    package var device: DeviceDescription { Self.device(of: tape.header) }

    /// The description that a tape's header gives.
    package static func device(of header: Tape.Header) -> DeviceDescription {
        let name =
            header.address.map { "ble:\($0)" }
            ?? "\(header.transport.rawValue):\(header.serial ?? header.path ?? "tape")"
        return DeviceDescription(
            id: DeviceID(name), address: header.address?.description,
            serial: header.serial)
    }

    /// The next step.
    ///
    /// - Throws: the line whose expectation the session does not meet.
    package mutating func next() throws(TapeError) -> TapeStep {
        if cable != nil { return try nextOnCable() }
        while steps.isEmpty {
            if !actions.isEmpty {
                try perform(actions.removeFirst())
            } else if try !advance() {
                return .finished
            }
        }
        return steps.removeFirst()
    }

    /// The entries of the last commit are on disk.
    package mutating func committed(_ number: Int) {
        if cable != nil {
            let moment = gatewayTime
            cable?.feed(.committed(number, at: moment))
            return
        }
        feed(.committed(number, at: gatewayTime))
    }

    /// The store does not take them now.
    package mutating func commitFailed(_ number: Int) {
        if cable != nil {
            let moment = gatewayTime
            cable?.feed(.commitFailed(number, at: moment))
            return
        }
        feed(.commitFailed(number, at: gatewayTime))
    }

    private mutating func nextOnCable() throws(TapeError) -> TapeStep {
        let (tape, before) = (tape, steppedBefore)
        let step =
            try cable?.next { Self.time($0, $1, in: tape, after: before) } ?? .finished
        now = cable?.now ?? now
        synchronised = cable?.synchronised ?? synchronised
        profile = cable?.session.profile
        if case .commit(let commit) = step { memory = commit.memory }
        return step
    }

    private static func time(
        _ instant: Instant, _ synchronised: Bool, in tape: Tape, after steppedBefore: Interval
    ) -> GatewayTime {
        let stepped = tape.stepped(until: instant) + steppedBefore
        let (nanoseconds, overflow) = (instant - stepped).microseconds.multipliedReportingOverflow(
            by: 1_000)
        return GatewayTime(
            utc: instant, monotonicNanoseconds: overflow ? .max : nanoseconds,
            synchronised: synchronised)
    }

    mutating func feed(_ event: SessionEvent) {
        guard machine != nil else { return }
        actions += machine?.handle(event) ?? []
    }

    // MARK: the lines

    /// Goes one line or one timer further; false at the end.
    private mutating func advance() throws(TapeError) -> Bool {
        while consumed.contains(index) { index += 1 }
        guard index < tape.lines.count else { return endOfTape() }
        let line = tape.lines[index]
        if fireTimer(before: line.at) { return true }
        emit(collector.due(at: line.at))
        if !steps.isEmpty { return true }
        if !passedOver, case .write(let uuid, _) = line.entry {
            let other = tolerated.map { "; it wrote to \($0), of which the tape says nothing" }
            throw error(
                line,
                "a write to \(uuid) is expected here; the session wrote nothing to it"
                    + (other ?? ""))
        }
        consumed.insert(index)
        now = max(now, line.at)
        try take(line)
        return true
    }

    private mutating func take(_ line: Tape.Line) throws(TapeError) {
        switch line.entry {
        case .advertisement(let bytes, let rssi):
            if machine == nil { try advertised(bytes, rssi, line) }
        case .connected: connectedAgain()
        case .read(let uuid, let bytes): values[uuid] = (bytes, line.at)
        case .gatewayClock(let state, _): synchronised = state
        case .notification(let uuid, let bytes):
            try needConnection(line, "a value of \(uuid)")
            feed(.notification(uuid, bytes, at: time(line.at)))
        case .disconnected(let byDevice):
            feed(.disconnected(byDevice: byDevice, at: gatewayTime))
            passedOver = false
            values = [:]
            passedServices = nil
        case .output, .input:
            throw error(line, "the session of this transport cannot be played")
        case .services(let services):
            passedServices = services
            try needConnection(line, "services")
        case .bonded: try needConnection(line, "a bond")
        case .write: break  // Taken when the session asks for it.
        }
    }

    /// A tape that never says "connected" is connected when its device first answers.
    private mutating func needConnection(
        _ line: Tape.Line, _ what: String
    ) throws(TapeError) {
        guard machine == nil, !passedOver else { return }
        let saysConnected = tape.lines.contains { $0.entry == .connected }
        if saysConnected {
            // Services and bonds may stand above the connection that they belong to.
            guard case .notification = line.entry else { return }
            throw error(line, "\(what) outside of a connection")
        }
        begin()
        while !actions.isEmpty { try perform(actions.removeFirst()) }
    }

    private mutating func connectedAgain() {
        feed(.disconnected(byDevice: true, at: gatewayTime))
        begin()
    }

    private mutating func endOfTape() -> Bool {
        if machine != nil {
            feed(.disconnected(byDevice: true, at: gatewayTime))
            return true
        }
        let last = collector.nextDeadline
        if let last { emit(collector.due(at: last)) }
        return last != nil
    }

    /// A recorded device was still there: only pauses and joins run out, not the session's patience.
    private mutating func fireTimer(before limit: Instant) -> Bool {
        let due = timers.filter { ($0.key == .settle || $0.key == .join) && $0.value <= limit }
        guard let timer = due.min(by: { $0.value < $1.value }) else { return false }
        timers[timer.key] = nil
        now = max(now, timer.value)
        feed(.timer(timer.key, at: gatewayTime))
        return true
    }

    private mutating func advertised(
        _ bytes: [UInt8], _ rssi: Int?, _ line: Tape.Line
    ) throws(TapeError) {
        guard let address = tape.header.address else { return }
        let advertisement: Advertisement
        do throws(DecodeError) {
            advertisement = try Advertisement(adStructures: bytes)
        } catch {
            throw self.error(line, "the advertisement is broken: \(error)")
        }
        let sighting = Sighting(
            address: address, addressIsRandom: tape.header.addressIsRandom,
            advertisement: advertisement, rssi: rssi, at: gatewayTime, bonded: true)
        guard let matched = profiles.match(advertisement, address: address) else {
            return steps.append(.unmatched(sighting))
        }
        steps.append(.sighting(sighting))
        profile = matched
        sighted = advertisement
        if matched.transport == .bluetoothAdvertisement {
            emit(
                collector.take(
                    advertisement, of: device, at: gatewayTime, profile: matched,
                    context: tape.header.owner.context(address)))
        }
    }

    /// Hands out what the broadcasts gave, as a commit without a session.
    private mutating func emit(_ entries: [SessionEntry]) {
        guard !entries.isEmpty else { return }
        collected += 1
        steps.append(
            .commit(
                SessionCommit(
                    number: -collected, entries: entries, memory: memory,
                    device: device)))
    }

    private mutating func begin() {
        let chosen = profile ?? profileByServices()
        guard let chosen,
            let session = SessionMachine(
                profile: chosen, device: device, memory: memory, zone: zone,
                simulated: true, now: gatewayTime, owner: tape.header.owner)
        else { return passedOver = true }
        passedOver = false
        steps.append(.matched(profile: chosen.id))
        profile = chosen
        machine = session
        if let sighted { machine?.sighted(sighted) }
        actions += machine?.start() ?? []
    }

    /// A tape without an advertisement shows its device by its model number, or its services.
    private func profileByServices() -> DeviceProfile? {
        var seen = Advertisement()
        for line in tape.lines {
            switch line.entry {
            case .services(let services): seen.serviceUUIDs += services.map(\.uuid)
            case .read(.modelNumber, let bytes):
                let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                if let named = profiles.profile(model: name) { return named }
            default: break
            }
        }
        return profiles.match(seen, address: tape.header.address)
    }

    func error(_ line: Tape.Line, _ message: String) -> TapeError {
        TapeError(file: file, line: line.number, message: message)
    }
}

extension TapePlayer {
    /// Why a tape that has come to its end gave nothing.
    var nothingPlayed: TapeError {
        let isShown = tape.lines.contains {
            switch $0.entry {
            case .advertisement, .connected, .services, .input, .output: true
            default: false
            }
        }
        return TapeError(
            file: file, line: 1,
            message: isShown
                ? "no profile fits this device" : "nothing shows which device this is")
    }

    /// The id of the profile that the device was matched with.
    package var profileID: String? { profile?.id }
}
