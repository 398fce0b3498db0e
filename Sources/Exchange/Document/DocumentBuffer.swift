import Measurement

/// The bytes of a document in the making; it keeps its memory for the next one.
struct DocumentBuffer: Sendable {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }
    mutating func append(_ scalar: Unicode.Scalar) { bytes.append(UInt8(ascii: scalar)) }
    mutating func append(_ name: FieldName) { bytes.append(contentsOf: name.bytes) }
    mutating func append(contentsOf slice: ArraySlice<UInt8>) { bytes.append(contentsOf: slice) }

    mutating func quoted(_ text: String) {
        append("\"")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { append("\\") }
            bytes.append(byte)
        }
        append("\"")
    }

    /// Writes `yyyyMMddHHmmss`, and milliseconds where the width has room for them.
    mutating func quoted(_ time: LocalDateTime, width: Int) {
        append("\"")
        digits(UInt64(time.year), 4)
        for part in [time.month, time.day, time.hour, time.minute, time.second] {
            digits(UInt64(part), 2)
        }
        if width == 17 { digits(UInt64(time.microsecond / 1_000), 3) }
        append("\"")
    }

    /// Writes a decimal that has `decimals` digits after the point.
    mutating func decimal(_ number: ExactDecimal, decimals: Int) {
        var scale: UInt64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let magnitude = number.mantissa.magnitude
        digits(magnitude / scale, 1)
        if decimals > 0 {
            append(".")
            digits(magnitude % scale, decimals)
        }
    }

    private mutating func digits(_ value: UInt64, _ least: Int) {
        var divisor: UInt64 = 1
        var count = 1
        while count < least || value / divisor >= 10 {
            divisor *= 10
            count += 1
        }
        while divisor > 0 {
            bytes.append(UInt8(48 + value / divisor % 10))
            divisor /= 10
        }
    }
}

extension ExactDecimal {
    /// Characters of a decimal with `decimals` digits after the point, as it is written.
    func writtenWidth(decimals: Int) -> Int {
        var digits = 1
        var rest = mantissa.magnitude / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return decimals == 0 ? digits : max(digits, decimals + 1) + 1
    }
}
