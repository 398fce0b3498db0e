import DeviceLink
import Measurement

/// Writes a session's facts into the log, without values and with short addresses.
enum SessionLog {
    static func write(_ note: SessionNote, device: DeviceDescription) {
        let name = device.id.shortened
        switch note {
        case .clockRead(let offset):
            Log.info("clock-read", ["device": name, "offset_s": offset.secondsDecimal.text])
        case .clockUnreadable(let why):
            Log.notice("clock-unreadable", ["device": name, "reason": why])
        case .clockSet: Log.info("clock-set", ["device": name])
        case .clockSetFailed(let why):
            Log.warning("clock-set-failed", ["device": name, "reason": why])
        case .clockNotSet(let why): Log.notice("clock-not-set", ["device": name, "reason": why])
        case .information: Log.debug("information-read", ["device": name])
        case .battery(let percent):
            Log.info("battery", ["device": name, "percent": "\(percent)"])
        case .abilities(let names):
            Log.info("features-read", ["device": name, "abilities": "\(names.count)"])
        case .configuration(_, let isKept):
            Log.info(
                "configuration-told", ["device": name, "now": isKept ? "kept" : "forgotten"])
        case .ignored(let uuid, let count):
            Log.debug(
                "value-ignored", ["device": name, "uuid": "\(uuid)", "bytes": "\(count)"])
        case .recordAccess(let text):
            Log.info("record-access", ["device": name, "state": text])
        case .refused(let step, let why):
            Log.warning("step-refused", ["device": name, "step": step, "reason": why])
        }
    }
}
