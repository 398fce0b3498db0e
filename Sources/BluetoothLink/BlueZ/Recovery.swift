/// What is done about an adapter that shows signs of breakage: a ladder, mild steps first.
///
/// Each further sign without a sign of life between them takes the next step; a step that is not
/// permitted here is counted and passed over at once. Idle silence is no sign.
package enum Recovery: Int, Sendable, CaseIterable, Comparable {
    case restartDiscovery = 1
    case powerCycle
    /// Power off and on by the kernel's management socket, past bluetoothd.
    case managementReset
    /// The driver lets go of the USB device and takes it again.
    case usbRebind
    /// systemd restarts bluetooth.service.
    case serviceRestart
    /// The daemon ends, so that systemd starts it anew.
    case exit

    package var name: String {
        switch self {
        case .restartDiscovery: "discovery-restart"
        case .powerCycle: "power-cycle"
        case .managementReset: "management-reset"
        case .usbRebind: "usb-rebind"
        case .serviceRestart: "service-restart"
        case .exit: "exit"
        }
    }

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// The step for so many signs; from the last one on it begins again with the power cycle, since what
    /// was not permitted or did not help may help later.
    static func step(_ signs: Int) -> Self {
        if let step = Self(rawValue: signs) { return step }
        let again = allCases.filter { $0 > .restartDiscovery }
        return signs < 1 ? .restartDiscovery : again[(signs - allCases.count - 1) % again.count]
    }
}

/// What became of a step of the ladder, for the log.
package struct RecoveryReport: Sendable, Equatable {
    package var adapter: String
    package var step: Recovery
    /// What it failed with; nil where it worked.
    package var problem: String?
}

extension BusError {
    /// A step of the ladder that this process may not take.
    static func notPermitted(_ why: String) -> BusError {
        BusError(name: "org.hakaru.NotPermitted", message: why)
    }

    var isNotPermitted: Bool {
        name == "org.hakaru.NotPermitted" || name == "org.freedesktop.DBus.Error.AccessDenied"
            || name == "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
            || name == "org.freedesktop.DBus.Error.ServiceUnknown"
    }
}
