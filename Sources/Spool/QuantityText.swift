import Measurement

/// Reads the values of a record as `RecordColumns` writes them, without building a tree of JSON.
///
/// It says nil to any other text, which is then read as the JSON that it may be.
struct QuantityText {
    private var at = 0

    /// `[{"name":"weight","number":72.50,"unit":"kg"}]`.
    static func read(_ text: String) -> [Quantity]? {
        var reader = QuantityText()
        return reader.quantities(text.utf8.span)
    }

    private static let names = Dictionary(
        uniqueKeysWithValues: QuantityName.allCases.map { ($0.rawValue, $0) })
    private static let units = Dictionary(
        uniqueKeysWithValues: MeasurementUnit.allCases.map { ($0.rawValue, $0) })
    private static let beforeName = Array("{\"name\":\"".utf8)
    private static let beforeNumber = Array("\",\"number\":".utf8)
    private static let beforeUnit = Array(",\"unit\":\"".utf8)
    private static let end = Array("\"}".utf8)
    private static let null = Array("null".utf8)

    private mutating func quantities(_ bytes: Span<UInt8>) -> [Quantity]? {
        guard take(UInt8(ascii: "["), bytes) else { return nil }
        var quantities: [Quantity] = []
        if take(UInt8(ascii: "]"), bytes) { return at == bytes.count ? quantities : nil }
        quantities.reserveCapacity(4)
        repeat {
            guard take(Self.beforeName, bytes), let name = Self.names[word(bytes)],
                take(Self.beforeNumber, bytes)
            else { return nil }
            var number: ExactDecimal?
            if !take(Self.null, bytes) {
                number = decimal(bytes)
                guard number != nil else { return nil }
            }
            guard take(Self.beforeUnit, bytes), let unit = Self.units[word(bytes)],
                take(Self.end, bytes)
            else { return nil }
            quantities.append(Quantity(name, number, unit))
        } while take(UInt8(ascii: ","), bytes)
        return take(UInt8(ascii: "]"), bytes) && at == bytes.count ? quantities : nil
    }

    private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func take(_ word: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        guard at + word.count <= bytes.count else { return false }
        for index in word.indices where bytes[at + index] != word[index] { return false }
        at += word.count
        return true
    }

    /// What stands up to the next quotation mark; one with an escape is no word of ours.
    private mutating func word(_ bytes: Span<UInt8>) -> String {
        var letters: [UInt8] = []
        letters.reserveCapacity(24)
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            letters.append(bytes[at])
            at += 1
        }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Plain digits with a point; a number with an exponent is read as JSON.
    private mutating func decimal(_ bytes: Span<UInt8>) -> ExactDecimal? {
        let isNegative = take(UInt8(ascii: "-"), bytes)
        var mantissa: Int64 = 0
        var digits = 0
        var decimals: Int?
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "."), decimals == nil, digits > 0 {
                decimals = 0
            } else if bytes[at] >= 48, bytes[at] <= 57 {
                // JSON knows no zero before another digit.
                guard decimals != nil || digits == 0 || mantissa > 0 else { return nil }
                mantissa = mantissa * 10 + Int64(bytes[at] - 48)
                digits += 1
                decimals = decimals.map { $0 + 1 }
            } else {
                break
            }
            at += 1
            // More digits than surely fit are read as JSON.
            guard digits <= 17 else { return nil }
        }
        guard digits > 0, decimals != 0 else { return nil }
        return ExactDecimal(isNegative ? -mantissa : mantissa, exponent: -(decimals ?? 0))
    }
}
