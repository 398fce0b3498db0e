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
        if text.utf8.span.needsEscape {
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { append("\\") }
                bytes.append(byte)
            }
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        append("\"")
    }

    /// Writes `yyyyMMddHHmmss`, and milliseconds where the width has room for them.
    mutating func quoted(_ time: LocalDateTime, width: Int) {
        append("\"")
        twoDigits(time.year / 100)
        twoDigits(time.year % 100)
        twoDigits(time.month)
        twoDigits(time.day)
        twoDigits(time.hour)
        twoDigits(time.minute)
        twoDigits(time.second)
        if width == 17 {
            let milliseconds = time.microsecond / 1_000
            twoDigits(milliseconds / 10)
            bytes.append(UInt8(truncatingIfNeeded: 48 + milliseconds % 10))
        }
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

    private mutating func twoDigits(_ number: Int) {
        bytes.append(UInt8(truncatingIfNeeded: 48 + number / 10 % 10))
        bytes.append(UInt8(truncatingIfNeeded: 48 + number % 10))
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

extension Span<UInt8> {
    /// Whether a quotation mark or a backslash is in it.
    fileprivate var needsEscape: Bool {
        for index in indices
        where self[index] == UInt8(ascii: "\"") || self[index] == UInt8(ascii: "\\") {
            return true
        }
        return false
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
