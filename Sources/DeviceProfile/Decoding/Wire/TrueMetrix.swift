package import Measurement

/// Messages of Trividia TRUE METRIX meters: `(content)XX`, in reports that count their bytes.
///
/// XX is the low byte of the sum of all characters, the brackets included, as two digits. What the
/// content is stands in its first characters: `g5` a result, `x` the sum of all results, `i` the
/// model, `z1` the serial number, `t` the clock.
package enum TrueMetrix {
    /// The messages of a stream; no content holds a bracket.
    package static let framing = WirePlan.Framing.between(
        start: [0x28], end: [0x29], trailing: 2, maximum: 256)
    package static let result = Array("g5".utf8)
    package static let downloadSum = Array("x".utf8)
    package static let model = Array("i".utf8)
    package static let serial = Array("z1".utf8)
    package static let clock = Array("t".utf8)
    private static let header: UInt8 = 0xA0
    private static let digits = 12

    /// The models that are known to keep their results in this way.
    package static let models = [
        "MR2": "TRUE METRIX", "RC2": "TRUE METRIX GO", "BLU": "TRUE METRIX AIR",
    ]

    /// A report for the meter: A0, how many characters, the command in its frame.
    package static func report(_ command: String) -> [UInt8] {
        let text = frame(Array(command.utf8))
        return [header, UInt8(clamping: text.count)] + text
    }

    static func frame(_ content: [UInt8]) -> [UInt8] {
        let text = [0x28] + content + [0x29]
        return text + Array(hexDigits(UInt32(text.reduce(UInt8(0), &+)), 2).uppercased().utf8)
    }

    /// The valid bytes of a report of the meter; what is behind them is left from older ones.
    ///
    /// - Throws: a report that counts more bytes than it has.
    package static func payload(_ report: [UInt8]) throws(DecodeError) -> ArraySlice<UInt8> {
        guard let first = report.first else { throw DecodeError("an empty report", offset: 0) }
        guard Int(first) < report.count, first < 64 else {
            throw DecodeError(
                "a report of \(report.count) bytes counts \(first) behind its first", offset: 0)
        }
        return report[1..<1 + Int(first)]
    }

    /// The content of a message whose checksum fits.
    ///
    /// - Throws: what is no message.
    package static func open(_ frame: [UInt8]) throws(DecodeError) -> [UInt8] {
        guard frame.first == 0x28 else {
            throw DecodeError("a message begins with a bracket", offset: 0)
        }
        guard frame.count >= 4, frame[frame.count - 3] == 0x29 else {
            throw DecodeError("a message ends with a bracket and two digits", offset: frame.count)
        }
        let sum = frame.dropLast(2).reduce(UInt8(0), &+)
        guard let said = number(frame.suffix(2)), said == Int(sum) else {
            throw DecodeError("the frame checksum does not fit", offset: frame.count - 2)
        }
        return Array(frame[1..<frame.count - 3])
    }

    /// `ssmmHHDDMMYY`, with or without the `t` in front; nil for a time that no clock shows.
    package static func time(_ content: [UInt8]) -> LocalDateTime? {
        let text = content.starts(with: clock) ? content.dropFirst() : content[...]
        guard text.count == 12, text.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let parts = stride(from: text.startIndex, to: text.endIndex, by: 2).map {
            Int(text[$0] - 48) * 10 + Int(text[$0 + 1] - 48)
        }
        return LocalDateTime(
            year: 2_000 + parts[5], month: parts[4], day: parts[3], hour: parts[2],
            minute: parts[1], second: parts[0])
    }

    static func reading(_ bytes: [UInt8]) throws(DecodeError) -> Reading {
        let parts = bytes.split(separator: 0x23, maxSplits: 1, omittingEmptySubsequences: false)
        let content = try open(Array(parts.first ?? []))
        let text = String(decoding: content, as: UTF8.self)
        if content.starts(with: result) {
            var reading = try measured(Array(content.dropFirst(result.count)))
            if parts.count > 1 { reading.occurrence = try occurrence(parts[1]) }
            return reading
        }
        if content.starts(with: serial) { return .state(["serial": String(text.dropFirst(2))]) }
        if content.starts(with: model) { return .state(["model": String(text.dropFirst())]) }
        if content.starts(with: downloadSum) {
            return .state(["download-checksum": String(text.dropFirst())])
        }
        guard let time = time(content) else {
            throw DecodeError("a message of a kind that is not known", offset: 1)
        }
        var reading = Reading(.deviceState)
        reading.deviceTime = time
        return reading
    }

    private static func occurrence(_ text: ArraySlice<UInt8>) throws(DecodeError) -> Int {
        guard let count = Int(String(decoding: text, as: UTF8.self)), count > 1 else {
            throw DecodeError("a number above 1 is due", offset: text.startIndex)
        }
        return count
    }

    /// The number that hexadecimal digits are; nil where one is none.
    static func number(_ text: some Collection<UInt8>) -> Int? {
        guard text.allSatisfy({ $0 < 128 && Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        return Int(String(decoding: text, as: UTF8.self), radix: 16)
    }
}

extension TrueMetrix {
    /// Month; day and year; hour and minute; one bit that says nothing, then 11 of mg/dL; two more digits.
    ///
    /// Day and year are the decimal digits of one number (1526: the 15th, 2026), hour and minute too.
    /// Every digit is hexadecimal before anything is taken from it.
    fileprivate static func measured(_ digits: [UInt8]) throws(DecodeError) -> Reading {
        guard digits.count == Self.digits else {
            throw DecodeError(
                "a result of \(digits.count) digits, \(Self.digits) are due", offset: 3)
        }
        if let wrong = digits.firstIndex(where: { number([$0]) == nil }) {
            throw DecodeError("a character that is no digit", offset: 3 + wrong)
        }
        func part(_ range: Range<Int>) -> Int { number(digits[range]) ?? 0 }
        let (date, clock) = (part(1..<4), part(4..<7))
        guard
            let time = LocalDateTime(
                year: 2_000 + date % 100, month: part(0..<1), day: date / 100, hour: clock / 100,
                minute: clock % 100)
        else { throw DecodeError("an impossible date or time", offset: 3) }
        var reading = Reading(.measurement, kind: .glucose)
        reading.keyBytes = digits
        reading.setTime(.known(time))
        reading.resolution = .minute
        let value = part(7..<10) & 0x7FF
        reading.quantities = [
            Quantity(.glucose, ExactDecimal(Int64(value)), .milligramPerDecilitre)
        ]
        if value > 600 { reading.isBeyond("result-too-high") }
        if value < 20 { reading.isBeyond("result-too-low") }
        if part(11..<12) != 0 { reading.outcome = .controlSolution }
        if part(10..<11) != 0 {
            reading.add(["digit-10": String(decoding: digits[10...10], as: UTF8.self)])
        }
        return reading
    }

    /// The results of one download, in their order, where the meter's own sum says that all are there.
    ///
    /// The sum runs over the characters of all results. Results that are equal in every digit are
    /// numbered from the second on (`#2`), so that each of them is a record.
    ///
    /// - Parameter messages: whole messages whose checksums fit.
    /// - Throws: a download without its sum, or whose sum is another one; nothing of it is used then.
    package static func download(
        _ messages: [[UInt8]]
    ) throws(DecodeError) -> [[UInt8]] {
        let contents = messages.map { $0.dropFirst().dropLast(3) }
        let sums = Set(contents.filter { $0.starts(with: downloadSum) })
        guard let said = sums.first else {
            throw DecodeError("the download has no checksum", offset: messages.count)
        }
        // One character stands before the four digits.
        guard sums.count == 1, said.count == 6, let wanted = number(said.suffix(4)) else {
            throw DecodeError("\(sums.count) download checksums, or one of another form", offset: 0)
        }
        let results = zip(messages, contents).filter { $0.1.starts(with: result) }
        let sum = results.reduce(UInt16(0)) { sum, message in
            message.1.dropFirst(result.count).reduce(sum) { $0 &+ UInt16($1) }
        }
        guard Int(sum) == wanted else {
            throw DecodeError(
                "the download checksum does not fit its \(results.count) results",
                offset: messages.count)
        }
        var counts: [[UInt8]: Int] = [:]
        return results.map { message, _ in
            let count = counts[message, default: 0] + 1
            counts[message] = count
            return count == 1 ? message : message + Array("#\(count)".utf8)
        }
    }
}

extension Reading {
    /// Beyond the meter's range the number is not the glucose.
    fileprivate mutating func isBeyond(_ flag: String) {
        flags.append(flag)
        outcome = .failedMeasurement
        quantities = quantities.map { Quantity($0.name, nil, $0.unit) }
    }
}
