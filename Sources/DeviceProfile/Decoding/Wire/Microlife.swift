import Measurement

/// A record of a Microlife cuff: 32 hexadecimal characters, `yyMMddHHmm`, six more, then a word of
/// pulse, diastolic and systolic with ten bits each, and eight more.
enum Microlife {
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
