import DeviceLink
import EventLoop
import USBLink

/// One plugged device: what was decided about it, and what goes on with it.
struct PluggedPort {
    struct Session {
        var runner: WireSessionRunner
        var new = 0
    }
    /// What follows the end of a session.
    enum Next: Equatable {
        /// The port was bound or unbound meanwhile: decide again, whatever the end was.
        case anew
        case rest
        case again(String)
        case wait(String)
    }

    var info: USBDeviceInfo
    /// The profile that is served, or was served last.
    var profile: String?
    /// The profile that the port was bound to when it was decided about; nil for none.
    var binding: String?
    /// What `hakaru port list` says of it.
    var state = "waiting"
    private(set) var failures = 0
    /// How often the kernel was asked again for its interfaces.
    var looks = 0
    var retry: EventSource?
    var session: Session?
    /// Counts decisions to serve: what a former one has begun is given up.
    private(set) var attempt = 0

    init(info: USBDeviceInfo) { self.info = info }

    /// Whether it was decided about with another binding than it has now.
    func isOutdated(bound: String?) -> Bool { bound != binding }

    /// Whether it is still the device that it was, and nothing is served on it yet.
    func isUndecided(since former: PluggedPort) -> Bool {
        info.generation == former.info.generation && profile == nil && session == nil
    }

    func next(after end: SessionEnd, bound: String?) -> Next {
        guard !isOutdated(bound: bound) else { return .anew }
        return switch end {
        case .complete: .rest
        case .interrupted(let why): .again(why)
        case .needsPerson(let why): .wait(why)
        }
    }

    /// Forgets what was decided; failures under another profile do not count.
    mutating func beginAnew() {
        retry = nil
        profile = nil
        failures = 0
        attempt += 1
    }

    /// Counts a failure in a row, and says how long the device is left alone for it.
    mutating func failed() -> Duration {
        failures += 1
        return PortRules.pause(after: failures)
    }

    /// What failed before does not count any more.
    mutating func succeeded() { failures = 0 }

    mutating func nextAttempt() -> Int {
        attempt += 1
        return attempt
    }
}
