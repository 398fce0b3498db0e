import DeviceProfile
import StationInput
import YAML

extension Configuration {
    /// The readers of all stations, in the order of the file.
    var readers: [ReaderBinding] {
        stations.flatMap { station in
            station.readers.map {
                ReaderBinding(station: station.name, settings: $0, isConfigured: true)
            }
        }
    }
}

extension ReaderSettings {
    /// Reads a station's readers; a place that has a reader already is a problem.
    static func readAll(_ reader: NodeReader?, taken: inout Set<ReaderPlace>) -> [Self] {
        var found: [Self] = []
        for item in reader?.list(count: 0...20) ?? [] {
            guard let made = item.mapping(read) else { continue }
            if !taken.insert(made.place).inserted {
                item.report("names a place that has a reader already")
            }
            found.append(made)
        }
        return found
    }

    private static func read(_ keys: MappingReader) -> Self? {
        let kind = keys.required("kind")?.choice(of: Kind.self)
        let port = keys.required("port", accepted: ReaderPlace.accepted)
        let place = place(port)
        let layout = keys.optional("layout")?.choice(of: KeyMap.self)
        let ending = keys.optional("end")?.choice(of: Ending.self)
        let track = keys.optional("track")?.int(in: 1...3).flatMap { MagneticTrack(rawValue: $0) }
        let speed = keys.optional("speed")?.word(of: speeds.map(String.init)).flatMap { Int($0) }
        let bits = keys.optional("data-bits")?.int(in: 7...8)
        let parity = keys.optional("parity")?.word(of: ["none", "even", "odd"])
        let code = systemCode(keys.optional("system-code"))
        guard let kind, let place else { return nil }
        if !place.fits(kind) {
            port?.report(
                "is no place of a \(kind.rawValue) reader", accepted: ReaderPlace.accepted)
        }
        for (key, owner) in uses where owner != kind && keys.has(key) {
            keys.problem(
                about: key, "means nothing to a \(kind.rawValue) reader",
                accepted: "\(key) beside kind: \(owner.rawValue)")
        }
        var made = Self(kind: kind, place: place)
        made.layout = layout ?? made.layout
        made.ending = ending ?? made.ending
        made.track = track
        made.line.speed = speed ?? made.line.speed
        made.line.dataBits = bits ?? made.line.dataBits
        made.line.parity = parity.flatMap { .init(rawValue: $0) } ?? made.line.parity
        made.systemCode = code ?? made.systemCode
        return made
    }

    /// Keys that belong to one kind alone.
    private static let uses: [(String, Kind)] = [
        ("layout", .keyboard), ("speed", .serial), ("data-bits", .serial), ("parity", .serial),
        ("system-code", .pasori),
    ]

    private static func place(_ reader: NodeReader?) -> ReaderPlace? {
        guard let reader, let text = reader.string(accepted: ReaderPlace.accepted) else {
            return nil
        }
        guard let place = ReaderPlace(text) else {
            let why =
                text.hasPrefix("/dev/input/event")
                ? "may be another keyboard after the next plug" : "names no place for certain"
            reader.report(why, accepted: ReaderPlace.accepted)
            return nil
        }
        return place
    }

    private static func systemCode(_ reader: NodeReader?) -> UInt16? {
        let accepted = "four hexadecimal digits in quotes, such as \"FFFF\" for every card"
        let text = reader?.string(accepted: accepted) {
            $0.utf8.count == 4 && UInt16($0, radix: 16) != nil
        }
        return text.flatMap { UInt16($0, radix: 16) }
    }
}
