import DeviceLink
import DeviceProfile
import EventLoop
import Measurement

/// The pairing that a person has asked for: one at a time, ended by success, by time or by the person.
@LoopActor final class PairingDesk {
    private(set) var guide: PairingGuide?
    private let changed = LoopCondition()
    private var timer: EventSource?
    /// Whoever began it has to ask for it again within this time; nil: needs not.
    private var lease: Interval?
    private var askedAt = Instant(microseconds: 0)
    /// Called with each new stage.
    var onStage: @LoopActor (PairingGuide) -> Void = { _ in }

    init() {}

    func concerns(_ address: BluetoothAddress) -> Bool {
        guide?.concerns(address) ?? false
    }

    /// Begins; false while another pairing runs.
    ///
    /// - Parameter lease: ends the pairing where nobody has asked for it for so long.
    func begin(
        _ address: BluetoothAddress, passkey: UInt32?, within limit: Duration,
        lease: Duration? = nil, now: Instant
    ) -> Bool {
        if let guide, !guide.isOver { return false }
        self.lease = lease.map { Interval($0) }
        askedAt = now
        guide = PairingGuide(address, passkey: passkey, at: now, within: Interval(limit))
        tell()
        return true
    }

    /// Changes the guide where it concerns the device, and tells who watches.
    @discardableResult
    func update<Result>(
        _ address: BluetoothAddress, _ change: (inout PairingGuide) -> Result
    ) -> Result? {
        guard concerns(address), var changing = guide else { return nil }
        let before = (changing.stage, changing.problem)
        let result = change(&changing)
        guide = changing
        if before != (changing.stage, changing.problem) { tell() }
        return result
    }

    /// The number of the device, which a person may still have to read from it.
    func passkey(_ address: BluetoothAddress) async -> UInt32? {
        while concerns(address) {
            if let number = update(address, { $0.passkeyWanted() }) ?? nil { return number }
            guard (try? await changed.wait()) != nil else { return nil }
        }
        return nil
    }

    /// Ends it; false where none runs.
    func cancel() -> Bool {
        guard let guide, !guide.isOver else { return false }
        update(guide.address) { $0.cancel() }
        return true
    }

    /// Somebody looks at the pairing: whoever began it is still there.
    func asked(at now: Instant) {
        askedAt = now
    }

    private func tell() {
        watchDeadline()
        changed.broadcast()
        if let guide { onStage(guide) }
    }

    private func watchDeadline() {
        timer = nil
        guard let guide, !guide.isOver else { return }
        let end = lease.map { min(guide.deadline, askedAt + $0) } ?? guide.deadline
        let wait = max(.zero, end - GatewayTime.now().steady)
        timer = EventLoop.shared.after(.microseconds(wait.microseconds)) { [weak self] in
            self?.deadlineCame(guide.address)
        }
    }

    private func deadlineCame(_ address: BluetoothAddress) {
        let now = GatewayTime.now().steady
        let isDeserted = lease.map { now - askedAt >= $0 } ?? false
        update(address) { guide in
            if !guide.expire(at: now), isDeserted { guide.desert() }
        }
        // Asked for meanwhile: the time counts from there.
        if concerns(address) { watchDeadline() }
    }
}

extension DeviceProfile {
    /// What an advertisement says about pairing mode; nil where this model's do not tell.
    func pairingMode(_ advertisement: Advertisement) -> Bool? {
        if takesOwnKey, advertisement.manufacturerData[0x020E] != nil {
            return advertisement.showsOmronPairing
        }
        for layout in layouts {
            guard let bytes = advertisement.payload(for: layout.source),
                layout.canFlag(Self.pairingModeFlag)
            else { continue }
            let reading = layout.decode(bytes)
            guard reading.outcome != .rejected else { continue }
            return reading.flags.contains(Self.pairingModeFlag)
        }
        // Limited discoverable: the device shows itself for a short time, to be paired.
        guard let flags = advertisement.flags else { return nil }
        return flags & 1 == 1 ? true : nil
    }

    /// The device is paired by the owner's key, without a bond.
    var takesOwnKey: Bool {
        (session?.steps ?? []).contains { step in
            guard case .procedure(.omronMemory(let plan)) = step else { return false }
            return plan.unlock == .key || plan.memories.contains { $0.unlock == .key }
        }
    }

    static var pairingModeFlag: String { "pairing-mode" }
}
