import DeviceLink
import DeviceProfile
import Measurement

/// The device's side of a session on a cable: `in` lines come, `out` lines are what is expected.
///
/// What is no plain transfer names itself in the line's `endpoint`: `feature`, `control`, `inquiry`
/// (the INQUIRY answer, then the interface's string) and `lba:3` (a block).
struct CablePlayer: Sendable {
    let tape: Tape
    let file: String
    var session: WireSession
    var index = 0
    var consumed: Set<Int> = []
    var now: Instant
    var synchronised = true
    var timers: [WireTimer: Instant] = [:]
    var actions: [WireAction] = []
    var steps: [TapeStep] = []
    private var isOpened = false

    init(_ tape: Tape, file: String, session: WireSession, now: Instant) {
        self.tape = tape
        self.file = file
        self.session = session
        self.now = now
        steps = [.matched(profile: session.profile.id)]
    }

    mutating func next(_ time: (Instant, Bool) -> GatewayTime) throws(TapeError) -> TapeStep {
        while steps.isEmpty {
            if !actions.isEmpty {
                try perform(actions.removeFirst(), time)
            } else if try !advance(time) {
                return .finished
            }
        }
        return steps.removeFirst()
    }

    mutating func feed(_ event: WireEvent) { actions += session.handle(event) }

    // MARK: what the session does

    private mutating func perform(
        _ action: WireAction, _ time: (Instant, Bool) -> GatewayTime
    ) throws(TapeError) {
        func at(_ player: CablePlayer) -> GatewayTime { time(player.now, player.synchronised) }
        switch action {
        case .send(let bytes): try expect(bytes, endpoint: nil)
        case .setOutput(_, let bytes):
            try expect(bytes, endpoint: nil)
            feed(.done(at: at(self)))
        case .setFeature(_, let bytes):
            if shows("feature") { try expect(bytes, endpoint: "feature") }
            feed(.done(at: at(self)))
        case .writeBlock(let block, let bytes):
            try expect(bytes, endpoint: "lba:\(block)")
            feed(.done(at: at(self)))
        case .control(let transfer):
            try expect(transfer.data, endpoint: "control")
            if transfer.length > 0, let bytes = answer("control") {
                feed(.control(bytes, at: at(self)))
            } else {
                feed(.done(at: at(self)))
            }
        case .getFeature:
            answer("feature").map { feed(.feature($0, at: at(self))) }
        case .readBlock(let block):
            answer("lba:\(block)").map { feed(.block($0, at: at(self))) }
        case .inquire: answer("inquiry").map { feed(.identity(Self.identity($0), at: at(self))) }
        case .commit(let commit): steps.append(.commit(commit))
        case .startTimer(let timer, let length): timers[timer] = now + length
        case .cancelTimer(let timer): timers[timer] = nil
        case .note(let note): steps.append(.note(note))
        case .finished(let end):
            timers = [:]
            steps.append(.sessionEnded(end))
        }
    }

    private func shows(_ endpoint: String) -> Bool {
        tape.lines.contains { line in
            switch line.entry {
            case .output(endpoint, _), .input(endpoint, _): true
            default: false
            }
        }
    }

    /// Uses up the next line that goes out; it must hold these bytes, zeros behind them aside.
    private mutating func expect(_ bytes: [UInt8], endpoint: String?) throws(TapeError) {
        let found = tape.lines.indices.first {
            guard $0 >= index, !consumed.contains($0) else { return false }
            if case .output = tape.lines[$0].entry { return true }
            return false
        }
        let came = endpoint.map { "\($0) " } ?? ""
        guard let found, case .output(let name, let wanted) = tape.lines[found].entry else {
            throw TapeError(
                file: file, line: tape.lines.last?.number ?? 1,
                message: "nothing more is expected to go out; \(came)\(Self.hex(bytes)) came")
        }
        let isPlace = name?.hasPrefix("0x") ?? true
        let fits = isPlace ? endpoint == nil : name == endpoint
        guard fits, wanted.map({ Self.trimmed($0) == Self.trimmed(bytes) }) ?? true else {
            let expected = wanted.map { Self.hex($0) } ?? "anything"
            throw TapeError(
                file: file, line: tape.lines[found].number,
                message: "expected \(isPlace ? "" : (name ?? "") + " ")\(expected), "
                    + "\(came)\(Self.hex(bytes)) came")
        }
        consumed.insert(found)
        now = max(now, tape.lines[found].at)
    }

