import Measurement

@testable import PersonalHealth

/// Hexadecimal digits, blanks allowed.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        bytes.append(UInt8(digits[index..<next], radix: 16)!)
        index = next
    }
    return bytes
}

func shown(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The agent's side of the coding, written for the tests alone.
enum Wire {
    static func u16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    static func u32(_ value: Int) -> [UInt8] { u16(value >> 16) + u16(value) }
    static func octets(_ bytes: [UInt8]) -> [UInt8] { u16(bytes.count) + bytes }
    static func text(_ text: String) -> [UInt8] { octets(Array(text.utf8)) }
    static func list(_ items: [[UInt8]]) -> [UInt8] {
        u16(items.count) + octets(items.flatMap { $0 })
    }
    static func attribute(_ id: Int, _ value: [UInt8]) -> [UInt8] { u16(id) + octets(value) }
    static func apdu(_ choice: Int, _ body: [UInt8]) -> [UInt8] { u16(choice) + octets(body) }
    static func message(_ invokeID: Int, _ choice: Int, _ body: [UInt8]) -> [UInt8] {
        apdu(0xE700, octets(u16(invokeID) + u16(choice) + octets(body)))
    }
    static func event(
        _ invokeID: Int, _ type: Int, _ information: [UInt8], handle: Int = 0,
        time: Int = 0xFFFF_FFFF, isConfirmed: Bool = true
    ) -> [UInt8] {
        message(
            invokeID, isConfirmed ? 0x0101 : 0x0100,
            u16(handle) + u32(time) + u16(type) + octets(information))
    }

    /// A report's head and its observations.
    static func report(_ observations: [[UInt8]]) -> [UInt8] {
        hex("f000 0000") + list(observations)
    }
    static func fixed(_ handle: Int, _ data: String) -> [UInt8] { u16(handle) + octets(hex(data)) }
    static func variable(_ handle: Int, _ attributes: [[UInt8]]) -> [UInt8] {
        u16(handle) + list(attributes)
    }

    static func association(
        configuration: Int, systemID: [UInt8] = hex("1122334455667788"), version: Int = 0x8000_0000,
        dataProtocol: Int = 20_601, protocolVersion: Int = 0x8000_0000, encoding: Int = 0x8000,
        nomenclature: Int = 0x8000_0000, units: Int = 0, systemType: Int = 0x0080_0000
    ) -> [UInt8] {
        let information =
            u32(protocolVersion) + u16(encoding) + u32(nomenclature) + u32(units) + u32(systemType)
            + octets(systemID) + u16(configuration) + hex("0001 01 00") + u32(0)
        return apdu(0xE200, u32(version) + list([u16(dataProtocol) + octets(information)]))
    }

    /// An object of a configuration: what it measures and how its reports of fixed format look.
    static func object(
        _ handle: Int, _ partition: Int, _ code: Int, unit: Int? = nil, parts: [Int] = [],
        map: [(Int, Int)] = [], label: String? = nil, specification: Int = 0xF040,
        objectClass: Int = 6
    ) -> [UInt8] {
        var attributes = [
            attribute(0x092F, u16(partition) + u16(code)),
            attribute(0x0A46, u16(specification)),
        ]
        if let label { attributes.append(attribute(0x0927, text(label))) }
        if !parts.isEmpty { attributes.append(attribute(0x0A76, list(parts.map { u16($0) }))) }
        if let unit { attributes.append(attribute(0x0996, u16(unit))) }
        if !map.isEmpty {
            attributes.append(attribute(0x0A55, list(map.map { u16($0.0) + u16($0.1) })))
        }
        return u16(objectClass) + u16(handle) + list(attributes)
    }
    static func configuration(_ id: Int, _ objects: [[UInt8]]) -> [UInt8] {
        u16(id) + list(objects)
    }
}

extension Sample {
    /// One line: what a person would read off, with the stamp as the agent sent it.
    var line: String {
        var parts = ["\(kind?.rawValue ?? "none") \(outcome)"]
        parts += quantities.map {
            "\($0.name.rawValue)=\($0.number?.text ?? "-") \($0.unit.rawValue)"
        }
        switch time {
        case .absolute(let stamp)?: parts.append("@\(stamp.map { "\($0)" } ?? "unusable")")
        case .baseOffset(let base, let minutes)?:
            parts.append("@\(base.map { "\($0)" } ?? "unusable")Z\(minutes)")
        case .relative(let count)?: parts.append("@tick \(count)")
        case .hiRes(let count)?: parts.append("@hires \(count)")
        case nil: break
        }
        if let duration { parts.append("for \(duration.secondsDecimal.text) s") }
        if let person { parts.append("person \(person)") }
        if isGuest { parts.append("guest") }
        if let mealCode { parts.append("meal \(mealCode)") }
        parts += flags.map { "#\($0)" }
        parts += details.map { "\($0.name): \($0.value)" }
        return parts.joined(separator: " · ")
    }
}

/// The samples of one APDU, by the configuration of another one or of the standard.
func lines(
    _ apdu: [UInt8], _ configuration: Configuration, makerID: [UInt8] = []
) throws -> [String] {
    guard case .data(let message) = try APDU(apdu),
        case .eventReport(let event, _) = message.body,
        let observations = try ScanReport.observations(event, configuration)
    else { return ["no report"] }
    return SampleBuilder(makerID: makerID).samples(observations).map(\.line)
}
