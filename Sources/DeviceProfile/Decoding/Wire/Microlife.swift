package import Measurement

/// A record of a Microlife cuff: 32 hexadecimal characters, `yyMMddHHmm`, six more, then a word of
/// pulse, diastolic and systolic with ten bits each, and eight more.
///
/// An answer is 06, such text, and two digits of the sum of its characters.
package enum Microlife {
    private static let recordLength = 32

    /// The text of an answer.
    ///
    /// - Throws: where it is no whole answer.
    package static func open(_ answer: [UInt8]) throws(DecodeError) -> [UInt8] {
        guard answer.first == 6 else { throw DecodeError("an answer begins with 06", offset: 0) }
        guard answer.count > 3 else {
            throw DecodeError("an answer without text", offset: answer.count)
        }
        let text = Array(answer[1..<answer.count - 2])
        let digits = String(decoding: answer.suffix(2), as: UTF8.self)
        guard UInt8(digits, radix: 16) == text.reduce(0, &+) else {
            throw DecodeError("the checksum does not fit", offset: answer.count - 2)
        }
        return text
    }

    /// `MMddyyyyHHmmss`; nil for a time that no clock shows.
    package static func clock(_ text: [UInt8]) -> LocalDateTime? {
        guard text.count >= 14 else { return nil }
        func part(_ range: Range<Int>) -> Int? {
            let digits = text[range]
            return digits.allSatisfy { (48...57).contains($0) }
                ? Int(String(decoding: digits, as: UTF8.self)) : nil
        }
        guard let month = part(0..<2), let day = part(2..<4), let year = part(4..<8),
            let hour = part(8..<10), let minute = part(10..<12), let second = part(12..<14)
        else { return nil }
        return LocalDateTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// The records of a memory: four digits count them, and they begin behind 32 characters.
    ///
    /// - Throws: how many characters are there where the count needs more.
    package static func records(_ text: [UInt8]) throws(DecodeError) -> [[UInt8]] {
        let digits = String(decoding: text.prefix(4), as: UTF8.self)
        guard text.count >= recordLength, text[0] != 43, let count = Int(digits, radix: 16) else {
            throw DecodeError("a memory begins with its count", offset: 0)
        }
        guard text.count >= recordLength * (count + 1) else {
            throw DecodeError("\(count) records are announced", offset: text.count)
        }
        return (0..<count).map {
            Array(text[recordLength * ($0 + 1)..<recordLength * ($0 + 2)])
        }
    }

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        guard bytes.count == 32 else {
            throw DecodeError("32 characters are due", offset: bytes.count)
        }
        func number(_ range: Range<Int>, _ radix: Int) throws(DecodeError) -> Int {
            let digits = bytes[range]
            guard digits.allSatisfy({ $0 != 43 && $0 != 45 }),
                let value = Int(String(decoding: digits, as: UTF8.self), radix: radix)
            else { throw DecodeError("digits are due", offset: range.lowerBound) }
            return value
        }
        let parts = [
            try number(0..<2, 10), try number(2..<4, 10), try number(4..<6, 10),
            try number(6..<8, 10), try number(8..<10, 10),
        ]
        guard
            let time = LocalDateTime(
                year: 2_000 + parts[0], month: parts[1], day: parts[2], hour: parts[3],
                minute: parts[4])
        else { throw DecodeError("an impossible date or time", offset: 0) }
        let word = try number(16..<24, 16)
        var reading = Reading(.measurement, kind: .bloodPressure)
        reading.keyBytes = bytes
        reading.setTime(.known(time))
        reading.resolution = .minute
        reading.quantities = [
            Quantity(.systolic, ExactDecimal(Int64(word & 1_023)), .millimetreOfMercury),
            Quantity(.diastolic, ExactDecimal(Int64(word >> 10 & 1_023)), .millimetreOfMercury),
            Quantity(.pulseRate, ExactDecimal(Int64(word >> 20 & 1_023)), .perMinute),
        ]
        return reading
    }
}
