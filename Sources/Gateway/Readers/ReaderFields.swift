import DeviceProfile
import JSON
import StationInput
import USBLink

/// The settings of a reader as members of a JSON object: on the socket and in the file of bindings.
extension ReaderSettings {
    struct Problem: Error, Equatable { var text: String }

    /// - Parameter kind: what the device shows that it is, where nobody said it.
    init(_ fields: JSONValue, kind found: Kind? = nil) throws(Problem) {
        guard let text = fields["port"]?.string, let place = ReaderPlace(text) else {
            throw Problem(text: "port is \(ReaderPlace.accepted)")
        }
        let kind = try Self.choice("kind", fields, of: Kind.self) ?? found
        guard let kind else {
            throw Problem(
                text: "it does not show what it is; give its kind: keyboard, serial or pasori")
        }
        guard place.fits(kind) else {
            throw Problem(text: "\(place) is no place of a \(kind.rawValue) reader")
        }
        self.init(kind: kind, place: place)
        layout = try Self.choice("layout", fields, of: KeyMap.self) ?? layout
        ending = try Self.choice("end", fields, of: Ending.self) ?? ending
        if let number = try Self.number("track", fields) {
            guard let track = MagneticTrack(rawValue: number) else {
                throw Problem(text: "track is 1, 2 or 3")
            }
            self.track = track
        }
        try readLine(fields)
        if let text = fields["system_code"]?.string {
            guard text.utf8.count == 4, let code = UInt16(text, radix: 16) else {
                throw Problem(text: "system_code is four hexadecimal digits, such as FFFF")
            }
            systemCode = code
        }
    }

    private mutating func readLine(_ fields: JSONValue) throws(Problem) {
        if let speed = try Self.number("speed", fields) {
            guard Self.speeds.contains(speed) else {
                let known = Self.speeds.map(String.init).joined(separator: ", ")
                throw Problem(text: "speed is one of \(known)")
            }
            line.speed = speed
        }
        if let bits = try Self.number("data_bits", fields) {
            guard bits == 7 || bits == 8 else { throw Problem(text: "data_bits is 7 or 8") }
            line.dataBits = bits
        }
        line.parity =
            try Self.choice("parity", fields, of: type(of: line.parity)) ?? line.parity
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ fields: JSONValue, of: Choice.Type
    ) throws(Problem) -> Choice? where Choice.RawValue == String {
        guard let text = fields[name]?.string else { return nil }
        guard let found = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(text: "\(name) is one of \(known)")
        }
        return found
    }

    /// A number, or the digits of one, as a command line has them.
    private static func number(_ name: String, _ fields: JSONValue) throws(Problem) -> Int? {
        guard let value = fields[name] else { return nil }
        guard let number = value.integer ?? value.string.flatMap({ Int($0) }) else {
            throw Problem(text: "\(name) is a number")
        }
        return number
    }

    /// Writes the members that `init` reads; what a kind has no use for is left out.
    func write(to writer: inout JSONWriter) {
        writer.member("port", "\(place)")
        writer.member("kind", kind.rawValue)
        if kind == .keyboard { writer.member("layout", layout.rawValue) }
        if kind != .pasori {
            writer.member("end", ending.rawValue)
            if let track { writer.member("track", track.rawValue) }
        }
        if kind == .serial {
            writer.member("speed", line.speed)
            writer.member("data_bits", line.dataBits)
            writer.member("parity", line.parity.rawValue)
        }
        if kind == .pasori {
            let digits = String(systemCode, radix: 16, uppercase: true)
            writer.member(
                "system_code", String(repeating: "0", count: 4 - digits.utf8.count) + digits)
        }
    }
}
