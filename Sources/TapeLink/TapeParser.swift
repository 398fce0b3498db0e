import DeviceLink
import DeviceProfile
import JSON
import Measurement

/// Reads `*.tape` files: JSON Lines, a header first.
package struct TapeParser {
    private let file: String
    private var number = 0

    /// Reads a whole tape.
    ///
    /// - Throws: the first line that is wrong, and what would be right.
    package static func parse(_ bytes: [UInt8], file: String) throws(TapeError) -> Tape {
        var parser = TapeParser(file: file)
        return try parser.tape(bytes)
    }

    private mutating func tape(_ bytes: [UInt8]) throws(TapeError) -> Tape {
        var header: Tape.Header?
        var lines: [Tape.Line] = []
        // Some editors put a byte order mark before UTF-8.
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        for text in content.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            if text.allSatisfy({ $0 == 32 || $0 == 13 || $0 == 9 }) { continue }
            let value = try json(Array(text))
            if header == nil {
                header = try self.header(value)
            } else {
                let line = try self.line(value)
                if let last = lines.last, line.at < last.at {
                    throw error("\"at\" is before the line above")
                }
                lines.append(line)
            }
        }
        guard let header else { throw error("the tape is empty; a header is due") }
        return Tape(header: header, lines: lines)
    }

    private func error(_ message: String) -> TapeError {
        TapeError(file: file, line: number, message: message)
    }

    private func json(_ text: [UInt8]) throws(TapeError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue.parse(text)
        } catch {
            throw self.error("not JSON: \(error)")
        }
    }

    private func header(_ value: JSONValue) throws(TapeError) -> Tape.Header {
        guard value["tape"]?.integer == 1 else {
            throw error("a header with \"tape\":1 is due")
        }
        guard let name = value["transport"]?.string, let transport = Transport(rawValue: name)
        else { throw error("\"transport\" is one of ble, usb, serial") }
        var header = Tape.Header(transport: transport)
        if let text = value["address"]?.string {
            guard let address = BluetoothAddress(text) else {
                throw error("\"address\" is not a Bluetooth address")
            }
            header.address = address
        } else if transport == .bluetoothLE {
            throw error("a ble tape names its device in \"address\"")
        }
        switch value["address-type"].map(\.string) {
        case nil, "public": break
        case "random": header.addressIsRandom = true
        default: throw error("\"address-type\" is public or random")
        }
        header.vendorID = try usbID(value, "vendor-id")
        header.productID = try usbID(value, "product-id")
        header.serial = value["serial"]?.string
        header.note = value["note"]?.string
        header.manufacturer = value["manufacturer"]?.string
        header.product = value["product"]?.string
        header.interfaceClass = value["class"]?.string
        header.path = value["path"]?.string
        header.boundTo = value["bound-to"]?.string
        header.owner = try owner(value)
        return header
    }

    /// What the owner of the device has in the configuration: a key, codes of users.
    private func owner(_ value: JSONValue) throws(TapeError) -> DeviceOwner {
        var owner = DeviceOwner()
        owner.model = value["model"]?.string
        if value["key"] != nil { owner.key = try hex(value, "key") }
        owner.isPairing = value["pairing-mode"]?.bool ?? false
        for item in try list(value, "consents") {
            guard let index = item["user"]?.integer, let code = item["code"]?.integer,
                let user = UInt8(exactly: index), let number = UInt16(exactly: code)
            else { throw error("\"consents\" holds \"user\" and \"code\" numbers") }
            owner.consents.append(DeviceOwner.Consent(index: user, code: number))
        }
        return owner
    }

    private func usbID(_ value: JSONValue, _ key: String) throws(TapeError) -> UInt16? {
        guard let given = value[key] else { return nil }
        guard let text = given.string, text.utf8.count == 4, let id = UInt16(text, radix: 16)
        else { throw error("\"\(key)\" is four hexadecimal digits") }
        return id
    }

    private func line(_ value: JSONValue) throws(TapeError) -> Tape.Line {
        guard let members = value.members else { throw error("an object is due") }
        guard let text = value["at"]?.string, let at = Instant(iso8601: text) else {
            throw error("\"at\" is due, such as 2026-03-01T08:15:00.000+09:00")
        }
        let rest = members.filter { $0.name != "at" && $0.name != "note" }
        guard rest.count == 1, let member = rest.first else {
            throw error("one event is due beside \"at\"")
        }
        return Tape.Line(number: number, at: at, entry: try entry(member.name, member.value))
    }

    private func entry(_ name: String, _ value: JSONValue) throws(TapeError) -> Tape.Entry {
        switch name {
        case "advertisement":
            return .advertisement(try hex(value, "data"), rssi: value["rssi"]?.integer)
        case "connected": return .connected
        case "services": return .services(try services(value))
        case "read": return .read(try uuid(value), try hex(value, "value"))
        case "write": return .write(try uuid(value), try expectedHex(value, "value"))
        case "indicate", "notify": return .notification(try uuid(value), try hex(value, "value"))
        case "bonded": return .bonded(method: value["method"]?.string)
        case "disconnected":
            return .disconnected(byDevice: value["by"]?.string ?? "device" == "device")
        case "gateway-clock":
            guard let synchronised = value["synchronised"]?.bool else {
                throw error("\"gateway-clock\" holds \"synchronised\": true or false")
            }
            guard let step = value["stepped"] else {
                return .gatewayClock(synchronised: synchronised)
            }
            guard let seconds = step.integer, (0...10_000_000_000).contains(seconds) else {
                throw error("\"stepped\" is whole seconds that the gateway's clock was put forward")
            }
            return .gatewayClock(
                synchronised: synchronised, stepped: .seconds(Int64(seconds)))
        case "out":
            return .output(endpoint: value["endpoint"]?.string, try expectedHex(value, "data"))
        case "in": return .input(endpoint: value["endpoint"]?.string, try hex(value, "data"))
        default:
            throw error(
                "\"\(name)\" is no event; known: advertisement, connected, services, read, write, "
                    + "indicate, notify, bonded, disconnected, gateway-clock, out, in")
        }
    }

    private func services(_ value: JSONValue) throws(TapeError) -> [GATTService] {
        guard let list = value.array else { throw error("\"services\" is a list") }
        var services: [GATTService] = []
        for item in list {
            var characteristics: [GATTCharacteristic] = []
            for entry in try self.list(item, "characteristics") {
                characteristics.append(
                    GATTCharacteristic(uuid: try uuid(entry), properties: try properties(entry)))
            }
            services.append(GATTService(uuid: try uuid(item), characteristics: characteristics))
        }
        return services
    }

    private func properties(
        _ value: JSONValue
    ) throws(TapeError) -> Set<GATTCharacteristic.Property> {
        var properties: Set<GATTCharacteristic.Property> = []
        for name in try list(value, "properties") {
            guard let text = name.string, let property = GATTCharacteristic.Property(rawValue: text)
            else {
                let known = GATTCharacteristic.Property.allCases.map(\.rawValue)
                throw error("properties are \(known.joined(separator: ", "))")
            }
            properties.insert(property)
        }
        return properties
    }

    /// A member that is a list; one that is not there is an empty one.
    private func list(_ value: JSONValue, _ key: String) throws(TapeError) -> [JSONValue] {
        guard let member = value[key] else { return [] }
        guard let items = member.array else { throw error("\"\(key)\" is a list") }
        return items
    }

    private func uuid(_ value: JSONValue) throws(TapeError) -> BluetoothUUID {
        guard let uuid = value["uuid"]?.string.flatMap({ BluetoothUUID($0) }) else {
            throw error("\"uuid\" is due, 4, 8 or 32 hexadecimal digits")
        }
        return uuid
    }

    private func hex(_ value: JSONValue, _ key: String) throws(TapeError) -> [UInt8] {
        guard let bytes = value[key]?.string.flatMap({ hexBytes($0) }) else {
            throw error("\"\(key)\" is due, hexadecimal digits in pairs")
        }
        return bytes
    }

    private func expectedHex(_ value: JSONValue, _ key: String) throws(TapeError) -> [UInt8]? {
        value[key]?.string == "*" ? nil : try hex(value, key)
    }
}

/// Bytes from hexadecimal digits that may hold spaces; nil for anything else.
package func hexBytes(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text where !character.isWhitespace {
        guard character.isASCII, let digit = character.hexDigitValue.map({ UInt8($0) })
        else { return nil }
        if let upper = high {
            bytes.append(upper << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    return high == nil ? bytes : nil
}
