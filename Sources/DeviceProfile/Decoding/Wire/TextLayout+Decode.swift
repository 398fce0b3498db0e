import Measurement

extension TextLayout {
    /// The reading of one message.
    ///
    /// - Throws: where the text differs from the layout, or a number that the device cannot mean.
    func reading(_ message: [UInt8]) throws(DecodeError) -> Reading {
        var match = try match(message)
        for (field, templates) in parts {
            guard let capture = match.captures[field] else { continue }
            match.captures.merge(try Self.split(capture, templates)) { first, _ in first }
        }
        try checkSum(message, match)
        var reading = Reading(outcome, kind: kind)
        reading.keyBytes =
            key.isEmpty ? message : Array(key.map { match[$0] ?? "" }.joined(separator: ",").utf8)
        try takeTime(match, &reading)
        try takeNumbers(match, &reading)
        reading.clockChange?.index = reading.sequenceNumber ?? 0
        for rule in flags where rule.test.holds(match) && !reading.flags.contains(rule.flag) {
            reading.flags.append(rule.flag)
        }
        for detail in details { take(detail, match, &reading) }
        let rule = outcomes.first { $0.test.holds(match) }
        // A unit that no message has breaks it, whether or not its number counts.
        for value in values {
            guard case .named(let field, _) = value.unit else { continue }
            _ = try unit(value.unit, match, match.captures[field]?.offset ?? 0)
        }
        if rule == nil || rule?.outcome == .measurement || rule?.outcome == .controlSolution
            || rule?.outcome == .notFinal
        {
            for value in values { try take(value, match, &reading) }
        }
        decide(rule, &reading)
        return reading
    }

    private func match(_ message: [UInt8]) throws(DecodeError) -> TextMatch {
        switch shape {
        case .template(let template):
            // The ends of lines are the framing's, whichever of them the unit is set to.
            var text = message[...]
            while let last = text.last, last == 13 || last == 10 { text.removeLast() }
            do throws(DecodeError) {
                return try template.match(Array(text))
            } catch {
                if text.count == message.count { throw error }
                guard let whole = try? template.match(message) else { throw error }
                return whole
            }
        case .pairs(let open, let separator): return try pairs(message, open, separator)
        }
    }

    private func pairs(
        _ message: [UInt8], _ open: [UInt8], _ separator: UInt8
    ) throws(DecodeError) -> TextMatch {
        guard message.starts(with: open) else {
            throw DecodeError("the message does not begin as this model's do", offset: 0)
        }
        var match = TextMatch()
        var key: String?
        var start = open.count
        var isQuoted = false
        func text(_ range: Range<Int>) -> [UInt8] {
            let part = message[range].filter { $0 != 13 && $0 != 10 }
            return part.first == 34 && part.last == 34 && part.count > 1
                ? Array(part.dropFirst().dropLast()) : Array(part)
        }
        for index in open.count...message.count {
            if index < message.count {
                if message[index] == 34 { isQuoted.toggle() }
                guard message[index] == separator, !isQuoted else { continue }
            }
            let found = text(start..<index)
            if let name = key {
                guard match.captures[name] == nil else {
                    throw DecodeError("the key \(name) stands twice", offset: start)
                }
                match.captures[name] = TextMatch.Capture(bytes: found, offset: start)
                key = nil
            } else if !found.isEmpty {
                key = String(decoding: found, as: UTF8.self)
            }
            start = index + 1
        }
        guard key == nil, !isQuoted else {
            throw DecodeError("the message ends inside a pair", offset: message.count)
        }
        return match
    }

    private static func split(
        _ capture: TextMatch.Capture, _ templates: [TextTemplate]
    ) throws(DecodeError) -> [String: TextMatch.Capture] {
        for template in templates {
            guard let match = try? template.match(capture.bytes) else { continue }
            return match.captures.mapValues {
                TextMatch.Capture(bytes: $0.bytes, offset: $0.offset + capture.offset)
            }
        }
        throw DecodeError("a part is not as this model writes it", offset: capture.offset)
    }

