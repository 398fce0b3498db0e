import CUSB

/// What went wrong on a USB device or a serial line, named after what can be done about it.
package enum USBError: Error, Sendable, Equatable {
    /// The device was pulled out, or gave up its place on the bus.
    case gone
    /// The device did not answer within the time.
    case timeOut
    /// The endpoint refuses: the device does not know the request, or is in a state of its own.
    case stalled
    /// The gateway may not open the node.
    case permission(node: String)
    /// Another program or a kernel driver holds the interface.
    case busy(String)
    /// The device sent more than fits into the transfer.
    case overflow
    /// It has no such interface or endpoint.
    case noSuchEndpoint(String)
    /// The transfer was ended by the gateway.
    case cancelled
    /// Anything else, with the library's or the kernel's own words.
    case failed(String)

    init(_ code: Int32, node: String?) {
        switch libusb_error(rawValue: code) {
        case LIBUSB_ERROR_NO_DEVICE, LIBUSB_ERROR_NOT_FOUND: self = .gone
        case LIBUSB_ERROR_TIMEOUT: self = .timeOut
        case LIBUSB_ERROR_PIPE: self = .stalled
        case LIBUSB_ERROR_ACCESS: self = .permission(node: node ?? "the device")
        case LIBUSB_ERROR_BUSY: self = .busy("an interface is in use")
        case LIBUSB_ERROR_OVERFLOW: self = .overflow
        default: self = .failed(String(cString: libusb_error_name(code)))
        }
    }

    /// An interface that could not be claimed. Kernel drivers give theirs up, so that it is another
    /// program that has it; the smart-card service takes whatever looks like a reader of smart cards.
    init(claiming interface: UInt8, of info: USBDeviceInfo, node: String, _ code: Int32) {
        guard libusb_error(rawValue: code) == LIBUSB_ERROR_BUSY else {
            self.init(code, node: node)
            return
        }
        let isSmartCardReader = info.interfaces.contains { $0.classCode == 0x0B }
        let remedy =
            isSmartCardReader
            ? "mostly the smart-card service: sudo systemctl disable --now pcscd.socket pcscd.service"
            : "sudo fuser -v \(node) names it"
        self = .busy("interface \(interface) of \(node); \(remedy)")
    }

    /// One word for counters.
    package var name: String {
        switch self {
        case .gone: "gone"
        case .timeOut: "time_out"
        case .stalled: "stalled"
        case .permission: "permission"
        case .busy: "busy"
        case .overflow: "overflow"
        case .noSuchEndpoint: "no_endpoint"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }
}

extension USBError: CustomStringConvertible {
    /// One line for status and log, with the remedy where a person has to act.
    package var description: String {
        switch self {
        case .gone: "the device is not plugged in any more"
        case .timeOut: "the device did not answer in time"
        case .stalled: "the device refused the request"
        case .permission(let node):
            "no permission for \(node): install udev/60-hakaru-devices.rules, which gives it to the "
                + "group hakaru, run `udevadm control --reload` and plug the device in again"
        case .busy(let what): "another program or driver holds the device: \(what)"
        case .overflow: "the device sent more than it announced"
        case .noSuchEndpoint(let what): "the device has no \(what)"
        case .cancelled: "the transfer was ended"
        case .failed(let text): text
        }
    }
}
