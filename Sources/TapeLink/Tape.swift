package import DeviceLink
package import DeviceProfile
package import Measurement

/// One device's side of one session, as a `*.tape` file holds it.
package struct Tape: Sendable {
    package struct Header: Sendable, Equatable {
        package var transport: Transport
        package var address: BluetoothAddress?
        package var addressIsRandom = false
        package var vendorID: UInt16?
        package var productID: UInt16?
        package var serial: String?
        package var note: String?
        package var manufacturer: String?
        package var product: String?
        /// `hid`, `cdc`, `mass-storage`, `phdc` or `vendor`.
        package var interfaceClass: String?
        /// Bus and ports: `1-1.2`.
        package var path: String?
        /// The profile that the port is bound to, for devices behind a bridge.
        package var boundTo: String?

        /// What the device shows on its cable.
        package var cable: CableDevice {
            let classes: [String: UInt8] = [
                "hid": 3, "cdc": 2, "mass-storage": 8, "phdc": 15, "vendor": 255,
            ]
            let shown = interfaceClass.flatMap { classes[$0] }
            return CableDevice(
                vendorID: vendorID, productID: productID,
                interfaceClasses: Set(shown.map { [$0] } ?? []), manufacturer: manufacturer,
                product: product, serial: serial, boundTo: boundTo)
        }
        /// What its owner would have in the configuration, for a device that needs it.
        package var owner = DeviceOwner()
    }

    package enum Entry: Sendable, Equatable {
        case advertisement([UInt8], rssi: Int?)
        case connected
        case services([GATTService])
        case read(BluetoothUUID, [UInt8])
        /// What the gateway is expected to write; nil for anything.
        case write(BluetoothUUID, [UInt8]?)
        /// A notification or an indication.
        case notification(BluetoothUUID, [UInt8])
        case bonded(method: String?)
        case disconnected(byDevice: Bool)
        /// `stepped`: so much of the time since the line above is a step of the gateway's clock; nil
        /// where the tape does not say.
        case gatewayClock(synchronised: Bool, stepped: Interval? = nil)
        case output(endpoint: String?, [UInt8]?)
        case input(endpoint: String?, [UInt8])
    }

    package struct Line: Sendable, Equatable {
        package var number: Int
        package var at: Instant
        package var entry: Entry
    }

    package var header: Header
    package var lines: [Line]
}

extension Tape {
    /// A device's session holds no longer pause: what is longer was no time that passed.
    private static let longestPause = Interval.minutes(60)

    /// What the gateway's clock was put forward up to a moment of this tape.
    ///
    /// A clock that starts in 1970 and is of this century by the next line was put forward by
    /// nearly all of the time between, whether the tape says so or not; so was one that becomes
    /// synchronised more than an hour after the line above.
    func stepped(until instant: Instant) -> Interval {
        var sum = Interval.zero
        var last = lines.first?.at
        var isWrong = false
        for line in lines where line.at <= instant {
            let gap = last.map { line.at - $0 } ?? .zero
            if case .gatewayClock(let synchronised, let stepped) = line.entry {
                let isStep = isWrong && synchronised && gap > Self.longestPause
                sum = sum + (stepped ?? (isStep ? gap : .zero))
                isWrong = !synchronised
                if stepped == nil, !isStep { sum = sum + Self.start(last ?? line.at, line.at) }
            } else if let last {
                sum = sum + Self.start(last, line.at)
            }
            last = line.at
        }
        return sum
    }

    /// The step that a clock without a battery makes from its start to the present.
    static func start(_ before: Instant, _ after: Instant) -> Interval {
        let thisCentury = Instant(seconds: 946_684_800)
        return before < thisCentury && after >= thisCentury ? after - before : .zero
    }
}

/// Where a tape is wrong, or where a session did something else than the tape expects.
package struct TapeError: Error, Sendable, Equatable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var message: String

    package init(file: String, line: Int, message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    package var description: String { "\(file):\(line): \(message)" }
}