    private func checkSum(_ message: [UInt8], _ match: TextMatch) throws(DecodeError) {
        guard let checksum else { return }
        guard let capture = match.captures[checksum.field] else {
            throw DecodeError("the checksum is missing", offset: message.count)
        }
        let end = capture.offset - checksum.gap
        guard checksum.from <= end else {
            throw DecodeError("the message is too short for its checksum", offset: message.count)
        }
        let sum = checksum.method.over(message[checksum.from..<end])
        guard UInt32(String(decoding: capture.bytes, as: UTF8.self), radix: 16) == sum else {
            throw DecodeError("the checksum does not fit", offset: capture.offset)
        }
    }

    private func takeNumbers(
        _ match: TextMatch, _ reading: inout Reading
    ) throws(DecodeError) {
        for (field, path) in [
            (userSlot, \Reading.userSlot), (sequenceNumber, \Reading.sequenceNumber),
        ] {
            guard let field, let capture = match.captures[field] else { continue }
            guard let number = Int(capture.text) else {
                throw DecodeError("\(field) is no number", offset: capture.offset)
            }
            reading[keyPath: path] = number
        }
    }

    private func take(_ detail: Detail, _ match: TextMatch, _ reading: inout Reading) {
        if let text = detail.constant {
            reading.details.append(Reading.Detail(name: detail.name, value: text))
            return
        }
        guard let text = match[detail.field], !text.isEmpty, !detail.absent.contains(text)
        else { return }
        if !detail.words.isEmpty, detail.words[text] == nil { return }
        reading.details.append(
            Reading.Detail(name: detail.name, value: detail.words[text] ?? text))
    }

    private func take(
        _ value: Value, _ match: TextMatch, _ reading: inout Reading
    ) throws(DecodeError) {
        guard let capture = match.captures[value.field] else {
            guard value.isRequired else { return }
            throw DecodeError("\(value.field) is missing", offset: 0)
        }
        let text = capture.text
        let unit = try unit(value.unit, match, capture.offset)
        var number: ExactDecimal?
        if value.tooHigh.contains(text) {
            reading.flags.append("result-too-high")
        } else if value.tooLow.contains(text) {
            reading.flags.append("result-too-low")
        } else if !text.isEmpty, !value.absent.contains(text) {
            number = ExactDecimal(text.hasPrefix("+") ? String(text.dropFirst()) : text)
            guard let number else {
                throw DecodeError("\(value.field) is no number", offset: capture.offset)
            }
            if let range = value.range,
                number < ExactDecimal(Int64(range.lowerBound))
                    || number > ExactDecimal(Int64(range.upperBound))
            {
                throw DecodeError(
                    "\(value.field) is outside of what the device measures",
                    offset: capture.offset)
            }
        }
        reading.quantities.append(Quantity(value.name, number, unit))
    }

    private func unit(
        _ rule: UnitRule, _ match: TextMatch, _ offset: Int
    ) throws(DecodeError) -> MeasurementUnit {
        switch rule {
        case .fixed(let unit): return unit
        case .named(let field, let words):
            if let text = match[field], let unit = words[text] { return unit }
            throw DecodeError("a unit that this model has not", offset: offset)
        }
    }

    private func decide(_ rule: OutcomeRule?, _ reading: inout Reading) {
        if let rule {
            reading.outcome = rule.outcome
            reading.reason = rule.reason
            if rule.reason != nil || rule.outcome == .rejected { reading.offset = 0 }
        } else if reading.outcome == .measurement,
            !reading.quantities.contains(where: { $0.number != nil })
        {
            reading.outcome = .failedMeasurement
        }
    }
}

extension FieldChecksum.Method {
    /// The checksum of bytes, whatever else the frame holds.
    package func over(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        switch self {
        case .xor: UInt32(bytes.reduce(0, ^))
        case .sum8: bytes.reduce(0) { $0 &+ UInt32($1) } & 0xFF
        case .sum16: bytes.reduce(0) { $0 &+ UInt32($1) } & 0xFFFF
        case .sum32: bytes.reduce(0) { $0 &+ UInt32($1) }
        case .crc(let crc): crc.compute(bytes)
        }
    }
}
