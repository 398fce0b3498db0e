import DeviceLink
package import DeviceProfile
import JSON
package import Measurement

/// Writes what one device does as the lines of a tape.
///
/// What the gateway writes is kept only where it can hold no secret and no clock: everything else is `*`.
package struct TapeWriter: Sendable {
    private let zone: TimeZoneRules
    private var properties: [BluetoothUUID: Set<GATTCharacteristic.Property>] = [:]
    /// The tape so far; each line ends with a line feed.
    package private(set) var text: String
    /// Lines after the header.
    package private(set) var count = 0
    /// No further line is taken: a tape of this length is no session any more.
    package static let maximumCharacters = 8 << 20
    package var isFull: Bool { text.utf8.count >= Self.maximumCharacters }

    /// A tape with its header.
    package init(
        address: BluetoothAddress, addressIsRandom: Bool, note: String, zone: TimeZoneRules
    ) {
        self.zone = zone
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("tape", 1)
            writer.member("transport", "ble")
            writer.member("address", address.description)
            writer.member("address-type", addressIsRandom ? "random" : "public")
            writer.member("note", note)
        }
        text = writer.text + "\n"
    }

    /// Appends one line.
    package mutating func add(_ entry: Tape.Entry, at: Instant) {
        guard !isFull else { return }
        if case .services(let services) = entry {
            for characteristic in services.flatMap(\.characteristics) {
                properties[characteristic.uuid, default: []].formUnion(characteristic.properties)
            }
        }
        var writer = JSONWriter()
        var known = true
        writer.object { writer in
            writer.member("at", zone.iso8601(at))
            known = write(entry, &writer)
        }
        guard known else { return }
        text += writer.text + "\n"
        count += 1
    }

    private func write(_ entry: Tape.Entry, _ writer: inout JSONWriter) -> Bool {
        switch entry {
        case .advertisement(let bytes, let rssi):
            writer.nested("advertisement") {
                $0.member("data", Self.hex(bytes))
                if let rssi { $0.member("rssi", rssi) }
            }
        case .connected: writer.nested("connected") { _ in }
        case .services(let services):
            writer.member("services", array: { Self.write(services, &$0) })
        case .read(let uuid, let bytes): value("read", uuid, Self.hex(bytes), &writer)
        case .write(let uuid, let bytes):
            // Only the record access control point: a session's course, never a key, a code or a time.
            let shown = uuid == .recordAccessControlPoint ? bytes.map(Self.hex) : nil
            value("write", uuid, shown ?? "*", &writer)
        case .notification(let uuid, let bytes):
            let indicates =
                properties[uuid]?.contains(.indicate) == true
                && properties[uuid]?.contains(.notify) == false
            value(indicates ? "indicate" : "notify", uuid, Self.hex(bytes), &writer)
        case .bonded(let method):
            writer.nested("bonded") { writer in
                if let method { writer.member("method", method) }
            }
        case .disconnected(let byDevice):
            writer.nested("disconnected") { $0.member("by", byDevice ? "device" : "gateway") }
        case .gatewayClock(let synchronised, let stepped):
            writer.nested("gateway-clock") { writer in
                writer.member("synchronised", synchronised)
                if let stepped {
                    writer.member("stepped", Int(stepped.microseconds / 1_000_000))
                }
            }
        case .output, .input: return false
        }
        return true
    }

    private func value(
        _ name: String, _ uuid: BluetoothUUID, _ value: String, _ writer: inout JSONWriter
    ) {
        writer.nested(name) {
            $0.member("uuid", uuid.description)
            $0.member("value", value)
        }
    }

    private static func write(_ services: [GATTService], _ writer: inout JSONWriter) {
        for service in services {
            writer.object { writer in
                writer.member("uuid", service.uuid.description)
                writer.member(
                    "characteristics",
                    array: { writer in
                        for characteristic in service.characteristics {
                            writer.object {
                                $0.member("uuid", characteristic.uuid.description)
                                $0.member(
                                    "properties",
                                    strings: GATTCharacteristic.Property.allCases.filter(
                                        characteristic.properties.contains
                                    ).map(\.rawValue))
                            }
                        }
                    })
            }
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var out = ""
        for byte in bytes {
            let digits = String(byte, radix: 16)
            out += byte < 16 ? "0" + digits : digits
        }
        return out
    }
}

extension JSONWriter {
    fileprivate mutating func nested(_ name: String, _ body: (inout JSONWriter) -> Void) {
        member(name, object: body)
    }
}
