import DeviceProfile
import Measurement

/// Puts the parts of a write together.
enum WriteParts {
    struct Problem: Error, Equatable {
        var text: String
    }

    static func bytes(
        _ parts: [WritePart], frame: [UInt8], key: [UInt8]?, at moment: Instant,
        zone: TimeZoneRules
    ) throws(Problem) -> [UInt8] {
        var out: [UInt8] = []
        // A clock that counts whole seconds is set to the nearest one.
        let nearest = moment + .milliseconds(500)
        for part in parts {
            switch part {
            case .bytes(let fixed): out += fixed
            case .time(let fields, let wanted):
                let local = (wanted == .utc ? TimeZoneRules.utc : zone).local(nearest)
                out += fields.flatMap { field($0, local) }
            case .seconds(let year, let bigEndian, let wanted):
                let local = (wanted == .utc ? TimeZoneRules.utc : zone).local(nearest)
                out += seconds(local, since: year, bigEndian: bigEndian)
            case .frame(let at, let count, let mixed):
                out += try slice(frame, at: at, count: count, key: mixed ? key : [])
            case .checksum(let method, let from): out.append(checksum(method, out.dropFirst(from)))
            }
        }
        return out
    }

    private static func slice(
        _ frame: [UInt8], at: Int, count: Int, key: [UInt8]?
    ) throws(Problem) -> [UInt8] {
        guard at + count <= frame.count else {
            throw Problem(text: "the frame is too short for its answer")
        }
        guard let key else { throw Problem(text: "the answer needs the owner's key") }
        let found = frame[at..<at + count]
        guard !key.isEmpty else { return Array(found) }
        return found.enumerated().map { index, byte in byte ^ key[index % key.count] }
    }

    private static func field(_ field: WritePart.TimeField, _ time: LocalDateTime) -> [UInt8] {
        let year = UInt16(truncatingIfNeeded: time.year)
        switch field {
        case .yearLittleEndian: return [UInt8(year & 0xFF), UInt8(year >> 8)]
        case .yearBigEndian: return [UInt8(year >> 8), UInt8(year & 0xFF)]
        case .yearSince2000: return [UInt8(truncatingIfNeeded: time.year - 2000)]
        case .month: return [UInt8(truncatingIfNeeded: time.month)]
        case .day: return [UInt8(truncatingIfNeeded: time.day)]
        case .hour: return [UInt8(truncatingIfNeeded: time.hour)]
        case .minute: return [UInt8(truncatingIfNeeded: time.minute)]
        case .second: return [UInt8(truncatingIfNeeded: time.second)]
        }
    }

    private static func seconds(
        _ time: LocalDateTime, since year: Int, bigEndian: Bool
    ) -> [UInt8] {
        let start = LocalDateTime(year: year, month: 1, day: 1, hour: 0, minute: 0, second: 0)
        let gone = start.map { time.secondsSince2000 - $0.secondsSince2000 } ?? 0
        let value = UInt32(truncatingIfNeeded: gone)
        let little = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return bigEndian ? little.reversed() : little
    }

    private static func checksum(
        _ method: WritePart.Checksum, _ bytes: ArraySlice<UInt8>
    ) -> UInt8 {
        switch method {
        case .xor: bytes.reduce(0, ^)
        case .sum8: bytes.reduce(0, &+)
        }
    }
}
