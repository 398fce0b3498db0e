import DeviceLink
import DeviceProfile
import Measurement

/// The course of one pairing: pure, with the time as a parameter.
///
/// A pairing is called done only after the device was connected again, outside its pairing mode, and
/// accepted the bond. What a person has to do is said at each stage.
struct PairingGuide: Sendable {
    enum Stage: String, Sendable {
        /// The device is to be put into pairing mode.
        case waitingForDevice = "waiting-for-device"
        case connecting
        /// The device shows a number, or has one on its label.
        case passkeyNeeded = "passkey-needed"
        /// The bond stands; the device's first session runs.
        case bonded
        /// The device is to be used once more, to prove the bond.
        case waitingForReconnect = "waiting-for-reconnect"
        case proving
        case paired
        case failed
        case cancelled
    }

    private(set) var address: BluetoothAddress
    /// The private address under which the device was begun with, once its bond has told its identity.
    private var formerAddress: BluetoothAddress?
    /// The profile, once the device was heard.
    var profile: String?
    /// The device is paired by its owner's key, which is written into it, and needs no bond.
    var takesOwnKey = false
    private(set) var stage = Stage.waitingForDevice
    /// The last thing that went wrong, also where it is tried again.
    private(set) var problem: String?
    let begun: Instant
    private(set) var deadline: Instant
    private(set) var passkey: UInt32?
    private var accepted = false

    static let proofTime = Interval.minutes(10)

    init(_ address: BluetoothAddress, passkey: UInt32?, at now: Instant, within limit: Interval) {
        self.address = address
        self.passkey = passkey
        begun = now
        deadline = now + limit
    }

    func concerns(_ device: BluetoothAddress) -> Bool {
        !isOver && (device == address || device == formerAddress)
    }

    /// From now on the device shows itself as another: under its identity, which the bond has told.
    mutating func becameKnown(as identity: BluetoothAddress) {
        formerAddress = address
        address = identity
    }

    var isOver: Bool { [.paired, .failed, .cancelled].contains(stage) }

    /// Whether a device that is heard is to be connected now.
    ///
    /// - Parameter pairingMode: what its advertisement says, nil where it does not tell.
    mutating func heard(pairingMode: Bool?) -> Bool {
        switch stage {
        case .waitingForDevice:
            guard pairingMode != false else {
                problem = "the device is heard, but it is not in pairing mode"
                return false
            }
            problem = nil
            return true
        case .waitingForReconnect: return pairingMode != true
        default: return false
        }
    }

    mutating func sessionBegan() {
        accepted = false
        switch stage {
        case .waitingForDevice: stage = .connecting
        case .waitingForReconnect: stage = .proving
        default: break
        }
    }

    /// The device wants its number; nil until a person has given it.
    mutating func passkeyWanted() -> UInt32? {
        if passkey == nil, stage == .connecting { stage = .passkeyNeeded }
        return passkey
    }

    /// A person has read the number; false where nobody asked for one any more.
    mutating func give(passkey: UInt32) -> Bool {
        guard !isOver else { return false }
        self.passkey = passkey
        if stage == .passkeyNeeded { stage = .connecting }
        return true
    }

    mutating func took(_ fact: LinkFact, at now: Instant) {
        switch (stage, fact) {
        case (.connecting, .bonded), (.passkeyNeeded, .bonded):
            stage = .bonded
            problem = nil
        case (.connecting, .connected(bonded: true)):
            // The bond was there before; it is proven like a new one.
            stage = .bonded
        case (.proving, .connected(bonded: false)) where !takesOwnKey:
            problem = "the device was connected without its bond"
        case (.proving, .subscribed), (.proving, .value), (.proving, .read): accepted = true
        default: break
        }
    }

    /// The session is over.
    mutating func sessionEnded(_ end: SessionEnd, at now: Instant) {
        switch stage {
        case .bonded:
            stage = .waitingForReconnect
            deadline = max(deadline, now + Self.proofTime)
        case .connecting, .passkeyNeeded: withoutBond(end, at: now)
        case .proving: judge(end)
        default: break
        }
    }

    private mutating func withoutBond(_ end: SessionEnd, at now: Instant) {
        switch end {
        case .needsPerson(let why):
            // A wrong number is not tried again by itself: devices lock after some.
            stage = .failed
            problem = why
        case .interrupted(let why):
            stage = .waitingForDevice
            problem = why
        case .complete where takesOwnKey:
            stage = .waitingForReconnect
            problem = nil
            deadline = max(deadline, now + Self.proofTime)
        case .complete:
            stage = .failed
            problem = "the session needed no bond: this device is used without pairing"
        }
    }

    private mutating func judge(_ end: SessionEnd) {
        switch end {
        case .complete:
            stage = .paired
            problem = nil
        case .interrupted where accepted && problem == nil:
            // The device left on its own, after it had taken the bond.
            stage = .paired
        case .interrupted(let why):
            stage = .waitingForReconnect
            problem = problem ?? why
        case .needsPerson(let why):
            stage = .failed
            problem = why
        }
    }

    /// The time is over; false where it is not, or does not matter any more.
    mutating func expire(at now: Instant) -> Bool {
        guard !isOver, now >= deadline else { return false }
        problem =
            switch stage {
            case .waitingForDevice: problem ?? "the device was not heard in pairing mode"
            case .passkeyNeeded: "nobody gave the number that the device shows"
            case .waitingForReconnect, .proving:
                "the bond was made, and never proven: the device did not connect again"
            default: "it took too long"
            }
        stage = .failed
        return true
    }

    mutating func cancel() {
        guard !isOver else { return }
        stage = .cancelled
    }

    /// Whoever had asked for the pairing is gone without a word.
    mutating func desert() {
        guard !isOver else { return }
        problem = "whoever had begun the pairing has left"
        stage = .cancelled
    }
}
