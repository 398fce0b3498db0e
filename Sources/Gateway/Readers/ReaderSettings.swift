package import DeviceProfile
package import StationInput
package import USBLink

/// Which reader stands at a station, and how it talks.
package struct ReaderSettings: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A bar-code or magnetic reader that types like a keyboard.
        case keyboard
        /// A scanner on a serial line, of its own or behind an adapter.
        case serial
        /// A Sony PaSoRi, for contactless cards.
        case pasori
    }
    /// What ends a code.
    package enum Ending: String, Sendable, CaseIterable { case key, pause }

    package var kind: Kind
    package var place: ReaderPlace
    package var layout = KeyMap.us
    package var ending = Ending.key
    package var track: MagneticTrack?
    package var line = WirePlan.Line(speed: 9_600, dataBits: 8, parity: .none, stopBits: 1)
    package var systemCode: UInt16 = 0xFFFF

    package init(kind: Kind, place: ReaderPlace) {
        self.kind = kind
        self.place = place
    }

    package static let speeds = [
        1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200,
    ]

    var assembler: CodeAssembler { CodeAssembler(endsByPause: ending == .pause, track: track) }
}

/// Where a reader is plugged in, as the operator names it.
package enum ReaderPlace: Sendable, Hashable, CustomStringConvertible {
    /// Whatever is in this socket: `1-1.2`.
    case port(USBPath)
    /// Only a device of these numbers in this socket: `05e0:1200@1-1.2`.
    case model(String, USBPath)
    /// The device of this serial number, wherever it is plugged in: `serial:A900`.
    case serial(String)
    /// A node whose name says which device it is: `/dev/serial/by-id/…`.
    case node(String)

    package static let accepted =
        "a USB port (1-1.2), a model in a port (05e0:1200@1-1.2), serial:NUMBER, or a node below "
        + "/dev/input/by-id, /dev/input/by-path or /dev/serial, or a line such as /dev/ttyS0"

    /// Reads what a person wrote; nil for what names no device for certain.
    ///
    /// `/dev/input/event3` is refused: after the next plug it may be another keyboard.
    package init?(_ text: String) {
        if text.hasPrefix("/") {
            guard Self.isNode(text) else { return nil }
            self = .node(text)
        } else if text.hasPrefix("serial:") {
            guard (8...71).contains(text.utf8.count) else { return nil }
            self = .serial(String(text.dropFirst(7)))
        } else if let path = USBPath(text) {
            self = .port(path)
        } else {
            let halves = text.split(separator: "@", omittingEmptySubsequences: false)
            guard halves.count == 2, let path = USBPath(halves[1]) else { return nil }
            let numbers = halves[0].lowercased()
            let parts = numbers.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2,
                parts.allSatisfy({ $0.utf8.count == 4 && UInt16($0, radix: 16) != nil })
            else { return nil }
            self = .model(numbers, path)
        }
    }

    private static func isNode(_ text: String) -> Bool {
        let folders = ["/dev/input/by-id/", "/dev/input/by-path/", "/dev/serial/", "/dev/tty"]
        return text.utf8.count < 256 && !text.contains("/../") && !text.utf8.contains(0)
            && (folders.contains { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
                || text.hasPrefix("/dev/pts/"))
    }

    package var description: String {
        switch self {
        case .port(let path): "\(path)"
        case .model(let numbers, let path): "\(numbers)@\(path)"
        case .serial(let number): "serial:\(number)"
        case .node(let path): path
        }
    }

    /// Whether a node can be what a reader of this kind is opened by.
    package func fits(_ kind: ReaderSettings.Kind) -> Bool {
        guard case .node(let path) = self else { return true }
        switch kind {
        case .keyboard: return path.hasPrefix("/dev/input/")
        case .serial: return !path.hasPrefix("/dev/input/")
        case .pasori: return false
        }
    }

    /// Whether a plugged device is the one that is meant.
    func means(_ info: USBDeviceInfo) -> Bool {
        switch self {
        case .port(let path): info.path == path
        case .model(let numbers, let path): info.path == path && info.numbers == numbers
        case .serial(let number): info.ownSerial == number
        case .node: false
        }
    }
}

/// A reader and the station that it stands at.
package struct ReaderBinding: Sendable, Equatable {
    package var station: String
    package var settings: ReaderSettings
    /// It stands in `hakaru.yaml`; else somebody said it to the running daemon.
    package var isConfigured: Bool

    package init(station: String, settings: ReaderSettings, isConfigured: Bool) {
        self.station = station
        self.settings = settings
        self.isConfigured = isConfigured
    }
}
