extension NodeReader {
    /// Reads a length of time: a whole number with `ms`, `s`, `m`, `h` or `d`.
    package func duration(in range: ClosedRange<Duration> = .zero ... .days(36_500)) -> Duration? {
        let limits =
            range == .zero ... .days(36_500)
            ? "" : ", \(Self.text(of: range.lowerBound)) to \(Self.text(of: range.upperBound))"
        let accepted = "a duration such as 500ms, 10s, 15m, 2h, 90d" + limits
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            report(wrongType, accepted: accepted)
            return nil
        }
        guard let (number, unit) = Self.split(text), let factor = Self.milliseconds[unit],
            case let (product, overflow) = number.multipliedReportingOverflow(by: factor),
            !overflow, range.contains(.milliseconds(product))
        else {
            report("is " + quoted(text), accepted: accepted)
            return nil
        }
        return .milliseconds(product)
    }

    /// Reads a number of bytes with `B`, `kB`, `MB`, `GB` (thousands) or `KiB`, `MiB`, `GiB`.
    package func byteSize(in range: ClosedRange<Int> = 0...Int.max) -> Int? {
        let limits = range == 0...Int.max ? "" : ", \(Self.text(of: range)) bytes"
        let accepted = "a size such as 64kB, 512MB, 2GB, 512MiB" + limits
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            report(wrongType, accepted: accepted)
            return nil
        }
        guard let (number, unit) = Self.split(text), let factor = Self.bytes[unit],
            case let (product, overflow) = number.multipliedReportingOverflow(by: factor),
            !overflow, range.contains(product)
        else {
            report("is " + quoted(text), accepted: accepted)
            return nil
        }
        return product
    }

    /// Reads bytes in hexadecimal, spaces and colons allowed between them.
    package func hexBytes(count: ClosedRange<Int> = 1...4096) -> [UInt8]? {
        var accepted: String { "\(Self.text(of: count)) bytes in hexadecimal" }
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            report(wrongType, accepted: accepted)
            return nil
        }
        guard let bytes = Self.hex(text), count.contains(bytes.count) else {
            report("is " + quoted(text), accepted: accepted)
            return nil
        }
        return bytes
    }

    private static let milliseconds = [
        "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]
    private static let bytes = [
        "B": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10,
        "MiB": 1 << 20, "GiB": 1 << 30,
    ]

    private static func split(_ text: String) -> (Int, String)? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = Int(digits) else { return nil }
        return (number, String(text[digits.endIndex...].drop { $0 == " " }))
    }

    private static func hex(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var high: UInt8?
        for character in text.utf8 {
            if character == 0x20 || character == 0x3A {
                // A separator in the middle of a byte is a lost digit.
                guard high == nil else { return nil }
                continue
            }
            guard let digit = nibble(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }

    private static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }

    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        for (unit, factor) in units where milliseconds != 0 && milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}

extension Duration {
    /// A number of days of 24 hours.
    package static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