    /// Uses up the next line that comes in from such a place.
    private mutating func answer(_ endpoint: String) -> [UInt8]? {
        for number in tape.lines.indices where number >= index && !consumed.contains(number) {
            guard case .input(endpoint, let bytes) = tape.lines[number].entry else { continue }
            consumed.insert(number)
            now = max(now, tape.lines[number].at)
            return bytes
        }
        return nil
    }

    // MARK: the lines

    private mutating func advance(
        _ time: (Instant, Bool) -> GatewayTime
    ) throws(TapeError) -> Bool {
        if !isOpened {
            isOpened = true
            feed(.opened(at: time(now, synchronised)))
            return true
        }
        while consumed.contains(index) { index += 1 }
        let line = index < tape.lines.count ? tape.lines[index] : nil
        if fireTimer(before: line?.at, time) { return true }
        guard let line else {
            guard !session.isFinished else { return false }
            feed(.unplugged(at: time(now, synchronised)))
            return !actions.isEmpty
        }
        consumed.insert(index)
        now = max(now, line.at)
        switch line.entry {
        case .input(_, let bytes): feed(.received(bytes, at: time(now, synchronised)))
        case .gatewayClock(let value, _): synchronised = value
        case .disconnected: feed(.unplugged(at: time(now, synchronised)))
        case .output(_, let bytes):
            throw TapeError(
                file: file, line: line.number,
                message: "expected \(bytes.map { Self.hex($0) } ?? "anything"), nothing came")
        default: break
        }
        return true
    }

    /// At the end of a tape only a pause runs out: the recorded device was still there.
    private mutating func fireTimer(
        before limit: Instant?, _ time: (Instant, Bool) -> GatewayTime
    ) -> Bool {
        let due = timers.filter { timer in
            limit.map { timer.value <= $0 } ?? (timer.key == .pause)
        }
        guard let timer = due.min(by: { $0.value < $1.value }) else { return false }
        timers[timer.key] = nil
        now = max(now, timer.value)
        feed(.timer(timer.key, at: time(now, synchronised)))
        return true
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes[...(bytes.lastIndex { $0 != 0 } ?? -1)]
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        trimmed(bytes).map { padded(Int($0)) }.joined()
    }

    private static func padded(_ byte: Int) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// Vendor and product stand at 8 and 16 of an INQUIRY answer of 36 bytes.
    private static func identity(_ bytes: [UInt8]) -> StorageIdentity {
        func text(_ range: Range<Int>) -> String {
            let part = bytes[
                min(range.lowerBound, bytes.count)..<min(range.upperBound, bytes.count)]
            let end = part.lastIndex { $0 != 32 && $0 != 0 }.map { $0 + 1 } ?? part.startIndex
            return String(decoding: part[part.startIndex..<end], as: UTF8.self)
        }
        return StorageIdentity(
            vendor: text(8..<16), product: text(16..<32), interface: text(36..<max(36, bytes.count))
        )
    }
}

extension TapePlayer {
    /// The session of a device on a cable; nil where no profile fits it.
    static func cablePlayer(
        _ tape: Tape, file: String, profiles: ProfileIndex, zone: TimeZoneRules,
        memory: DeviceMemory, now: GatewayTime
    ) -> CablePlayer? {
        var candidates = profiles.match(tape.header.cable)
        if candidates.isEmpty { candidates = probed(tape, profiles) }
        guard
            let session = WireSession(
                candidates: candidates, device: device(of: tape.header), memory: memory,
                zone: zone, simulated: true, now: now)
        else { return nil }
        return CablePlayer(tape, file: file, session: session, now: now.utc)
    }

    /// A port that nobody bound: the one listening profile that reads what comes, and nothing is sent.
    private static func probed(_ tape: Tape, _ profiles: ProfileIndex) -> [DeviceProfile] {
        let isAsked = tape.lines.contains { if case .output = $0.entry { true } else { false } }
        guard !isAsked, tape.header.boundTo == nil else { return [] }
        let bytes = tape.lines.compactMap { line -> [UInt8]? in
            if case .input(_, let bytes) = line.entry { bytes } else { nil }
        }
        let fitting = profiles.profiles.filter { profile in
            guard let plan = profile.wire, plan.binding == .operator, plan.procedure == .listen,
                let layout = profile.layout(for: .serial) ?? profile.layout(for: .usb)
            else { return false }
            var framer = WireFramer(plan.framing)
            let messages = bytes.flatMap { framer.take($0) }
            return messages.contains { message in
                layout.readings(message).contains {
                    $0.outcome == .measurement || $0.outcome == .notFinal
                }
            }
        }
        return fitting.count == 1 ? fitting : []
    }
}
