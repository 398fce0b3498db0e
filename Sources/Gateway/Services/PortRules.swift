import DeviceProfile
import StationInput
import USBLink

/// What is to be done with a plugged device: pure, so that no two models ever get each other's commands.
struct PortRules {
    enum Decision: Equatable {
        /// A session with one of these profiles, which fit equally well.
        case serve([String])
        /// Left alone, with the reason that `hakaru port list` shows.
        case leave(String)
    }

    /// How long a device is left alone after so many failures in a row.
    static func pause(after failures: Int) -> Duration {
        .seconds(1 << min(4, max(0, failures - 1)))
    }

    /// What the interface of a LifeScan meter is called. A disk that is called otherwise is
    /// somebody's data: it is not even opened.
    static let storageName = "LifeScan MSC"

    /// - Parameters:
    ///   - bound: the profile that the operator bound the port to.
    ///   - fitting: the profiles that fit by what the device shows.
    ///   - lines: the serial lines that the kernel made for it.
    static func decide(
        _ info: USBDeviceInfo, bound: DeviceProfile?, fitting: [DeviceProfile], lines: [String]
    ) -> Decision {
        if let bound {
            if let why = obstacle(bound, info, lines) { return .leave(why) }
            return .serve([bound.id])
        }
        if Bridges.isBridge(info) {
            return .leave(
                "an adapter says nothing of the device behind it: hakaru port bind \(info.path) MODEL"
            )
        }
        let ready = fitting.filter {
            $0.wire?.binding == .automatic && obstacle($0, info, lines) == nil
        }
        if !ready.isEmpty { return .serve(ready.map(\.id)) }
        if CardReaderModel(vendor: info.vendor, product: info.product) != nil {
            return .leave("a card reader: hakaru station bind STATION \(info.path)")
        }
        if let first = fitting.first {
            if let why = obstacle(first, info, lines) { return .leave(why) }
            return .leave(
                "\(first.id) fits; it has to be bound: hakaru port bind \(info.path) MODEL")
        }
        return .leave("no profile fits")
    }

    /// Why a profile cannot be run on this device; nil where it can.
    private static func obstacle(
        _ profile: DeviceProfile, _ info: USBDeviceInfo, _ lines: [String]
    ) -> String? {
        if let why = profile.decodeOnly { return "\(profile.id) fits; it is not opened: \(why)" }
        guard let plan = profile.wire else { return "\(profile.id) says nothing of a cable" }
        if profile.transport == .usbMassStorage,
            !info.interfaces.contains(where: { $0.name == storageName })
        {
            return "\(profile.id) fits, but its interface is not called \(storageName): not opened"
        }
        if profile.transport == .serial {
            if lines.isEmpty { return "\(profile.id): the kernel has made no serial line yet" }
            if plan.line == nil { return "\(profile.id) names no line settings" }
        }
        return nil
    }
}
