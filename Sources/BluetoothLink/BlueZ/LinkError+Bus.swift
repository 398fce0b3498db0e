import DeviceLink

extension LinkError {
    /// What a failed call to a device's object means for a session.
    init(_ error: BusError, during operation: String) {
        let text = "\(operation): \(error.message.isEmpty ? error.name : error.message)"
        if let att = Self.attError(in: error.message) {
            self = .refused(att: att, text)
            return
        }
        switch error.name {
        case "org.bluez.Error.NotConnected": self = .disconnected(text)
        case "org.bluez.Error.AuthenticationFailed", "org.bluez.Error.AuthenticationRejected",
            "org.bluez.Error.AuthenticationCanceled", "org.bluez.Error.AuthenticationTimeout":
            self = .pairingFailed(text)
        case "org.bluez.Error.NotPermitted": self = .refused(att: 0x03, text)
        case "org.bluez.Error.NotAuthorized": self = .refused(att: 0x08, text)
        case "org.bluez.Error.NotSupported": self = .refused(att: 0x06, text)
        case "org.bluez.Error.InvalidOffset": self = .refused(att: 0x07, text)
        case "org.bluez.Error.InvalidValueLength", "org.bluez.Error.InvalidArguments":
            self = .refused(att: 0x0D, text)
        case "org.bluez.Error.ConnectionAttemptFailed", "org.bluez.Error.NotReady",
            "org.bluez.Error.InProgress", "org.bluez.Error.NotAvailable",
            "org.bluez.Error.DoesNotExist":
            self = .unreachable(text)
        case "org.bluez.Error.Failed": self = Self.failed(error.message, text)
        default:
            self = error.isUnknownObject ? .unreachable(text) : .stackFailed(text)
        }
    }

    /// `Failed` is bluetoothd's word for everything else; its text tells more.
    private static func failed(_ message: String, _ text: String) -> LinkError {
        if message.contains("Not connected") || message.contains("not connected") {
            return .disconnected(text)
        }
        return .unreachable(text)
    }

    /// bluetoothd passes other ATT errors on as `Operation failed with ATT error: 0x80`.
    private static func attError(in message: String) -> UInt8? {
        guard let range = message.firstRange(of: "ATT error: 0x") else { return nil }
        return UInt8(message[range.upperBound...].prefix { $0.isHexDigit }, radix: 16)
    }
}

extension BusError {
    /// bluetoothd does by itself what was asked for; version 5.66 says it in words only (EALREADY).
    var isUnderWay: Bool {
        name == "org.bluez.Error.InProgress"
            || name == "org.bluez.Error.Failed" && message.contains("already in progress")
    }
}
